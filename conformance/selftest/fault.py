"""What a deliberate fault is: a name, what it breaks, who must report it, and the few lines that make an emulator so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from conformance.emulator import Decisions, Emulator, Filter

Severity = Literal["critical", "major", "minor"]

HUAWEI, ALIBABA = "huawei", "alibaba"
BOTH = (HUAWEI, ALIBABA)


@dataclass(frozen=True)
class Fault:
    """One deviation of the emulator, in the words of those who read the result.

    `severity`: critical loses data, keeps alive what must die or lets strangers in; major breaks a client; minor
    misinforms. At least one of `requirements` must be reported as failed. `families` are the suite's families that
    report it, besides `entry`, which every run needs; none means that it takes all of them. `exit_code` is 0 where
    the documents only recommend or allow what is broken. `why_more` says why more than five requirements are accused.
    """

    name: str
    title: str
    fault_class: str
    severity: Severity
    requirements: frozenset[str]
    dialects: tuple[str, ...] = BOTH
    families: tuple[str, ...] = ()
    decisions: tuple[type[Decisions], ...] = ()
    filters: tuple[Filter, ...] = ()
    auth: str | None = None
    foreign_keys: int = 3
    exit_code: Literal[0, 1] = 1
    why_more: str = ""

    def arguments(self) -> tuple[str, ...]:
        """The arguments that narrow a run down to the families that report the fault."""
        files = [f"test_{family}.py" for family in ("entry", *self.families)]
        return ("-k", " or ".join(files)) if self.families else ()

    def serving(self, dialect: str) -> Callable[[], contextlib.AbstractContextManager[str]]:
        """What `run_suite` serves: an emulator of the dialect with this fault."""
        return lambda: self._served(dialect)

    @contextlib.contextmanager
    def _served(self, dialect: str) -> Iterator[str]:
        decisions = type("Faulty", self.decisions or (Decisions,), {})
        options = {"decisions": decisions, "filters": self.filters, "foreign_keys": self.foreign_keys}
        with Emulator(dialect, **options) as emulator:
            yield emulator.target_yaml(self.auth)
        if emulator.failures:
            raise emulator.failures[0]
