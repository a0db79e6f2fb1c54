"""Finds the changes between two runs of one target, requirement by requirement, and which are regressions."""

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
    """One target in one of the two runs; `checks` is None if only the verdict is available."""

    verdict: Verdict
    checks: Sequence[CheckResult] | None = None


@dataclass(frozen=True)
class RequirementChange:
    """One requirement of one target that differs between two runs.

    - `before`, `after`: its verdicts in the earlier and the later run; None if a run does not have the requirement.
    - `answers_before`, `answers_after`: the accepted answers that the target gave; only for the kind `answer_changed`.
    - `why`: the reason in the later verdict; if there is none, the reason in the earlier verdict.
    - `failure`: the id of a failure in the later run.
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
    """The changes between two runs of a target: requirements in the order of the earlier run, then new ones."""
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
    """Classify the change of one verdict; None if there is no change.

    - `new`, `vanished`: the requirement applies in only one of the runs, the later or the earlier.
    - `regressed`: a MUST or SHOULD passed or was waived before and fails now, or a MUST is no longer judged.
    - `uncovered`: a MUST or SHOULD could not be judged before and fails now.
    - `fixed`: a MUST or SHOULD failed or was waived before and passes now, or a MUST could not be judged before and
      passes now.
    - `otherwise`: any other change, and every change of a MAY or of a requirement that does not decide.
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
    """By requirement, the accepted answers in both runs, if they differ; only checks that both runs made count.

    If the seeds differ, checks with randomly generated requests (`SEEDED`) are left out, because they sent different
    requests.
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
    """The accepted answers that the target gave, by check and requirement, without the families in `besides`."""
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
