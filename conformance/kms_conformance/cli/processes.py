"""The option `-n` of `run`: how many processes test the targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from kms_conformance.core import specs
from kms_conformance.core.tier import Tier, keys_allowed
from kms_conformance.run.parallel.assignment import keys_for, most_processes
from kms_conformance.run.parallel.groups import available_cores, groups_of
from kms_conformance.target import Target

_Command = Callable[..., Any]


@dataclass(frozen=True)
class RunKind:
    """What a run does, as far as it limits the number of processes.

    - `selected`: true if pytest arguments are given. Such runs have few checks, or options that need one process.
    - `shard`: true if the run is one shard.
    - `watch`: true if the run only reads planted keys.
    - `plant`: true if the run leaves a key.
    """

    tier: Tier
    selected: bool = False
    shard: bool = False
    watch: bool = False
    plant: bool = False


@dataclass(frozen=True)
class Processes:
    """The processes of a run.

    - `count`: the number of worker processes; 0 if the process of the command tests all targets itself.
    - `shared`: whether they share one target.
    - `note`: one line for the user if there are fewer than asked for; may be empty.
    """

    count: int = 0
    shared: bool = False
    note: str = ""

    def options(self) -> list[str]:
        """The options for pytest. A process that shares a target is not replaced if it dies, because it held keys."""
        if not self.count:
            return []
        sharing = [f"--kms-workers={self.count}", "--max-worker-restart=0"] if self.shared else []
        return [f"-n={self.count}", *sharing]


def processes_option(command: _Command) -> _Command:
    """Add the option `-n` to a command, which receives it as `processes`: None if it was not given."""
    return click.option(
        "-n",
        "processes",
        type=click.IntRange(0),
        default=None,
        metavar="N",
        help="The number of processes: several targets side by side (default: all cores), or several for one target. "
        "0: all in one process.",
    )(command)


def processes_for(wanted: int | None, targets: Sequence[Target], kind: RunKind) -> Processes:
    """The processes of a run on these targets; without targets, on the built-in emulator in every dialect.

    `wanted` is the value of `-n`.
    """
    if wanted is None and (kind.selected or kind.shard):
        return Processes()
    if len(targets) == 1:
        return _for_one(wanted or 1, targets[0], kind)
    groups = len(set(groups_of(targets).values())) if targets else len(specs.emulated())
    count = min(available_cores() if wanted is None else wanted, groups)
    note = ""
    if wanted is not None and count < wanted and len(targets) > groups:
        note = f"{_counted(count)} instead of {wanted}: targets of one endpoint, clock or ledger share a process."
    return Processes(count if count > 1 else 0, note=note)


def _for_one(wanted: int, target: Target, kind: RunKind) -> Processes:
    if wanted < 2:
        return Processes()
    if kind.shard or kind.watch:
        what = "a shard is not divided further" if kind.shard else "only planted keys are read"
        return Processes(note=f"{target.name} is tested by one process instead of {wanted}: {what}.")
    reserve = int(kind.plant)
    count = min(wanted, most_processes(target, kind.tier, reserve))
    note = ""
    if count < wanted:
        allowed, needed = keys_allowed(kind.tier, target.limits.max_keys), keys_for(wanted, reserve)
        why = (
            f"{wanted} processes need {needed} keys, and the tier {kind.tier} with limits.max_keys allows {allowed}"
            if needed > allowed
            else "more processes could lock the access key, if its signatures were refused"
        )
        note = f"{target.name} is tested by {_counted(count)} instead of {wanted}: {why}."
    return Processes(count, shared=True, note=note) if count > 1 else Processes(note=note)


def _counted(count: int) -> str:
    return "one process" if count < 2 else f"{count} processes"
