"""Which trials make up a self-test: a sample that changes with its seed, or all of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from kms_conformance.apps.selftest.compound import compound
from kms_conformance.apps.selftest.fault import Fault
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.nulls import NULLS
from kms_conformance.apps.selftest.trial import COMPOUND, Kind, Subject, Trial, try_fault, try_null, try_variant
from kms_conformance.apps.selftest.variant import Variant
from kms_conformance.apps.selftest.variants import VARIANTS
from kms_conformance.core import specs
from kms_conformance.core.tier import Tier

# A sample holds one in so many of the critical faults, of the others, of the variants and of the null targets.
_CRITICAL, _OTHER, _VARIANT, _NULL = 4, 12, 3, 3


@dataclass(frozen=True)
class Task:
    """One trial to be made. A `whole` run is made as users make it; another asks what shows the fault or variant."""

    kind: Kind
    name: str
    dialect: str
    tier: Tier = "smoke"
    seed: int = 1
    whole: bool = True

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}-{self.dialect}"

    @property
    def key(self) -> tuple[str, str, str, Tier | None, int]:
        """See `Trial.key`."""
        return self.kind, self.name, self.dialect, None if self.kind == "fault" else self.tier, self.seed

    def run(self) -> Trial:
        """Make the trial. A fault that a whole run does not rightly show at `smoke` is tried at `standard`."""
        if self.kind == "null":
            null = next(null for null in NULLS if null.name == self.name and self.dialect in null.dialects)
            return try_null(null, self.dialect, seed=self.seed)
        if self.kind == "variant":
            return try_variant(self._variant(), self.dialect, tier=self.tier, seed=self.seed, whole=self.whole)
        trial = try_fault(self._fault(), self.dialect, tier=self.tier, seed=self.seed, whole=self.whole)
        if trial.problem and self.whole and self.tier == "smoke":
            return replace(self, tier="standard").run()
        return trial

    def broken(self, error: Exception) -> Trial:
        """The trial that could not be made: the harness's own failure counts against it."""
        subject = Subject(self.kind, self.name, self.dialect, COMPOUND if self.name == COMPOUND else "")
        problem = f"{type(error).__name__}: {error}"
        return Trial(subject, self.tier, self.seed, self.whole, -1, (), problem, 0.0, 0, None)

    def _fault(self) -> Fault:
        return _faults()[self.name, self.dialect]

    def _variant(self) -> Variant:
        if self.name == COMPOUND:
            return compound(self.dialect, self.seed)
        return next(v for v in VARIANTS if v.name == self.name and self.dialect in v.dialects)


@cache
def _faults() -> dict[tuple[str, str], Fault]:
    return {(fault.name, dialect): fault for fault in FAULTS for dialect in fault.dialects}


def sample(seed: int) -> tuple[Task, ...]:
    """What a change waits for: a quarter of the critical faults, fewer of the others, a third of the rest.

    Each in one of its dialects, at `smoke`, asked only for what shows it. Another seed draws others.
    """
    draw = random.Random(seed)  # noqa: S311 - a sample, no secret

    def one(dialects: Sequence[str]) -> str:
        return draw.choice(dialects)

    def is_drawn(one_in: int) -> bool:
        return draw.randrange(one_in) == 0

    faults = [fault for fault in FAULTS if is_drawn(_CRITICAL if fault.severity == "critical" else _OTHER)]
    return (
        *(Task("fault", fault.name, one(fault.dialects), whole=False) for fault in faults),
        *(Task("null", null.name, one(null.dialects)) for null in NULLS if is_drawn(_NULL)),
        *(
            Task("variant", variant.name, one(variant.dialects), whole=False)
            for variant in VARIANTS
            if is_drawn(_VARIANT)
        ),
        Task("variant", COMPOUND, one(specs.emulated()), seed=draw.randrange(2**31)),
    )


def everything(seed: int, smoke_runs: int, standard_runs: int) -> Iterator[Task]:
    """Every fault as a whole run, every null target and every variant, in each of its dialects.

    `smoke_runs` and `standard_runs` are numbers of compound variants in each dialect, drawn from `seed` on.
    """
    for fault in FAULTS:
        for dialect in fault.dialects:
            yield Task("fault", fault.name, dialect)
    for null in NULLS:
        for dialect in null.dialects:
            yield Task("null", null.name, dialect)
    for variant in VARIANTS:
        for dialect in variant.dialects:
            yield Task("variant", variant.name, dialect, whole=not variant.families)
    tiers: tuple[tuple[Tier, int], ...] = (("smoke", smoke_runs), ("standard", standard_runs))
    for tier, count in tiers:
        for number in range(count):
            for dialect in specs.emulated():
                yield Task("variant", COMPOUND, dialect, tier, seed + number)
