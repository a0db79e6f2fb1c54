"""Helpers of several commands: time of the results, exit code of a run, and confirmation by the account's owner."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
import pytest

from kms_conformance.catalogue.profile import Profile
from kms_conformance.core import specs
from kms_conformance.core.text import printable
from kms_conformance.core.tier import Tier
from kms_conformance.preflight import clock_moves
from kms_conformance.preflight.clock_moves import Reach
from kms_conformance.preflight.consent import question, run_reach
from kms_conformance.report import layout
from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.report.model import TargetReport
from kms_conformance.target import Target
from kms_conformance.target.own_profile import add_content
from kms_conformance.verdict.decide import EXIT_CODES, USAGE_ERROR, worst_exit_code


def results_mtime(directory: Path) -> int:
    """Modification time of the results in a reports folder, in nanoseconds; 0 if there are none."""
    path = directory / layout.RESULTS
    return path.stat().st_mtime_ns if path.is_file() else 0


# Exit codes of pytest if no check ran. If there are no new results either, the mistake is in the user's command.
_NOTHING_RAN = frozenset({USAGE_ERROR, pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED})


def run_exit_code(directory: Path, before: int, status: int) -> int:
    """Exit code of a run: the code of its verdict, or a worse one if pytest failed after the verdict was written.

    `before` is the `results_mtime` of the folder before the run, `status` the exit code of pytest. A code of pytest
    never improves the code of the verdict, because it has another meaning: pytest exits with 1 if a plugin fails.
    """
    if results_mtime(directory) in (0, before):
        return USAGE_ERROR if status in _NOTHING_RAN else EXIT_CODES["inconclusive"]
    try:
        code = load_report(directory).exit_code
    except ReportError:
        return EXIT_CODES["inconclusive"]
    # Our plugin ends the session with the code of the verdict; another status means that a later step failed.
    return code if status == code else worst_exit_code([code, EXIT_CODES["inconclusive"]])


def confirmed(targets: Iterable[Target], prompt: Callable[[Target], str]) -> bool:
    """Ask the user to confirm the use of each real account, unless its target file has `real_account: true`.

    Returns True if the user was asked and agreed, and False if no account needs an answer or there is no terminal to
    ask on. Raises `click.Abort` if the user declines.
    """
    unconfirmed = [target for target in targets if target.is_real and not target.real_account]
    if not unconfirmed or not sys.stdin.isatty():
        return False
    for target in unconfirmed:
        click.confirm(prompt(target), abort=True)
    return True


def clock_confirmed(targets: Iterable[Target], reach_of: Callable[[Target], Reach]) -> bool:
    """Ask the user to confirm that the clock of a target is moved, if keys of others end by that; see `confirmed`."""
    agreed = False
    for target in targets if sys.stdin.isatty() else ():
        moves = clock_moves.clock_moves(target, reach_of(target))
        if moves is not None and not moves.harmless:
            click.confirm(printable(clock_moves.question(target, moves)), abort=True)
            agreed = True
    return agreed


def run_confirmed(targets: Iterable[Target], tier: Tier, *, moving: bool = True) -> bool:
    """Ask the user to confirm a run at the given tier; see `confirmed` and `clock_confirmed`.

    `moving`: true if the run moves clocks.
    """
    named = tuple(targets)
    agreed = confirmed(named, lambda target: question(target, tier))
    return (moving and clock_confirmed(named, run_reach(tier))) or agreed


def profile_of(report: TargetReport) -> Profile:
    """The profile of a target in a report; the documents where this version does not know the profile."""
    verdict = report.verdict
    if verdict.dialect not in specs.dialects():
        raise click.UsageError(f"The run was at the dialect {verdict.dialect}, which is not installed here.")
    name = verdict.profile
    if verdict.own_profile is not None:
        name = add_content(verdict.dialect, verdict.own_profile)
    return Profile.load(verdict.dialect, name if specs.has_profile(verdict.dialect, name) else "documents")
