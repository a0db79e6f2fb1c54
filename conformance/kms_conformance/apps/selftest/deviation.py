"""Deviating emulators as targets: deliberate faults, conforming variants, and the function that serves them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import yaml

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.core import specs
from kms_conformance.core.tier import Tier
from kms_conformance.emulator import Decisions, Emulator, Filter

# A context manager that serves a target while it is open and yields the text of its target file.
Prepare = Callable[[], contextlib.AbstractContextManager[str]]

HUAWEI, ALIBABA, AWS = "huawei", "alibaba", "aws"
BOTH = (HUAWEI, ALIBABA)
# The order of this tuple decides which dialect a sample draws with a given seed.
ALL = (*BOTH, *(name for name in specs.emulated() if name not in BOTH))

Severity = Literal["critical", "major", "minor"]


@dataclass(frozen=True)
class Fault:
    """One deliberate fault of the emulator, and the requirements of which the suite must report one as failed.

    - title: the fault in one sentence, for readers of the result.
    - severity: a critical fault loses data, keeps a key alive past its deletion date, or admits callers without valid
      credentials. A major fault breaks a client. A minor fault misinforms.
    - requirements: at least one of them must be reported as failed; if there are none, any MUST.
    - families: the check families that report the fault, besides `entry`, which every run needs. Empty: all families.
    - decisions, filters: the changed behaviour of the emulator, and the functions that change its replies.
    - auth, foreign_keys: the way to sign in, and the number of keys of other users.
    - timeout_seconds: the reply timeout in the target file.
    - exit_code: the expected exit code of a run: 1, or 0 if the fault breaks only a SHOULD or MAY, or 3 if the fault
      leaves the run without a usable key.
    - why_more: the reason why more than five requirements may fail.
    - profile: the profile of the emulator and of the target file.
    - tier: the lowest tier whose checks report the fault.
    """

    name: str
    title: str
    fault_class: str = "own"
    severity: Severity = "major"
    requirements: AbstractSet[RequirementId] = frozenset()
    dialects: tuple[str, ...] = ALL
    families: tuple[str, ...] = ()
    decisions: tuple[type[Decisions], ...] = ()
    filters: tuple[Filter, ...] = ()
    auth: str | None = None
    foreign_keys: int = 3
    timeout_seconds: float | None = None
    exit_code: Literal[0, 1, 3] = 1
    why_more: str = ""
    profile: str = "documents"
    tier: Tier = "smoke"

    def arguments(self) -> tuple[str, ...]:
        """The pytest arguments that limit a run to the check families that report the fault."""
        return only(self.families) if self.families else ()

    def serving(self, dialect: str, port: int = 0, log: Callable[[str], None] | None = None) -> Prepare:
        """Serve an emulator of the dialect with this fault, on any free port or on `port`; see `run_suite`.

        `log` gets one line for each request.
        """
        return serving(
            dialect,
            decisions=self.decisions,
            filters=self.filters,
            auth=self.auth,
            foreign_keys=self.foreign_keys,
            profile=self.profile,
            further={} if self.timeout_seconds is None else {"limits": {"timeout_seconds": self.timeout_seconds}},
            port=port,
            log=log,
        )


@dataclass(frozen=True)
class Variant:
    """One variant: a behaviour of the emulator that conforms, but differs from its default.

    - families: the check families to run, where a run of all families would take too long. Empty: all families.
    - group: the part of the list of variants to which the variant belongs, for the report.
    - about: the subject of the variant. A random combination has at most one variant of each subject.
    - alone: the variant is not combined with others.
    - further: further keys of the target file.

    The other fields are as in `Fault`.
    """

    name: str
    title: str
    dialects: tuple[str, ...] = ALL
    decisions: tuple[type[Decisions], ...] = ()
    filters: tuple[Filter, ...] = ()
    auth: str | None = None
    foreign_keys: int = 3
    profile: str = "documents"
    families: tuple[str, ...] = ()
    group: str = ""
    about: str = ""
    alone: bool = False
    further: Mapping[str, object] = field(default_factory=dict)

    def arguments(self) -> tuple[str, ...]:
        """The pytest arguments that limit a run to `families`."""
        return only(self.families) if self.families else ()

    def serving(self, dialect: str) -> Prepare:
        """Serve an emulator of the dialect that conforms in this way; see `run_suite`."""
        return serving(
            dialect,
            decisions=self.decisions,
            filters=self.filters,
            auth=self.auth,
            foreign_keys=self.foreign_keys,
            profile=self.profile,
            further=self.further,
        )


def serving(  # noqa: PLR0913 - the parts of an emulator and of its target file
    dialect: str,
    *,
    decisions: Sequence[type[Decisions]] = (),
    filters: Sequence[Filter] = (),
    auth: str | None = None,
    foreign_keys: int = 3,
    profile: str = "documents",
    further: Mapping[str, object] = MappingProxyType({}),
    port: int = 0,
    log: Callable[[str], None] | None = None,
) -> Prepare:
    """Serve an emulator with these decisions and filters; leaving the context raises the first bug of the emulator.

    `further`: further keys of the target file.
    """

    @contextlib.contextmanager
    def served() -> Iterator[str]:
        made = type("Deviating", tuple(decisions) or (Decisions,), {})
        emulator = Emulator(
            dialect, profile=profile, port=port, decisions=made, filters=filters, foreign_keys=foreign_keys, log=log
        )
        with emulator:
            yield yaml.safe_dump(emulator.target(auth) | dict(further), sort_keys=False)
        if emulator.failures:
            raise emulator.failures[0]

    return served


def only(families: Sequence[str]) -> tuple[str, ...]:
    """The pytest arguments that limit a run to these families and `entry`, which every run needs."""
    return ("-k", " or ".join(f"test_{family}.py" for family in dict.fromkeys(("entry", *families))))
