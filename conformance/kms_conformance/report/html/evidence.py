"""Proofs on the page: for each passed requirement, one exchange that shows it, with a curl line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kms_conformance.report.text.exchange import ExchangeView, view

if TYPE_CHECKING:
    from kms_conformance.verdict.results import CheckResult

# The number of characters that are shown of a body: enough for most documented replies. results.json holds the rest.
_BODY_LIMIT = 600
# The number of characters that all these exchanges may have on one page. A run of one target needs a fifth of them.
PAGE_BUDGET = 1_500_000


@dataclass(frozen=True)
class Proof:
    """One exchange that proves a requirement, and the check that made it; `anchor` is its HTML id on the page."""

    check: str
    exchange: ExchangeView
    anchor: str


class Budget:
    """The number of characters left on a page for proofs of passed requirements. Failures are always shown."""

    def __init__(self, characters: int = PAGE_BUDGET) -> None:
        self._left = characters

    def grants(self, shown: ExchangeView) -> bool:
        """Reserve the characters of one exchange; returns false if too few are left."""
        self._left -= len(shown.curl) + sum(
            len(side.body) + len(side.line) for side in (shown.request, shown.reply) if side
        )
        return self._left >= 0


def proofs(checks: Iterable[CheckResult], prefix: str, budget: Budget) -> Iterator[tuple[str, Proof]]:
    """Pairs (requirement, proof) with the first recorded exchange that proves it, until the budget is used up."""
    for requirement, (check, record) in _first(checks).items():
        shown = view(record, _BODY_LIMIT)
        if not budget.grants(shown):
            return
        yield requirement, Proof(check, shown, f"{prefix}-proof-{requirement}")


def _first(checks: Iterable[CheckResult]) -> Mapping[str, tuple[str, Mapping[str, Any]]]:
    """By requirement, the first recorded exchange that proves it, with its check; checks that declare it go first."""
    declared: dict[str, tuple[str, Mapping[str, Any]]] = {}
    met: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for check in checks:
        records = {record["number"]: record for record in check.exchanges}
        for requirement, numbers in check.evidence.items():
            record = next((records[number] for number in numbers if number in records), None)
            if record is not None:
                chosen = declared if requirement in check.declared else met
                chosen.setdefault(requirement, (check.check, record))
    return met | declared
