"""The exit code of a run, by the verdicts that are on disk when it has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cli.stamp import stamp
from conformance.reporting.errors import ReportError
from conformance.reporting.load import load_report
from conformance.stale import STALE_WAIVER
from conformance.verdict import EXIT_CODES, USAGE_ERROR, worst_exit_code

_NOTHING_ASKED = frozenset({pytest.ExitCode.OK, pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED})
# From here on a number says by which signal a process was ended.
_SIGNALS = 128


def exit_code(directory: Path, before: int, status: int) -> int:
    """The exit code of a run whose folder had the stamp `before`; `status` is what pytest made of it.

    The numbers of pytest mean something else than ours: it says 1 for a plugin that fails. They can make a code worse,
    and never better than the worst verdict.
    """
    if status >= _SIGNALS:
        return status
    if stamp(directory) == before:
        return USAGE_ERROR if status in _NOTHING_ASKED or status == USAGE_ERROR else EXIT_CODES["inconclusive"]
    try:
        found = load_report(directory)
    except ReportError:
        return EXIT_CODES["inconclusive"]
    codes = [EXIT_CODES[target.verdict.result] for target in found.targets]
    codes += [STALE_WAIVER for _ in found.stale]
    # pytest's own 2 is an interrupted session, and its other numbers say that it did not end well.
    codes += [EXIT_CODES["inconclusive"] for _ in range(status not in (0, 1))]
    return worst_exit_code(codes)
