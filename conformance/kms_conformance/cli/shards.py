"""The options by which `run` becomes one shard of a run, and what is said about that."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from kms_conformance.core.text import say
from kms_conformance.run.shards.shard import Shard, of_fleet
from kms_conformance.target import load_target

_INDEX = "JOB_COMPLETION_INDEX"
_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True)
class ShardOptions:
    """What the options say: one shard, or how many there are and the variable that says which; what balances them."""

    shard: str | None
    shards: int | None
    shard_index_from_env: str | None
    durations: str | None

    def part_of(self, targets: tuple[str, ...], directory: Path) -> ShardedRun:
        """This run's targets, folder and shard. Raises `TargetError`, and `UsageError` for options that clash."""
        variable = self.shard_index_from_env
        if (variable is None) != (self.shards is None):
            raise click.UsageError("--shards and --shard-index-from-env belong together: how many, and which.")
        if variable is None or self.shards is None:
            shard = None if self.shard is None else Shard.parse(self.shard)
            return ShardedRun(targets, directory, shard, self.durations)
        if self.shard is not None or not targets:
            raise click.UsageError("--shard-index-from-env needs the targets of the fleet, and no --shard.")
        number, shard = of_fleet(os.environ.get(variable), variable, len(targets), self.shards)
        folder = directory / load_target(Path(targets[number])).name / f"{shard.index}-of-{shard.of}"
        return ShardedRun((targets[number],), folder, shard, self.durations)


@dataclass(frozen=True)
class ShardedRun:
    """What this run does: all of its targets, or one shard of them, or one shard of one target of a fleet."""

    targets: tuple[str, ...]
    directory: Path
    shard: Shard | None
    durations: str | None

    def options(self, seed: int | None) -> list[str]:
        """The same for our pytest plugin. Raises `UsageError` where shards would make up requests of their own."""
        if self.shard is None:
            return []
        if self.shard.of > 1 and seed is None:
            raise click.UsageError("Shards of one run have one seed: add --seed, the same number for each of them.")
        balanced = [] if self.durations is None else [f"--kms-durations={Path(self.durations).resolve()}"]
        return [f"--shard={self.shard}", *balanced]

    def explain(self) -> None:
        """Say what a shard's verdict is good for."""
        if self.shard is not None and self.shard.of > 1:
            say(
                f"This was shard {self.shard}, and alone it decides nothing. When all {self.shard.of} have run, "
                "`kms-conformance merge DIR…` joins their reports."
            )


def shard_options(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Add the options to a command, which gets them as one value, `shards`."""

    @wraps(command)
    def gathered(*arguments: _P.args, **options: _P.kwargs) -> _R:
        options["shards"] = ShardOptions(*(options.pop(name) for name in _NAMES))  # type: ignore[arg-type]
        return command(*arguments, **options)

    for option in _OPTIONS:
        gathered = option(gathered)
    return gathered


_NAMES = ("shard", "shards", "shard_index_from_env", "durations")
_OPTIONS = (
    click.option(
        "--durations", metavar="FILE", help="What shards are balanced by: a file, or an earlier reports folder."
    ),
    click.option(
        "--shard-index-from-env",
        is_flag=False,
        flag_value=_INDEX,
        metavar="NAME",
        help=f"With --shards: which target and shard this is, counted from 0, stands in this variable ({_INDEX}).",
    ),
    click.option("--shards", type=click.IntRange(1), metavar="N", help="How many shards each target of a fleet has."),
    click.option(
        "--shard", metavar="I/N", help="Ask only this part of the checks, the same in every run of a release."
    ),
)
