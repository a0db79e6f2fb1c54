"""Commands that are imported when they are called: `--help` needs their names and one sentence of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click

from kms_conformance.cli.codes import told


@dataclass(frozen=True)
class Entry:
    """Where a command stands (`module:name` in this package), and the sentence about it in the list of commands."""

    place: str
    summary: str

    def load(self) -> click.Command:
        """Import the command, and whatever it needs."""
        module, _, name = self.place.partition(":")
        command: click.Command = getattr(import_module(f"{__package__}.{module}"), name)
        return command


class LazyGroup(click.Group):
    """A group that lists its commands from a table, and imports the one that is called."""

    def __init__(self, *args: object, entries: Mapping[str, Entry], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # click's own arguments, handed on
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.entries:
            return None
        command = self.entries[cmd_name].load()
        command.epilog = told(cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.entries[name].summary) for name in self.list_commands(ctx)])
