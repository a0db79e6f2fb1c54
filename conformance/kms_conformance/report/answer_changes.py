"""Which kinds of answers came in only one of two runs of a target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kms_conformance.catalogue.families import SEEDED
from kms_conformance.client.answers_seen import UNREAD, SeenAnswer
from kms_conformance.report.answers import came

if TYPE_CHECKING:
    from kms_conformance.report.change import RunSide
    from kms_conformance.verdict.results import CheckResult


@dataclass(frozen=True)
class AnswerChanges:
    """The kinds of answers (operation, status, code, state of the key) that came in one of two runs only.

    They decide nothing: a verdict that follows from them is a change of its requirement.
    """

    came: tuple[SeenAnswer, ...] = ()
    gone: tuple[SeenAnswer, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.came or self.gone)

    def to_json(self) -> dict[str, Any]:
        """The entry in JSON types."""
        return {name: [each._asdict() for each in getattr(self, name)] for name in ("came", "gone")}


def answer_changes(old: RunSide, new: RunSide) -> AnswerChanges:
    """Compare the answers of two runs; only checks that both runs made count.

    Checks with randomly generated requests count only between runs with one seed. Answers on keys whose state was not
    known are left out, because what a check reads before can differ between equal targets.
    """
    first, second = _by_check(old.checks), _by_check(new.checks)
    drawn = frozenset[str]() if old.verdict.seed == new.verdict.seed else frozenset(SEEDED)
    both = [name for name in first if name in second and first[name].family not in drawn]
    before, after = (_kinds(side[name] for name in both) for side in (first, second))
    return AnswerChanges(tuple(sorted(after - before)), tuple(sorted(before - after)))


def _by_check(checks: Iterable[CheckResult] | None) -> Mapping[str, CheckResult]:
    """The checks that noted their answers, by id."""
    return {check.check: check for check in checks or () if check.answers}


def _kinds(checks: Iterable[CheckResult]) -> frozenset[SeenAnswer]:
    return frozenset(each.answer for each in came(checks) if each.answer.state != UNREAD)
