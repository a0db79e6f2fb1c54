"""The exit code of a run, by the verdicts that are on disk when it has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cli.stamp import stamp
from conformance.reporting.errors import ReportError
from conformance.reporting.load import load_report
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
    # What the session ended with is the same, unless something went wrong after that.
    same = status == found.exit_code
    return found.exit_code if same else worst_exit_code([found.exit_code, EXIT_CODES["inconclusive"]])
