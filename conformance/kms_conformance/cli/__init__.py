"""Commands: one file each, imported when it is called."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click

from kms_conformance import __version__
from kms_conformance.cli.exit_codes import told
from kms_conformance.cli.streams import secure
from kms_conformance.cli.unexpected import tell
from kms_conformance.core.errors import UserMistake
from kms_conformance.core.signals import Interrupts
from kms_conformance.core.text import say


@dataclass(frozen=True)
class CommandEntry:
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

    def __init__(self, *args: object, entries: Mapping[str, CommandEntry], **kwargs: object) -> None:
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


# What a shell says of a command that Ctrl-C has ended.
_INTERRUPTED = 130

_COMMANDS = {
    "run": CommandEntry("run:run", "Certify each target, and leave a verdict and a report."),
    "merge": CommandEntry("merge:merge", "Join the reports of all shards of a run, as one run."),
    "doctor": CommandEntry("doctor:doctor", "Say what a run would meet, create and cost; changes nothing."),
    "emulator": CommandEntry("emulator:emulator", "Serve the reference emulator until Ctrl-C."),
    "sweep": CommandEntry("sweep:sweep", "Schedule for deletion the keys that earlier runs left."),
    "requirements": CommandEntry("requirements:requirements", "List every requirement, and what checks it."),
    "report": CommandEntry("report:report", "Write the page of a run again, and say what it found."),
    "certify": CommandEntry("certificate:certify", "Seal a result with all its exchanges, one file a target."),
    "verify": CommandEntry("certificate:verify", "Judge a sealed result again by its exchanges alone."),
    "replay": CommandEntry("replay:command", "Ask again for one failure of a run, and show both replies."),
    "record": CommandEntry("record:record", "Keep what a target answers, to compare others with it later."),
    "compare": CommandEntry("compare:compare", "Say where one run, or one target's answers, differ from another's."),
    "selftest": CommandEntry("selftest:selftest", "Put the suite itself on trial, by deliberate faults."),
}


@click.group(cls=LazyGroup, entries=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="kms-conformance")
def cli() -> None:
    """Does this endpoint really delete, and really spare, the keys it was told to?

    Start with `kms-conformance run`: it certifies the built-in emulator and leaves a report.
    """


def main() -> None:
    """Run a command; whatever goes wrong ends in a few lines that say what to do next, and in exit code 2 or 3."""
    secure()
    # A command that is told to end lets its keys go, as one that Ctrl-C ends; `run` does so in an order of its own.
    interrupts = Interrupts(once=False)
    interrupts.watch()
    try:
        code = cli(standalone_mode=False)
    except click.ClickException as error:
        told = io.StringIO()
        error.show(told)
        say(told.getvalue(), err=True, end="")
        code = UserMistake.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = interrupts.exit_code or _INTERRUPTED
    except UserMistake as error:
        say(error.told, err=True)
        code = error.exit_code
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the last line before a traceback, whose exit code is 1
        code = tell(error)
    finally:
        interrupts.over()
    sys.exit(code)
