"""The plan of a self-test: its trials, sampled or complete, and the process pool that runs them."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from kms_conformance.apps.selftest.blind.sets import BLIND_FAULTS, BLIND_VARIANTS
from kms_conformance.apps.selftest.deviation import Fault, Variant
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.generated.draw import composed, drawn
from kms_conformance.apps.selftest.lag import MODELS, Model
from kms_conformance.apps.selftest.nulls import NULLS
from kms_conformance.apps.selftest.own_file import load_own
from kms_conformance.apps.selftest.runner import preload, preload_drawn
from kms_conformance.apps.selftest.trial import (
    COMPOUND,
    LAGGING,
    TIERED,
    Kind,
    Subject,
    Trial,
    pair_name,
    try_fault,
    try_generated,
    try_null,
    try_own,
    try_pair,
    try_variant,
)
from kms_conformance.apps.selftest.variants import VARIANTS
from kms_conformance.core import specs
from kms_conformance.core.tier import Tier

# On average, a sample draws one in `_CRITICAL` critical faults, one in `_OTHER` other faults, one in `_VARIANT`
# variants, and one in `_NULL` null targets. Of the variants that lag, it draws one: they take three times as long.
_CRITICAL, _OTHER, _VARIANT, _NULL = 8, 24, 20, 12
# The number of compound variants in a sample, each in another dialect: one run against a dozen variants at once.
_COMPOUNDS = 2
# From this number of whole runs of a dialect on, its generated requests are drawn before the processes are forked.
_WORTH_DRAWING = 3
# The number of pairs in a sample.
_PAIRS = 4


@dataclass(frozen=True)
class Task:
    """One trial to run.

    A `whole` run has all check families, as users start it. Another run has only the families of its fault or variant.
    A `final` run is not repeated at `standard`, whatever its result. `file` is the user's file that holds the fault or
    variant, empty for those of the self-test.
    """

    kind: Kind
    name: str
    dialect: str
    tier: Tier = "smoke"
    seed: int = 1
    whole: bool = True
    final: bool = False
    file: str = ""

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}-{self.dialect}"

    @property
    def key(self) -> tuple[str, str, str, Tier | None, int]:
        """See `Trial.key`."""
        return self.kind, self.name, self.dialect, None if self.kind in TIERED else self.tier, self.seed

    def run(self) -> Trial:
        """Run the trial, that of a fault not below the fault's tier.

        If the whole run of a fault or pair has a problem at `smoke`, return a run at `standard` instead. A `final`
        task is run once.
        """
        if self.kind == "null":
            null = next(null for null in NULLS if null.name == self.name and self.dialect in null.dialects)
            return try_null(null, self.dialect, seed=self.seed)
        if self.kind == "variant":
            return try_variant(self._variant(), self.dialect, tier=self.tier, seed=self.seed, whole=self.whole)
        trial = {"generated": self._try_generated, "own": self._try_own}.get(self.kind, self._try_fault)()
        if trial.problem and self.whole and trial.tier == "smoke" and not self.final:
            return replace(self, tier="standard").run()
        return trial

    def broken(self, error: Exception) -> Trial:
        """The result of a trial that raised `error`; the error is its problem."""
        subject = Subject(self.kind, self.name, self.dialect, COMPOUND if self.name == COMPOUND else "")
        problem = f"{type(error).__name__}: {error}"
        return Trial(subject, self.tier, self.seed, self.whole, -1, (), problem, 0.0, 0, None)

    def _try_fault(self) -> Trial:
        name, _, model = self.name.partition(" + ")
        fault = _faults()[name, self.dialect]
        tier = fault.tier if self.tier == "smoke" else self.tier
        if self.kind == "pair":
            return try_pair(fault, _models()[model], self.dialect, tier=tier, seed=self.seed, whole=self.whole)
        return try_fault(fault, self.dialect, tier=tier, seed=self.seed, whole=self.whole)

    def _try_generated(self) -> Trial:
        row = composed(self.dialect).rows[self.name]
        tier = row.tier if self.tier == "smoke" else self.tier
        return try_generated(row, self.dialect, tier=tier, seed=self.seed)

    def _try_own(self) -> Trial:
        fault = load_own(Path(self.file)).fault(self.name)
        tier = fault.tier if self.tier == "smoke" else self.tier
        return try_own(fault, self.dialect, tier=tier, seed=self.seed)

    def _variant(self) -> Variant:
        if self.file:
            return load_own(Path(self.file)).variant(self.name)
        if self.name == COMPOUND:
            return compound(self.dialect, self.seed)
        return next(v for v in (*VARIANTS, *BLIND_VARIANTS) if v.name == self.name and self.dialect in v.dialects)


@cache
def _faults() -> dict[tuple[str, str], Fault]:
    return {(fault.name, dialect): fault for fault in (*FAULTS, *BLIND_FAULTS) for dialect in fault.dialects}


@cache
def _models() -> dict[str, Model]:
    return {model.name: model for model in MODELS}


def pairs(dialect: str, seed: int, count: int) -> Iterator[Task]:
    """`count` pairs of a fault and a lag model in whole runs, drawn by the seed; each fault occurs at most once.

    The faults of lag itself are left out.
    """
    draw = random.Random(f"pairs {dialect} {seed}")  # noqa: S311 - a sample, no secret
    faults = [fault for fault in FAULTS if dialect in fault.dialects and fault.fault_class != LAGGING]
    for fault in draw.sample(faults, min(count, len(faults))):
        yield Task("pair", pair_name(fault, draw.choice(MODELS)), dialect)


def compound(dialect: str, seed: int) -> Variant:
    """A variant that combines several conforming behaviours; the same seed draws the same combination.

    At most one variant of each subject (`about`) is drawn. Variants that are `alone` are left out.
    """
    draw = random.Random(f"{dialect} {seed}")  # noqa: S311 - a sample, no secret
    about: defaultdict[str, list[Variant]] = defaultdict(list)
    for variant in VARIANTS:
        if dialect in variant.dialects and not variant.alone:
            about[variant.about or variant.name].append(variant)
    drawn = [draw.choice(variants) for variants in about.values() if draw.random() < 0.5]
    return Variant(
        name=" + ".join(variant.name for variant in drawn) or "none",
        title="Several conforming behaviours, drawn by a seed.",
        dialects=(dialect,),
        # Duplicates are removed: two variants may share a class, and a class cannot have the same base class twice.
        decisions=tuple(dict.fromkeys(decision for variant in drawn for decision in variant.decisions)),
        filters=tuple(changed for variant in drawn for changed in variant.filters),
        auth=next((variant.auth for variant in drawn if variant.auth is not None), None),
        foreign_keys=next((v.foreign_keys for v in drawn if v.about == "other keys"), 3),
        profile=next((variant.profile for variant in drawn if variant.about == "profile"), "documents"),
        group=COMPOUND,
        further={key: value for variant in drawn for key, value in variant.further.items()},
    )


def sample(seed: int) -> tuple[Task, ...]:
    """A random sample of all trials, for the CI of a change.

    On average, the sample has an eighth of the critical faults, a twenty-fourth of the other faults, a twelfth of the
    null targets, and a twentieth of the variants. It also has one of the variants that lag, two compound variants
    (random combinations of variants), and a few pairs of a fault and a lag. Each trial runs in one dialect, at `smoke`.
    A run against a fault, a pair or a single variant has only the `families` of that fault or variant. Another seed
    draws another sample.
    """
    draw = random.Random(seed)  # noqa: S311 - a sample, no secret

    def one(dialects: Sequence[str]) -> str:
        return draw.choice(dialects)

    def is_drawn(one_in: int) -> bool:
        return draw.randrange(one_in) == 0

    variants = [variant for variant in VARIANTS if variant.group != LAGGING and is_drawn(_VARIANT)]
    variants.append(draw.choice([variant for variant in VARIANTS if variant.group == LAGGING]))
    faults = [fault for fault in FAULTS if is_drawn(_CRITICAL if fault.severity == "critical" else _OTHER)]
    return (
        *(Task("fault", fault.name, one(fault.dialects), whole=False) for fault in faults),
        *(Task("null", null.name, one(null.dialects)) for null in NULLS if is_drawn(_NULL)),
        *(Task("variant", variant.name, one(variant.dialects), whole=False) for variant in variants),
        *(replace(next(pairs(one(specs.emulated()), draw.randrange(2**31), 1)), whole=False) for _ in range(_PAIRS)),
        *(
            Task("variant", COMPOUND, dialect, seed=draw.randrange(2**31))
            for dialect in draw.sample(specs.emulated(), _COMPOUNDS)
        ),
    )


def everything(seed: int, smoke_runs: int, standard_runs: int, pair_runs: int = 0) -> Iterator[Task]:
    """The full plan: all trials of the self-test.

    - Every fault has one run of the whole suite in each dialect of the fault.
    - Every null target (an endpoint that is no KMS) has one run of the whole suite in each of its dialects.
    - Every variant (an emulator that conforms in another way) has one run in each of its dialects: of the whole
      suite, or only of the `families` of the variant if it names any.
    - Every emulated dialect has runs against compound variants (random combinations of variants): `smoke_runs` runs at
      the tier `smoke`, and `standard_runs` runs at `standard`. In both tiers, the runs have the seeds `seed`,
      `seed + 1`, `seed + 2` and so on; the other trials have the seed 1.
    - Every emulated dialect has `pair_runs` runs against pairs; see `pairs`.
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
    yield from _compounds("smoke", seed, smoke_runs)
    yield from _compounds("standard", seed, standard_runs)
    for dialect in specs.emulated():
        yield from pairs(dialect, seed, pair_runs)


def _compounds(tier: Tier, seed: int, count: int) -> Iterator[Task]:
    for number in range(count):
        for dialect in specs.emulated():
            yield Task("variant", COMPOUND, dialect, tier, seed + number)


def written_blind() -> Iterator[Task]:
    """The blind sets: one run of the whole suite at `smoke` for each fault and variant in each of its dialects."""
    for fault in BLIND_FAULTS:
        for dialect in fault.dialects:
            yield Task("fault", fault.name, dialect, final=True)
    for variant in BLIND_VARIANTS:
        for dialect in variant.dialects:
            yield Task("variant", variant.name, dialect, final=True)


def generated(seed: int, count: int) -> Iterator[Task]:
    """`count` generated faults of each emulated dialect, drawn by the seed: one run of the whole suite each.

    A fault that is not detected at `smoke` is tried again at `standard`.
    """
    for dialect in specs.emulated():
        for row in drawn(dialect, seed, count):
            yield Task("generated", row.name, dialect)


def own(path: Path) -> Iterator[Task]:
    """One run of the whole suite for each fault and variant of a user's file, in each of its dialects."""
    found = load_own(path)
    for fault in found.faults:
        for dialect in fault.dialects:
            yield Task("own", fault.name, dialect, file=str(path))
    for variant in found.variants:
        for dialect in variant.dialects:
            yield Task("variant", variant.name, dialect, file=str(path))


def run_tasks(tasks: Iterable[Task], processes: int) -> Iterator[Trial]:
    """Run the tasks in `processes` processes, and yield each trial when it ends; for an error, yield `Task.broken`."""
    tasks = tuple(tasks)
    preload()
    for dialect, count in Counter(task.dialect for task in tasks if task.whole and task.kind != "null").items():
        if count >= _WORTH_DRAWING:
            preload_drawn(dialect)
    # The processes are forked, so that they inherit the preloaded modules. This process has no other threads then.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        try:
            for done in as_completed([pool.submit(_run, task) for task in tasks]):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _run(task: Task) -> Trial:
    try:
        return task.run()
    except Exception as error:  # noqa: BLE001 - any error becomes the result of the trial
        return task.broken(error)
