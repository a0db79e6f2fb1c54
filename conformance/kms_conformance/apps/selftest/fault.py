"""What a deliberate fault is: its name, what it breaks, who must report it, and the few lines that make it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, BOTH, HUAWEI, Prepare, only, serving
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.emulator import Decisions, Filter

__all__ = ["ALIBABA", "ALL", "AWS", "BOTH", "HUAWEI", "Fault", "Severity"]

Severity = Literal["critical", "major", "minor"]


@dataclass(frozen=True)
class Fault:
    """One deviation of the emulator, in the words of those who read the result.

    `severity`: critical loses data, keeps alive what must die or lets strangers in; major breaks a client; minor
    misinforms. At least one of `requirements` must be reported as failed. `families` are the suite's families that
    report it, besides `entry`, which every run needs; none means that it takes all of them. `exit_code` is 0 where
    the documents only recommend or allow what is broken, and 3 where that leaves no key to ask with.
    `timeout_seconds` is how long the target file has a run wait for a reply, where that is not as usual.
    `why_more` says why more than five requirements are accused.
    """

    name: str
    title: str
    fault_class: str
    severity: Severity
    requirements: frozenset[RequirementId]
    dialects: tuple[str, ...] = ALL
    families: tuple[str, ...] = ()
    decisions: tuple[type[Decisions], ...] = ()
    filters: tuple[Filter, ...] = ()
    auth: str | None = None
    foreign_keys: int = 3
    timeout_seconds: float | None = None
    exit_code: Literal[0, 1, 3] = 1
    why_more: str = ""

    def arguments(self) -> tuple[str, ...]:
        """The arguments that narrow a run down to the families that report the fault."""
        return only(self.families) if self.families else ()

    def serving(self, dialect: str, port: int = 0) -> Prepare:
        """What `run_suite` serves: an emulator of the dialect with this fault, on any free port or on `port`."""
        return serving(
            dialect,
            decisions=self.decisions,
            filters=self.filters,
            auth=self.auth,
            foreign_keys=self.foreign_keys,
            timeout_seconds=self.timeout_seconds,
            port=port,
        )
