"""GitHub Actions: annotations for failures, and the summary of the job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kms_conformance.core.text import one_line
from kms_conformance.report.files import ReportError
from kms_conformance.report.text import statement

if TYPE_CHECKING:
    from kms_conformance.report.model import Report


# GitHub shows at most ten annotations of each kind for a step.
_MOST = 10


def github_lines(report: Report, environ: Mapping[str, str]) -> Iterator[str]:
    """Commands that make GitHub annotate failures when they are printed: `error` for a MUST, else `warning`.

    There are none outside of GitHub.
    """
    if not environ.get("GITHUB_ACTIONS"):
        return
    failed = [(target.verdict.name, entry) for target in report.targets for entry in target.causes_first("failed")]
    for name, entry in failed[:_MOST]:
        kind = "error" if entry.level == "MUST" else "warning"
        yield _line(kind, f"{name} · {entry.id}", entry.reason)
    for found in report.stale[:_MOST]:
        yield _line("error", f"waiver out of date · {found.waiver.requirement}", f"{found.why} {found.next}")


def _line(kind: str, title: str, message: str) -> str:
    name = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={name}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return one_line(text).replace("%", "%25")


# The environment variable with the path of the summary file of a step.
_VARIABLE = "GITHUB_STEP_SUMMARY"


def job_summary(report: Report, environ: Mapping[str, str]) -> Path | None:
    """Append the statement to the summary of the job; returns its path, or None outside of GitHub.

    GitHub limits the size of a step's summary, and the content that is already in the file counts too. Raises
    `ReportError` if the file cannot be written.
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
            f"Unset {_VARIABLE}, or set it to a writable file.",
        ) from error
    return path
