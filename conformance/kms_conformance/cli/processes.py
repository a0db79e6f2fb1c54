"""The option `-n` of `run`: how many processes test the targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from kms_conformance.core import specs
from kms_conformance.run.parallel.groups import available_cores, groups_of
from kms_conformance.target import Target

_Command = Callable[..., Any]


@dataclass(frozen=True)
class Processes:
    """The processes of a run.

    - `count`: the number of worker processes; 0 if the process of the command tests all targets itself.
    - `note`: one line for the user if there are fewer than asked for; may be empty.
    """

    count: int = 0
    note: str = ""

    def options(self) -> list[str]:
        """The options for pytest."""
        return [f"-n={self.count}"] if self.count else []


def processes_option(command: _Command) -> _Command:
    """Add the option `-n` to a command, which receives it as `processes`: None if it was not given."""
    return click.option(
        "-n",
        "processes",
        type=click.IntRange(0),
        default=None,
        metavar="N",
        help="The number of processes; 0: all in one. By default, several targets use all cores, one a target.",
    )(command)


def processes_for(wanted: int | None, targets: Sequence[Target], *, selected: bool) -> Processes:
    """The processes of a run on these targets; without targets, on the built-in emulator in every dialect.

    `wanted` is the value of `-n`. `selected`: true if the run has pytest arguments or is a shard. Such runs use one
    process by default: they have few checks, or options such as `--pdb` that need it, or other machines at work.
    """
    if wanted is None and selected:
        return Processes()
    groups = len(set(groups_of(targets).values())) if targets else len(specs.emulated())
    count = min(available_cores() if wanted is None else wanted, groups)
    note = ""
    if wanted is not None and count < wanted and len(targets) > groups:
        note = f"Targets of one endpoint, clock or ledger share a process: {max(1, count)} instead of {wanted}."
    return Processes(count if count > 1 else 0, note)
