"""What a run puts where a CI system shows it: the summary of its job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kms_conformance.report.errors import ReportError
from kms_conformance.report.text import statement

if TYPE_CHECKING:
    from kms_conformance.report.model import Report

# GitHub names the file, and shows what a step has appended to it, up to this size.
_VARIABLE = "GITHUB_STEP_SUMMARY"


def job_summary(report: Report, environ: Mapping[str, str]) -> Path | None:
    """Append the statement to the summary of the job that runs us; None where there is none.

    What the step has written there before is left room for. Raises `ReportError` where the file cannot be written.
    """
    if not environ.get(_VARIABLE):
        return None
    path = Path(environ[_VARIABLE])
    try:
        taken = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8") as file:
            file.write(statement.render(report, max(0, statement.SUMMARY_LIMIT - taken)))
    except OSError as error:
        raise ReportError(
            f"The summary of the job, {path}, cannot be written.",
            f"{error.strerror or error}.",
            f"Unset {_VARIABLE}, or let it name a file that can be written.",
        ) from error
    return path
