"""The options of a run as the user gave them, and the settings that every worker process gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kms_conformance.core.tier import Tier
from kms_conformance.run.first_checks import FirstChecks
from kms_conformance.run.shards.shard import Shard


@dataclass(frozen=True)
class Options:
    """The options of a run.

    - `targets`: the paths of target files; empty for the built-in emulator.
    - `further`: the settings for planted keys (`plant`, `watch`, `rescue`), for shards (`shard`, `durations`), and
      `events`.
    - `consent`: true if the user has said that the owners of real accounts agree.
    - `asking`: false if no request will be sent (`--collect-only`); then the reports folder is not touched.
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
    verdict_only: bool = False
    first: FirstChecks = field(default_factory=FirstChecks)


@dataclass(frozen=True)
class Settings:
    """The settings of a run that every worker gets; JSON types only.

    - `targets`: the paths of target files.
    - `state`: the folder of the ledgers; None for the user's state folder.
    - `recordings`: the folder of recordings; None if nothing is recorded.
    - `events`: the folder to which workers write events; None if nobody follows them.
    - `first`: by target, the checks that come first; None if all keep their order.
    - `only`: true if no other checks run.
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
    first: Mapping[str, list[str]] | None = None
    only: bool = False

    def first_on(self, target: str) -> frozenset[str]:
        """The checks that come first on a target."""
        return frozenset((self.first or {}).get(target, ()))

    @property
    def part(self) -> Shard | None:
        """The shard of this run; None for a run without shards."""
        return None if self.shard is None else Shard.parse(self.shard)

    @property
    def mark(self) -> str:
        """The prefix of run ids; empty for a run without shards."""
        return "" if self.part is None else self.part.mark

    @property
    def ledgers(self) -> Path | None:
        """The folder of the ledgers as a path; None for the user's state folder."""
        return None if self.state is None else Path(self.state)

    @property
    def shared(self) -> bool:
        """Whether all shards use one endpoint; with the built-in emulator, each shard has its own."""
        return self.state is None
