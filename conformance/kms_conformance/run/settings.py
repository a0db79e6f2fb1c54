"""The options of a run as the user gave them, and the settings that every worker process gets."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from typing import Any

from kms_conformance.core.shard_marks import mark
from kms_conformance.core.tier import DEFAULT_SEED, Tier
from kms_conformance.run.first_checks import FirstChecks
from kms_conformance.run.shards.shard import Shard
from kms_conformance.suite.draw_cache import CacheChoice
from kms_conformance.suite.fuzz.examples import ExampleFolder


@dataclass(frozen=True)
class Options:
    """The options of a run.

    - `targets`: the paths of target files; empty for the built-in emulator.
    - `further`: the settings for planted keys (`plant`, `watch`, `rescue`), for shards (`shard`, `durations`),
      `events`, and `workers`.
    - `consent`: true if the user has said that the owners of real accounts agree.
    - `asking`: false if no request will be sent (`--collect-only`); then the reports folder is not touched.
    - `cache`: where generated requests are kept, see `Settings`.
    - `verdict_only`: true for runs of the self-test that nobody reads: nothing is recorded, and `verdict.json` is the
      only file. Requests and judgements are those of other runs.
    - `first`: the checks that come first.
    """

    targets: tuple[str, ...]
    reports: Path
    tier: Tier
    seed: int
    waivers: str | None = None
    requirements: str | None = None
    further: Mapping[str, Any] = field(default_factory=dict)
    consent: bool = False
    asking: bool = True
    cache: CacheChoice = "user"
    verdict_only: bool = False
    first: FirstChecks = field(default_factory=FirstChecks)


@dataclass(frozen=True)
class Settings:
    """The settings of a run that every worker gets; JSON types only.

    - `targets`: the paths of target files.
    - `state`: the folder of the ledgers; None for the user's state folder.
    - `recordings`: the folder of recordings; None if nothing is recorded.
    - `events`: the folder to which workers write events; None if nobody follows them.
    - `workers`: the number of workers that share the only target; 1 if no target is shared.
    - `worker`: the number of this worker among them, counted from 1; 0 in the controller, and if no target is shared.
    - `joint`: the file of the limits that these workers keep together; None if no target is shared.
    - `examples`: the folder of kept examples (`suite/fuzz/examples.py`); None: none are asked or kept.
    - `cache`: where generated requests are kept (`suite/draw_cache.py`); a certificate is verified without the files of
      this user.
    - `first`: by target, the checks that come first; None if all keep their order.
    - `only`: true if no other checks run.
    - `still`: the targets whose clock is not moved, because it could not be looked up whether keys of others end by it.
    """

    targets: tuple[str, ...]
    state: str | None
    tier: Tier
    seed: int
    plant: bool = False
    watch: bool = False
    rescue: bool = False
    recordings: str | None = None
    shard: str | None = None
    durations: str | None = None
    events: str | None = None
    workers: int = 1
    worker: int = 0
    joint: str | None = None
    cache: CacheChoice = "package"
    examples: str | None = None
    first: Mapping[str, list[str]] | None = None
    only: bool = False
    still: tuple[str, ...] = ()

    def first_on(self, target: str) -> frozenset[str]:
        """The checks that come first on a target."""
        return frozenset((self.first or {}).get(target, ()))

    @property
    def part(self) -> Shard | None:
        """The shard of this run; None for a run without shards."""
        return None if self.shard is None else Shard.parse(self.shard)

    @property
    def mark(self) -> str:
        """The prefix of run ids, by which shards and workers know each other's keys; else empty."""
        if self.worker:
            return mark(self.worker, self.workers)
        return "" if self.part is None else self.part.mark

    @property
    def ledgers(self) -> Path | None:
        """The folder of the ledgers as a path; None for the user's state folder."""
        return None if self.state is None else Path(self.state)

    @property
    def kept_examples(self) -> ExampleFolder:
        """The kept examples. Runs with the default seed add none: every run asks the same requests again."""
        return ExampleFolder(None if self.examples is None else Path(self.examples), self.seed != DEFAULT_SEED)

    @property
    def shared(self) -> bool:
        """Whether all shards use one endpoint; with the built-in emulator, each shard has its own."""
        return self.state is None


#: The value of `--seed` with which a run draws its seed itself.
RANDOM_SEED = "random"


def chosen_seed(text: str) -> int:
    """The seed that a value of `--seed` means: a whole number, or `random`. Raises `ArgumentTypeError`."""
    if text == RANDOM_SEED:
        return SystemRandom().randrange(2**32)
    try:
        return int(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is neither a whole number nor `{RANDOM_SEED}`.") from error
