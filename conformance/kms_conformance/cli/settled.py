"""The exit code of a run, by the verdicts that are on disk when it has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from kms_conformance.cli.stamp import stamp
from kms_conformance.report.errors import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.verdict.decide import EXIT_CODES, USAGE_ERROR, worst_exit_code

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
