"""What every worker of a run must know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kms_conformance.core.tier import Tier
from kms_conformance.run.shards.shard import Shard


@dataclass(frozen=True)
class Settings:
    """The options of a run; only JSON types, so that it can travel to other processes.

    `targets` are paths of target files, `state` is the folder of the ledgers (None: the user's own), `recordings` the
    folder for recordings (None: nothing is recorded).
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

    @property
    def part(self) -> Shard | None:
        """The shard that this run is; None for a whole one."""
        return None if self.shard is None else Shard.parse(self.shard)

    @property
    def mark(self) -> str:
        """What the ids of this run begin with; empty for a whole run."""
        return "" if self.part is None else self.part.mark

    @property
    def ledgers(self) -> Path | None:
        """The folder of the ledgers; None for the user's own."""
        return None if self.state is None else Path(self.state)

    @property
    def shared(self) -> bool:
        """Whether shards share an endpoint; those of the built-in emulator have one each."""
        return self.state is None
