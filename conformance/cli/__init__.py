"""The command line: one file a command."""

from __future__ import annotations

import sys

import click

from conformance import __version__
from conformance.cli.compare import compare
from conformance.cli.doctor import doctor
from conformance.cli.emulator import emulator
from conformance.cli.merge import merge
from conformance.cli.reading import certify, report, verify
from conformance.cli.record import record
from conformance.cli.requirements import requirements
from conformance.cli.run import run
from conformance.cli.selftest import selftest
from conformance.cli.sweep import sweep
from conformance.ledger import LedgerError
from conformance.reporting import ReportError
from conformance.sdk.registry import ClientError
from conformance.target import TargetError
from conformance.verdict import USAGE_ERROR


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="kms-conformance")
def cli() -> None:
    """Does this endpoint really delete, and really spare, the keys it was told to?

    Start with `kms-conformance run`: it certifies the built-in emulator and leaves a report.
    """


for command in (run, merge, doctor, emulator, sweep, requirements, report, certify, verify, record, compare, selftest):
    cli.add_command(command)


def main() -> None:
    """Run a command; a user's mistake ends in a few lines on what to do next, and exit code 2."""
    try:
        sys.exit(cli(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE_ERROR)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except (TargetError, ReportError, LedgerError, ClientError) as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE_ERROR)
