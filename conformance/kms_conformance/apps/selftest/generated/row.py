"""The values of the generator: a composed fault, a combination that was left out, and the count of changes in a run."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kms_conformance.apps.selftest.deviation import Fault, Severity
from kms_conformance.core.tier import Tier
from kms_conformance.emulator import Decisions, Filter, State

#: What names a fault on the wire: equal parts are equal deviations.
Parts = tuple[str, ...]


@dataclass(frozen=True)
class Deviation:
    """The changed behaviour of an emulator; see `Fault`."""

    decisions: tuple[type[Decisions], ...] = ()
    filters: tuple[Filter, ...] = ()


class Reached:
    """Counts in how many requests of a run a fault changed anything; the count is shared with forked processes."""

    def __init__(self) -> None:
        self._count = multiprocessing.get_context("fork").Value("i", 0)

    def __call__(self) -> None:
        """Count one request."""
        with self._count.get_lock():
            self._count.value += 1

    @property
    def count(self) -> int:
        return int(self._count.value)


#: Makes the deviation of a fault for one run; it calls its argument whenever it changes something.
Make = Callable[[Callable[[], None]], Deviation]


@dataclass(frozen=True)
class Row:
    """One generated fault of one dialect.

    - operator: the kind of change, such as `accepts`.
    - parts: what is changed, where and when; with the operator, the identity of the fault.
    - title: the fault in one sentence.
    - make: makes the deviation.
    - situation: when the fault shows, see `situation.py`.
    """

    operator: str
    parts: Parts
    title: str
    severity: Severity
    make: Make
    situation: str = "always"

    @property
    def tier(self) -> Tier:
        """The lowest tier whose keys can show the fault: no key waits for import at `smoke`, which has two keys."""
        return "standard" if State.PENDING_IMPORT in self.parts else "smoke"

    @property
    def group(self) -> str:
        """The operator, and whether the fault shows only in a situation."""
        return self.operator if self.situation == "always" else f"{self.operator}, in a situation"

    @property
    def name(self) -> str:
        """A name made of operator and parts, unique in a dialect, such as `gen-accepts-encrypt-disabled-always`."""
        return re.sub(r"[^a-z0-9]+", "-", "-".join(("gen", self.operator, *self.parts)).lower()).strip("-")

    def fault(self, dialect: str, reached: Callable[[], None] = lambda: None) -> Fault:
        """The fault for a trial. It names no requirement: any may report it."""
        made = self.make(reached)
        return Fault(
            name=self.name,
            title=self.title,
            fault_class=f"generated: {self.operator}",
            severity=self.severity,
            requirements=frozenset(),
            dialects=(dialect,),
            decisions=made.decisions,
            filters=made.filters,
        )


@dataclass(frozen=True)
class LeftOut:
    """A combination that is no fault, or the same fault as another one, and why."""

    operator: str
    parts: Parts
    reason: str


Found = Iterator[Row | LeftOut]
