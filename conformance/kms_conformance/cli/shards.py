"""Shard options of `run`: which part of the checks this process runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import click

from kms_conformance.cli._option_group import option_group
from kms_conformance.cli.seeds import drew_seed
from kms_conformance.core.text import say
from kms_conformance.run.shards.shard import Shard, of_fleet
from kms_conformance.target import load_target

_INDEX = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True)
class ShardOptions:
    """Values of the options; either one shard is given, or the number of shards with the name of a variable.

    - `shard`: the shard of this process, as "I/N".
    - `shards`: the number of shards for each target.
    - `shard_index_from_env`: the environment variable that holds the index of target and shard.
    - `durations`: the file with the durations of checks, by which shards are balanced.
    """

    shard: str | None
    shards: int | None
    shard_index_from_env: str | None
    durations: str | None

    def part_of(self, targets: tuple[str, ...], directory: Path) -> ShardedRun:
        """The targets, folder and shard of this process.

        Raises `TargetError` if a target file cannot be used, and `UsageError` for options that cannot be combined.
        """
        variable = self.shard_index_from_env
        if (variable is None) != (self.shards is None):
            raise click.UsageError("--shards and --shard-index-from-env must be given together.")
        if variable is None or self.shards is None:
            shard = None if self.shard is None else Shard.parse(self.shard)
            return ShardedRun(targets, directory, shard, self.durations)
        if self.shard is not None or not targets:
            raise click.UsageError("--shard-index-from-env needs --target for each target, and no --shard.")
        number, shard = of_fleet(os.environ.get(variable), variable, len(targets), self.shards)
        folder = directory / load_target(Path(targets[number])).name / f"{shard.index}-of-{shard.of}"
        return ShardedRun((targets[number],), folder, shard, self.durations)


@dataclass(frozen=True)
class ShardedRun:
    """The part of a run that this process runs: all checks, one shard of all targets, or one shard of one target."""

    targets: tuple[str, ...]
    directory: Path
    shard: Shard | None
    durations: str | None

    def options(self) -> list[str]:
        """The options for our pytest plugin. Raises `UsageError` if each shard draws a seed of its own."""
        if self.shard is None:
            return []
        if self.shard.of > 1 and drew_seed():
            raise click.UsageError("All shards of a run need the same seed: give --seed the same number in each.")
        balanced = [] if self.durations is None else [f"--kms-durations={Path(self.durations).resolve()}"]
        return [f"--shard={self.shard}", *balanced]

    def explain(self) -> None:
        """If this process runs one of several shards, print that its verdict is not the verdict of the run."""
        if self.shard is not None and self.shard.of > 1:
            say(
                f"This was shard {self.shard}: its verdict covers only a part of the checks. When all {self.shard.of} "
                "shards have run, merge their reports: `kms-conformance merge DIR…`."
            )


_OPTIONS = (
    click.option(
        "--durations", metavar="FILE", help="Durations to balance shards by: a file or an earlier reports folder."
    ),
    click.option(
        "--shard-index-from-env",
        is_flag=False,
        flag_value=_INDEX,
        metavar="NAME",
        help=f"With --shards: the variable that holds the index of target and shard, from 0 (default: {_INDEX}).",
    ),
    click.option("--shards", type=click.IntRange(1), metavar="N", help="The number of shards for each target."),
    click.option(
        "--shard", metavar="I/N", help="Run only this part of the checks; the same in every run of a release."
    ),
)

#: Adds the shard options to a command, which receives them as one argument, `shards` (`ShardOptions`).
shard_options = option_group("shards", ShardOptions, _OPTIONS)
