"""A shard: one part of a run whose checks are divided among processes or machines; `3/8` is the third of eight."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from kms_conformance.core.shard_marks import mark
from kms_conformance.target import Target, TargetError
from kms_conformance.target.urls import is_loopback

_WRITTEN = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class Shard:
    """The identity of one shard.

    - `index`: the number of the shard, counted from 1.
    - `of`: the number of all shards of the run.
    """

    index: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Parse the value of `--shard`. Raises `TargetError`."""
        found = _WRITTEN.fullmatch(text)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.index <= shard.of:
            raise TargetError(
                f"{text} is not a shard.",
                "A shard is its number, counted from 1, a slash, and the number of shards.",
                "Example: --shard 3/8.",
            )
        return shard

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"

    @property
    def mark(self) -> str:
        """The prefix of this shard's run ids.

        The descriptions of the shard's keys contain the run id, so other shards recognise the keys by this prefix.
        """
        return mark(self.index, self.of)

    def paced(self, target: Target) -> Target:
        """The target with this shard's part of `requests_per_second`, so that all shards together keep the limit."""
        pace = target.limits.requests_per_second
        if pace is None:
            return target
        return replace(target, limits=replace(target.limits, requests_per_second=pace / self.of))

    def refuse_moving_clocks(self, targets: Iterable[Target]) -> None:
        """Raise `TargetError` for a remote target with time control: each shard would move the clock of the others."""
        for target in targets:
            if target.time_control is not None and not is_loopback(target.base_url):
                raise TargetError(
                    f"The target {target.name} cannot be divided into shards.",
                    "It has time_control and is not on this machine: each shard would move the clock of all others, "
                    "and keys would be deleted too early.",
                    "Remove time_control from the target file, or give each shard its own endpoint on 127.0.0.1.",
                )


def of_fleet(index: str | None, name: str, targets: int, shards: int) -> tuple[int, Shard]:
    """The target (counted from 0) and the shard of one worker, if each shard of each target has its own worker.

    `index`: the number of the worker, as the value of the environment variable `name`. `targets`: the number of
    targets. `shards`: the number of shards of each target. Raises `TargetError` if `index` is not a valid number.
    """
    number = int(index) if index is not None and _NUMBER.fullmatch(index) else None
    most = targets * shards
    if number is None or number >= most:
        said = "is not set" if index is None else f"is {index[:20]!a}"
        raise TargetError(
            f"The environment variable {name} has no valid worker index.",
            f"It {said}; with {targets} targets and {shards} shards each, it must be a number from 0 to {most - 1}.",
            f"In a Kubernetes Indexed Job, set `completions: {most}`; elsewhere use --shard.",
        )
    return number // shards, Shard(number % shards + 1, shards)
