"""What pytest's own reports say of a check: what the verdict says, in pytest's words."""

from __future__ import annotations

import pytest

from kms_conformance.verdict.results import CheckResult

_NOT_DECIDING = "failed, and does not decide: it is waived, or no MUST"


def phrase(report: pytest.TestReport, result: CheckResult, *, decides: bool) -> None:
    """Change a report before any plugin reads it: *failed* is only what makes the run nonconformant.

    A failure that does not decide is an expected one (xfailed); what could not be judged is neither passed nor failed.
    """
    if result.outcome == "failed" and not decides:
        report.outcome = "skipped"
        report.wasxfail = _NOT_DECIDING
    elif result.outcome == "inconclusive":
        path, line, _ = report.location
        report.outcome = "skipped"
        report.longrepr = (path, line or 0, f"Inconclusive: {result.reason}")


def status_of(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """The word, the letter and the long word for an inconclusive check; None for any other report."""
    raw = getattr(report, "kms", None)
    return ("inconclusive", "I", "INCONCLUSIVE") if raw is not None and raw["outcome"] == "inconclusive" else None
