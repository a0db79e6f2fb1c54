"""Why a check of the plan did not run, or did not come to its end, as far as pytest tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from kms_conformance import suite
from kms_conformance.verdict.results import CheckResult

NO_FILTERS: Mapping[str, str] = MappingProxyType({})
# A traceback's last line says what happened; a whole one belongs into no verdict.
_MOST = 300
_OPTIONS = {"keyword": "-k", "marks": "-m", "ignored": "--ignore", "deselected": "--deselect", "shard": "--shard"}


@dataclass
class Missing:
    """Collects what went wrong outside of checks: by check where that is known, and for the run."""

    _by_check: dict[str, dict[str, str]] = field(default_factory=dict)
    _of_run: dict[str, None] = field(default_factory=dict)

    def add_reason(self, target: str, check: str, why: str) -> None:
        """Take note of why one check has no result."""
        self._by_check.setdefault(target, {})[check] = why

    def add_event(self, why: str) -> None:
        """Take note of what befell the run: it may be why a check has no result."""
        self._of_run[why[:_MOST]] = None

    def of(self, target: str) -> Mapping[str, str]:
        """The reasons by check, for one target."""
        return self._by_check.get(target, {})

    def why(self, filters: Mapping[str, str]) -> str:
        """Why a check did not run of which nothing else is known."""
        told = "; ".join(f"{_OPTIONS.get(name, name)} {value}" for name, value in filters.items())
        filtered = [f"pytest was told to leave checks out ({told})."] if told else []
        return " ".join([*filtered, *self._of_run]) or "It did not run, and pytest does not tell why."


def reason_of(report: pytest.TestReport) -> str:
    """Why an item has no result of ours: another plugin skipped it, its worker died, or something failed around it."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
    last = last_line(told)
    return f"Another pytest plugin skipped it: {last}" if report.skipped else f"It was ended from outside: {last}"


def last_line(told: object) -> str:
    """What a traceback comes to."""
    lines = [line.strip() for line in str(told or "").splitlines() if line.strip()]
    return lines[-1][:_MOST] if lines else ""


def filters_of(config: pytest.Config) -> dict[str, str]:
    """What pytest was told to confine the run to."""
    named = [argument for argument in config.args if not is_suite(argument)]
    ignored = [*(config.getoption("ignore", None) or ()), *(config.getoption("ignore_glob", None) or ())]
    stepwise = config.getoption("stepwise", default=False) or config.getoption("stepwise_skip", default=False)
    found = {
        "keyword": config.getoption("keyword", ""),
        "marks": config.getoption("markexpr", ""),
        "files": " ".join(Path(argument).name for argument in named),
        "ignored": " ".join(Path(path).name for path in ignored),
        "deselected": " ".join(config.getoption("deselect", None) or ()),
        "last failed": "--last-failed" if config.getoption("lf", default=False) else "",
        "stepwise": "--stepwise" if stepwise else "",
        "shard": config.getoption("--shard", None),
    }
    return {name: value for name, value in found.items() if value}


def is_suite(argument: str) -> bool:
    """Whether what stands on pytest's command line names the whole suite."""
    return argument == suite.__name__ or Path(argument).resolve() == suite.FOLDER


_NOT_DECIDING = "failed, and does not decide: it is waived, or no MUST"


def set_outcome(report: pytest.TestReport, result: CheckResult, *, decides: bool) -> None:
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


def outcome_words(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """The word, the letter and the long word for an inconclusive check; None for any other report."""
    raw = getattr(report, "kms", None)
    return ("inconclusive", "I", "INCONCLUSIVE") if raw is not None and raw["outcome"] == "inconclusive" else None
