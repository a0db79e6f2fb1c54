"""Command line: one module for each command, imported only when the command is called."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click

from kms_conformance import __version__
from kms_conformance.cli.exit_codes import help_epilog
from kms_conformance.cli.streams import protect_standard_streams
from kms_conformance.cli.unexpected import report_unexpected
from kms_conformance.core.errors import UserMistake
from kms_conformance.core.signals import Interrupts
from kms_conformance.core.text import say


@dataclass(frozen=True)
class CommandEntry:
    """Location of a command (`module:name` in this package) and its sentence in the list of commands."""

    location: str
    summary: str

    def load(self) -> click.Command:
        """Import the command and its dependencies."""
        module, _, name = self.location.partition(":")
        command: click.Command = getattr(import_module(f"{__package__}.{module}"), name)
        return command


class LazyGroup(click.Group):
    """Command group that lists its commands from a table and imports only the command that is called."""

    def __init__(self, *args: object, entries: Mapping[str, CommandEntry], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # click's own arguments, passed through
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.entries:
            return None
        command = self.entries[cmd_name].load()
        command.epilog = help_epilog(cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.entries[name].summary) for name in self.list_commands(ctx)])


# The exit code of a command that SIGINT ended: 128 + 2.
_INTERRUPTED = 130

_COMMANDS = {
    "run": CommandEntry("run:run", "Test each target; write a verdict and a report."),
    "merge": CommandEntry("merge:merge", "Merge the reports of all shards of a run."),
    "doctor": CommandEntry("doctor:doctor", "Check a target before a run, without changing anything."),
    "emulator": CommandEntry("emulator:emulator", "Serve the reference emulator until Ctrl-C."),
    "clock": CommandEntry("clock:clock", "Start your server with a clock that can be moved."),
    "sweep": CommandEntry("sweep:sweep", "Schedule for deletion the keys that earlier runs left."),
    "requirements": CommandEntry("requirements:requirements", "List every requirement and its checks, or explain one."),
    "waivers": CommandEntry("waivers:waivers", "Write a waivers file from the failures of a run."),
    "answers": CommandEntry("answers:answers", "Compare the documented answers with those that came back in a run."),
    "profiles": CommandEntry("profiles:profiles", "List the profiles of clouds, or what one changes against another."),
    "report": CommandEntry("report:report", "Write the reports of a run again and print its summary."),
    "certify": CommandEntry("certificate:certify", "Seal the results and all exchanges of a run, one file a target."),
    "verify": CommandEntry("certificate:verify", "Verify a sealed file by judging its exchanges again."),
    "replay": CommandEntry("replay:command", "Repeat the check of one failure and compare both replies."),
    "record": CommandEntry("record:record", "Record the answers of a target, to compare other targets with them."),
    "compare": CommandEntry("compare:compare", "Compare two runs, or the answers of two targets."),
    "board": CommandEntry("board:board", "Build a site that shows results of several products side by side."),
    "selftest": CommandEntry("selftest:selftest", "Test the suite itself with deliberate faults."),
}


@click.group(cls=LazyGroup, entries=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="kms-conformance")
def cli() -> None:
    """Does this endpoint really delete, and really spare, the keys it was told to?

    Tests whether a KMS endpoint follows the vendor's documented key-deletion lifecycle. Start with
    `kms-conformance run`: it tests the built-in emulator and writes a report.
    """


def main() -> None:
    """Run a command. An error is printed with its cause and the next step; the exit code is then 2 or 3."""
    protect_standard_streams()
    # SIGTERM and SIGHUP end a command as Ctrl-C does, with its keys scheduled for deletion. `run` handles them itself.
    interrupts = Interrupts(once=False)
    interrupts.watch()
    try:
        code = cli(standalone_mode=False)
    except click.ClickException as error:
        message = io.StringIO()
        error.show(message)
        say(message.getvalue(), err=True, end="")
        code = UserMistake.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = interrupts.exit_code or _INTERRUPTED
    except UserMistake as error:
        say(error.told, err=True)
        code = error.exit_code
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an uncaught exception would exit with 1
        code = report_unexpected(error)
    finally:
        interrupts.restore()
    sys.exit(code)
