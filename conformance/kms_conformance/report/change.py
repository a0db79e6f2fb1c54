"""What two runs of one target differ in, requirement by requirement, and whether that is for the worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from kms_conformance.catalogue.families import SEEDED
from kms_conformance.verdict.model import RequirementResult

if TYPE_CHECKING:
    from kms_conformance.catalogue.requirements import Level
    from kms_conformance.verdict.model import RequirementVerdict, Verdict
    from kms_conformance.verdict.results import CheckResult

Kind = Literal["regressed", "uncovered", "fixed", "answer_changed", "new", "vanished", "otherwise"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_ABSENT = frozenset({None, "not_applicable"})
_OPEN = frozenset({"inconclusive", "not_tested"})
_HELD = frozenset({"passed", "waived"})


@dataclass(frozen=True)
class RunSide:
    """One target in one run; `checks` is None where only its verdict is at hand."""

    verdict: Verdict
    checks: Sequence[CheckResult] | None = None


@dataclass(frozen=True)
class RequirementChange:
    """One requirement of one target that differs between two runs.

    `before` and `after` are its verdicts, None where a run does not have it; `answers_before` and `answers_after` which
    of several accepted answers came, for the kind `answer_changed` alone. `why` is the reason that the later run gives,
    or the earlier one where the later gives none; `failure` the id of a failure of the later run.
    """

    kind: Kind
    target: str
    id: str
    level: Level
    before: RequirementResult | None
    after: RequirementResult | None
    answers_before: tuple[str, ...] = ()
    answers_after: tuple[str, ...] = ()
    why: str = ""
    failure: str = ""


def changes(target: str, old: RunSide, new: RunSide) -> Iterator[RequirementChange]:
    """Every difference between two runs of a target: what the earlier run has in its order, then what is new."""
    before = {entry.id: entry for entry in old.verdict.requirements}
    after = {entry.id: entry for entry in new.verdict.requirements}
    answers = dict(_answers(old, new))
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        known = now or before[name]
        verdicts = (was.verdict if was else None), (now.verdict if now else None)
        kind = kind_of(*verdicts, known.level, decides=known.decides)
        seen = answers.get(name, ((), ()))
        if kind is None and set(verdicts) == {"passed"} and seen[0] != seen[1]:
            yield RequirementChange("answer_changed", target, name, known.level, *verdicts, *seen)
        elif kind is not None:
            why = next((entry.reason for entry in (now, was) if entry and entry.reason), "")
            yield RequirementChange(kind, target, name, known.level, *verdicts, why=why, failure=_failure(now, new))


def kind_of(
    before: RequirementResult | None, after: RequirementResult | None, level: Level, *, decides: bool = True
) -> Kind | None:
    """What a change of a verdict is; None where nothing follows from it.

    A requirement that a run does not have, or that does not apply there, is absent. Of those that are there, a MUST or
    a SHOULD that held or was waived and fails now has regressed; so has a MUST that is not judged any more. One that
    fails and could not be judged before is uncovered: nobody knows since when it fails. A MAY never regresses, and
    neither does what does not decide.
    """
    if before in _ABSENT or after in _ABSENT:
        return None if before in _ABSENT and after in _ABSENT else "new" if before in _ABSENT else "vanished"
    if before == after:
        return None
    weighs = decides and level != "MAY"
    lost = level == "MUST" and before in _HELD and after in _OPEN
    found = level == "MUST" and before in _OPEN
    if weighs and after == "failed" and before in _OPEN:
        return "uncovered"
    if weighs and (after == "failed" or lost):
        return "regressed"
    if weighs and after == "passed" and (before in {"failed", "waived"} or found):
        return "fixed"
    return "otherwise"


def _answers(old: RunSide, new: RunSide) -> Iterator[tuple[str, tuple[tuple[str, ...], tuple[str, ...]]]]:
    """By requirement, the accepted answers that came in checks that both runs made.

    Where requests are drawn, another seed asks other things: then these checks say nothing of the target.
    """
    drawn = frozenset[str]() if old.verdict.seed == new.verdict.seed else frozenset(SEEDED)
    first, second = (_observed(side, drawn) for side in (old, new))
    both = [place for place in first if place in second]
    for name in dict.fromkeys(requirement for _, requirement in both):
        places = [place for place in both if place[1] == name]
        if any(first[place] != second[place] for place in places):
            yield name, (_union(first, places), _union(second, places))


_Observed = Mapping[tuple[str, str], tuple[str, ...]]


def _observed(side: RunSide, besides: frozenset[str]) -> _Observed:
    """The answers that came, by check and requirement."""
    return {
        (check.check, requirement): answers
        for check in side.checks or ()
        if check.family not in besides
        for requirement, answers in check.observed.items()
    }


def _union(observed: _Observed, places: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted({answer for place in places for answer in observed[place]}))


def _failure(entry: RequirementVerdict | None, side: RunSide) -> str:
    found = (
        check.failure_id(failure)
        for check in side.checks or ()
        for failure in check.failures
        if entry is not None and entry.verdict == "failed" and failure.requirement == entry.id
    )
    return next(found, "")
