"""pytest's reports and options: reasons for missing results, filters of a run, and outcomes shown by pytest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from kms_conformance import suite
from kms_conformance.verdict.results import CheckResult

NO_FILTERS: Mapping[str, str] = MappingProxyType({})
# The number of characters that are kept of a traceback's last line, which goes into the verdict.
_MOST = 300
_OPTIONS = {
    "keyword": "-k",
    "marks": "-m",
    "ignored": "--ignore",
    "deselected": "--deselect",
    "shard": "--shard",
    "failed": "--failed",
}


@dataclass
class Missing:
    """Collects the reasons for missing results: reasons of single checks, and events that concern the whole run."""

    _by_check: dict[str, dict[str, str]] = field(default_factory=dict)
    _of_run: dict[str, None] = field(default_factory=dict)

    def add_reason(self, target: str, check: str, why: str) -> None:
        """Record why one check has no result."""
        self._by_check.setdefault(target, {})[check] = why

    def add_event(self, why: str) -> None:
        """Record an event of the run that may be the reason for missing results."""
        self._of_run[why[:_MOST]] = None

    def of(self, target: str) -> Mapping[str, str]:
        """The reasons by check, for one target."""
        return self._by_check.get(target, {})

    def why(self, filters: Mapping[str, str]) -> str:
        """The reason for all checks without a reason of their own: the filters and events of the run, as text."""
        options = "; ".join(f"{_OPTIONS.get(name, name)} {value}" for name, value in filters.items())
        filtered = [f"Options left checks out ({options})."] if options else []
        return " ".join([*filtered, *self._of_run]) or "It did not run, for an unknown reason."


def reason_of(report: pytest.TestReport) -> str:
    """Why an item has no result of the suite: another plugin skipped it, or it failed outside of the check."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
    last = last_line(told)
    return f"Another pytest plugin skipped it: {last}" if report.skipped else f"It was ended from outside: {last}"


def last_line(told: object) -> str:
    """The last line that is not empty of a text, such as a traceback; shortened."""
    lines = [line.strip() for line in str(told or "").splitlines() if line.strip()]
    return lines[-1][:_MOST] if lines else ""


def filters_of(config: pytest.Config, *, only: bool = False) -> dict[str, str]:
    """The options that leave checks out, by name. `only`: the value of the option `--only`."""
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
        "failed": "--only" if only else "",
    }
    return {name: value for name, value in found.items() if value}


def is_suite(argument: str) -> bool:
    """Whether an argument of pytest names the whole suite."""
    return argument == suite.__name__ or Path(argument).resolve() == suite.FOLDER


_NOT_DECIDING = "failed, but does not change the result: waived, or not a MUST"


def set_outcome(report: pytest.TestReport, result: CheckResult, *, decides: bool) -> None:
    """Set the outcome in pytest's report, before other plugins read it.

    - `failed`: the check has a failure that makes the target nonconformant.
    - `xfailed`: the check has other failures only.
    - `skipped`, with the reason: the check is inconclusive, so it neither passed nor failed.
    """
    if result.outcome == "failed" and not decides:
        report.outcome = "skipped"
        report.wasxfail = _NOT_DECIDING
    elif result.outcome == "inconclusive":
        path, line, _ = report.location
        report.outcome = "skipped"
        report.longrepr = (path, line or 0, f"Inconclusive: {result.reason}")


def outcome_words(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Pytest's category, letter and word for an inconclusive check; None for other reports."""
    raw = getattr(report, "kms", None)
    return ("inconclusive", "I", "INCONCLUSIVE") if raw is not None and raw["outcome"] == "inconclusive" else None
