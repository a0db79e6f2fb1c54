"""What every worker of a run must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kms_conformance.core.tier import Tier
from kms_conformance.run.shards.shard import Shard


@dataclass(frozen=True)
class Options:
    """What a run was told. `targets` are paths of target files; none is the built-in emulator.

    `further` are settings on planted keys (plant, watch, rescue) and on shards (shard, durations). `consent` says that
    the owners of real accounts agree. Where nothing will be asked (`asking`), the reports folder stays as it is.
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


@dataclass(frozen=True)
class Settings:
    """The options of a run; only JSON types, so that it can travel to other processes.

    `targets` are paths of target files, `state` is the folder of the ledgers (None: the user's own), `spool` the folder
    for what is recorded (None: nothing is).
    """

    targets: tuple[str, ...]
    state: str | None
    tier: Tier
    seed: int
    plant: bool = False
    watch: bool = False
    rescue: bool = False
    spool: str | None = None
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
