"""The command line: one file a command, imported when it is called."""

from __future__ import annotations

import io
import sys

import click

from kms_conformance import __version__
from kms_conformance.cli.lazy import Entry, LazyGroup
from kms_conformance.cli.streams import secure
from kms_conformance.cli.unforeseen import tell
from kms_conformance.core.errors import UserMistake
from kms_conformance.core.say import say
from kms_conformance.core.signals import Interrupts

# What a shell says of a command that Ctrl-C has ended.
_INTERRUPTED = 130

_COMMANDS = {
    "run": Entry("run:run", "Certify each target, and leave a verdict and a report."),
    "merge": Entry("merge:merge", "Join the reports of all shards of a run, as one run."),
    "doctor": Entry("doctor:doctor", "Say what a run would meet, create and cost; changes nothing."),
    "emulator": Entry("emulator:emulator", "Serve the reference emulator until Ctrl-C."),
    "sweep": Entry("sweep:sweep", "Schedule for deletion the keys that earlier runs left."),
    "requirements": Entry("requirements:requirements", "List every requirement, and what checks it."),
    "report": Entry("reading:report", "Write the page of a run again, and say what it found."),
    "certify": Entry("sealing:certify", "Seal a result with all its exchanges, one file a target."),
    "verify": Entry("sealing:verify", "Judge a sealed result again by its exchanges alone."),
    "replay": Entry("replay:command", "Ask again for one failure of a run, and show both replies."),
    "record": Entry("record:record", "Keep what a target answers, to compare others with it later."),
    "compare": Entry("compare:compare", "Say where one run, or one target's answers, differ from another's."),
    "selftest": Entry("selftest:selftest", "Put the suite itself on trial, by deliberate faults."),
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
