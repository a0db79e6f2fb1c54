"""Helpers that several commands share: the stamp of results, the exit code of a run, and asking owners to agree."""

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


def stamp(directory: Path) -> int:
    """When the results in a reports folder were written, in nanoseconds; 0 where there are none."""
    path = directory / layout.RESULTS
    return path.stat().st_mtime_ns if path.is_file() else 0


_NOTHING_ASKED = frozenset({USAGE_ERROR, pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED})


def exit_code(directory: Path, before: int, status: int) -> int:
    """The exit code of a run whose folder had the stamp `before`; `status` is what pytest made of it.

    The numbers of pytest mean something else than ours: it says 1 for a plugin that fails. They can make a code worse,
    and never better than the worst verdict.
    """
    if stamp(directory) in (0, before):
        return USAGE_ERROR if status in _NOTHING_ASKED else EXIT_CODES["inconclusive"]
    try:
        settled = load_report(directory).exit_code
    except ReportError:
        return EXIT_CODES["inconclusive"]
    # What the session ended with is the same, unless something went wrong after that.
    return settled if status == settled else worst_exit_code([settled, EXIT_CODES["inconclusive"]])


def agreed(targets: Iterable[Target], asked: Callable[[Target], str]) -> bool:
    """Whether the user agrees to what `asked` words, target by target; raises `click.Abort` where he does not.

    Without a terminal nobody is asked, and nothing is agreed to.
    """
    open_ones = [target for target in targets if target.is_real and not target.real_account]
    if not open_ones or not sys.stdin.isatty():
        return False
    for target in open_ones:
        click.confirm(asked(target), abort=True)
    return True


def agreed_to_run(targets: Iterable[Target], tier: Tier) -> bool:
    """The same of a run at this tier."""
    return agreed(targets, lambda target: question(target, tier))
