"""A baseline: the waivers for everything that failed in a run, and which waivers of a file the run does not need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from kms_conformance.core.text import capped, counted, one_line
from kms_conformance.verdict.waivers.load import UNDECIDED
from kms_conformance.verdict.waivers.model import Waiver, accepting

if TYPE_CHECKING:
    from kms_conformance.verdict.model import Verdict
    from kms_conformance.verdict.results import CheckResult

_FAILED = frozenset({"failed", "waived"})
_OPEN = frozenset({"inconclusive", "not_tested"})
_MOST_SHOWN = 100
_MOST_NAMED = 4


@dataclass(frozen=True)
class Outcomes:
    """What a run saw of the requirements of one target.

    - `failed`: by id of each failed or waived requirement, the ids of its failures.
    - `passed`, `open`: the requirements that passed, and those that were not judged to the end.
    - `reasons`: by id of each failed requirement, what was expected and received.
    """

    target: str
    dialect: str
    failed: Mapping[str, tuple[str, ...]]
    passed: frozenset[str]
    open: frozenset[str]
    reasons: Mapping[str, str]

    @classmethod
    def of(cls, verdict: Verdict, checks: Iterable[CheckResult]) -> Outcomes:
        """The outcomes in a verdict and the results of its checks."""
        found: dict[str, dict[str, str]] = {}
        for check in checks:
            for failure in check.failures:
                said = f"expected {failure.expected}; received {failure.received}"
                found.setdefault(failure.requirement, {})[check.failure_id(failure)] = said
        failing = [entry for entry in verdict.requirements if entry.verdict in _FAILED]
        return cls(
            verdict.name,
            verdict.dialect,
            {entry.id: tuple(found.get(entry.id, ())) for entry in failing},
            frozenset(entry.id for entry in verdict.requirements if entry.verdict == "passed"),
            frozenset(entry.id for entry in verdict.requirements if entry.verdict in _OPEN),
            {entry.id: next(iter(found.get(entry.id, {}).values()), entry.reason) for entry in failing},
        )


@dataclass(frozen=True)
class DraftedWaiver:
    """A waiver that nobody has given a reason yet, and what it accepts, in one line."""

    waiver: Waiver
    note: str


def drafts(
    outcomes: Sequence[Outcomes], known: Sequence[Waiver], owner: str, expires: date, *, exact: bool = False
) -> tuple[DraftedWaiver, ...]:
    """The waivers for all failures that no waiver in `known` accepts, sorted by requirement.

    Requirements with a common prefix are one glob if at least two of them failed and none passed. Each waiver names its
    targets. With `exact`, a waiver accepts no other failures than those of the run.
    """
    where: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    notes: dict[tuple[str, tuple[str, ...]], str] = {}
    for each in outcomes:
        accepted = [waiver for waiver in known if waiver.applies_to(each.target, each.dialect)]
        left = [name for name in each.failed if not _is_accepted(each, name, accepted)]
        for pattern in _patterns(left, each):
            covered = [name for name in each.failed if Waiver(pattern, "", "", expires).covers(name)]
            ids = tuple(sorted({known_id for name in covered for known_id in each.failed[name]})) if exact else ()
            where.setdefault((pattern, ids), []).append(each.target)
            notes.setdefault((pattern, ids), _note(covered, each))
    found = [
        DraftedWaiver(
            Waiver(pattern, UNDECIDED, owner, expires, targets=tuple(sorted(targets)), failures=ids),
            notes[pattern, ids],
        )
        for (pattern, ids), targets in where.items()
    ]
    return tuple(sorted(found, key=lambda draft: order(draft.waiver)))


def order(waiver: Waiver) -> tuple[object, ...]:
    """The place of a waiver in a sorted file: by requirement, then by scope."""
    return waiver.requirement, waiver.targets, waiver.dialect, waiver.failures


def renewed(waiver: Waiver, expires: date) -> Waiver:
    """An expired waiver with a new last day; its reason must be decided again."""
    reason = f"{UNDECIDED}: decide again. Until {waiver.expires} it was: {' '.join(waiver.reason.split())}"
    return replace(waiver, reason=capped(reason, 1000)[0], expires=expires)


def is_needed(waiver: Waiver, outcomes: Sequence[Outcomes]) -> bool:
    """Whether a waiver accepts something that failed, or may do so: it is for other targets, or nothing was judged."""
    concerned = [each for each in outcomes if waiver.applies_to(each.target, each.dialect)]
    return not concerned or any(_matches(waiver, each) or any(map(waiver.covers, each.open)) for each in concerned)


def matches_failure(waiver: Waiver, outcomes: Sequence[Outcomes]) -> bool:
    """Whether a waiver, were it not expired, would accept a failure of the run."""
    return any(waiver.applies_to(each.target, each.dialect) and _matches(waiver, each) for each in outcomes)


def _matches(waiver: Waiver, outcomes: Outcomes) -> bool:
    return any(
        waiver.covers(name) and (not ids or any(map(waiver.accepts, ids))) for name, ids in outcomes.failed.items()
    )


def _is_accepted(outcomes: Outcomes, name: str, waivers: Sequence[Waiver]) -> bool:
    ids = outcomes.failed[name]
    return all(accepting(waivers, name, failure) for failure in ids) if ids else any(w.covers(name) for w in waivers)


def _patterns(names: Iterable[str], outcomes: Outcomes) -> tuple[str, ...]:
    """The ids, or globs over several of them, that cover these failed requirements and none that passed."""
    return tuple(dict.fromkeys(_pattern(name, outcomes) for name in names))


def _pattern(name: str, outcomes: Outcomes) -> str:
    for prefix in _prefixes(name):
        several = sum(failed.startswith(prefix) for failed in outcomes.failed) > 1
        if several and not any(passed.startswith(prefix) for passed in outcomes.passed):
            return f"{prefix}*"
    return name


def _prefixes(name: str) -> Iterator[str]:
    """`a.` and `a.b.` for `a.b.c`: the shortest first."""
    parts = name.split(".")
    return (".".join(parts[:length]) + "." for length in range(1, len(parts)))


def _note(covered: Sequence[str], outcomes: Outcomes) -> str:
    if len(covered) == 1:
        shown, left = capped(one_line(outcomes.reasons[covered[0]]), _MOST_SHOWN)
        return f"{shown} …" if left else shown
    more = f" and {len(covered) - _MOST_NAMED} more" if len(covered) > _MOST_NAMED else ""
    return f"{counted(len(covered), 'requirement')} failed: {', '.join(covered[:_MOST_NAMED])}{more}"
