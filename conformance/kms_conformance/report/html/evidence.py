"""What shows that a requirement holds: one exchange for each, as whoever doubts it wants to see and repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kms_conformance.report.text.exchange import ExchangeView, view

if TYPE_CHECKING:
    from kms_conformance.verdict.results import CheckResult

# Enough for a documented reply and its neighbours; results.json holds the rest.
_BODY_LIMIT = 600
# Of all exchanges of one page that show what holds, in characters. A run of one target takes a fifth of it.
PAGE_BUDGET = 1_500_000


@dataclass(frozen=True)
class Proof:
    """One exchange that shows that a requirement holds, and the check that met it; `anchor` is unique on its page."""

    check: str
    exchange: ExchangeView
    anchor: str


class Budget:
    """How much of a page may still be filled with what holds: what fails is always shown."""

    def __init__(self, characters: int = PAGE_BUDGET) -> None:
        self._left = characters

    def grants(self, shown: ExchangeView) -> bool:
        """Whether there is room for one more exchange; it is taken at once."""
        self._left -= len(shown.curl) + sum(
            len(side.body) + len(side.line) for side in (shown.request, shown.reply) if side
        )
        return self._left >= 0


def proofs(checks: Iterable[CheckResult], prefix: str, budget: Budget) -> Iterator[tuple[str, Proof]]:
    """For each requirement that something proves, the first exchange on record that does, as (requirement, proof)."""
    for requirement, (check, record) in _first(checks).items():
        shown = view(record, _BODY_LIMIT)
        if not budget.grants(shown):
            return
        yield requirement, Proof(check, shown, f"{prefix}-proof-{requirement}")


def _first(checks: Iterable[CheckResult]) -> Mapping[str, tuple[str, Mapping[str, Any]]]:
    """A check that is made for the requirement goes before one that met it by the way."""
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
