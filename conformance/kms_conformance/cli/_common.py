"""Shared helpers of commands: write time of results, exit code of a run, and confirmation by the account's owner."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
import pytest

from kms_conformance.core.tier import Tier
from kms_conformance.preflight.consent import question
from kms_conformance.report import layout
from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.target import Target
from kms_conformance.verdict.decide import EXIT_CODES, USAGE_ERROR, worst_exit_code


def results_mtime(directory: Path) -> int:
    """Modification time of the results in a reports folder, in nanoseconds; 0 if there are none."""
    path = directory / layout.RESULTS
    return path.stat().st_mtime_ns if path.is_file() else 0


# Exit codes of pytest sessions in which no check ran: with no results on disk, the command was wrong.
_NOTHING_RAN = frozenset({USAGE_ERROR, pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED})


def run_exit_code(directory: Path, before: int, status: int) -> int:
    """Exit code of a run: the code of its verdict, made worse if pytest failed otherwise.

    `before` is the `results_mtime` of the folder before the run, `status` the exit code of pytest. The codes of pytest
    have other meanings than ours: pytest exits with 1 if a plugin fails. So they never improve the code of the verdict.
    """
    if results_mtime(directory) in (0, before):
        return USAGE_ERROR if status in _NOTHING_RAN else EXIT_CODES["inconclusive"]
    try:
        code = load_report(directory).exit_code
    except ReportError:
        return EXIT_CODES["inconclusive"]
    # The session ends with the code of its verdict; another status means a failure after the verdict was written.
    return code if status == code else worst_exit_code([code, EXIT_CODES["inconclusive"]])


def confirmed(targets: Iterable[Target], prompt: Callable[[Target], str]) -> bool:
    """Ask the user to confirm, for each real account that its target file does not allow to use.

    Returns False if there is no such account or no terminal to ask on. Raises `click.Abort` if the user declines.
    """
    unconfirmed = [target for target in targets if target.is_real and not target.real_account]
    if not unconfirmed or not sys.stdin.isatty():
        return False
    for target in unconfirmed:
        click.confirm(prompt(target), abort=True)
    return True


def run_confirmed(targets: Iterable[Target], tier: Tier) -> bool:
    """Ask the user to confirm a run at this tier; see `confirmed`."""
    return confirmed(targets, lambda target: question(target, tier))
