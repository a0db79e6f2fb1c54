"""A pytest plugin for runs of the suite: writes the time of the first failed check."""

from __future__ import annotations

import time
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Option: the output file for the time (seconds since 1970)."""
    parser.addoption("--first-report", type=Path, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Record if an output file is given."""
    path = config.getoption("--first-report")
    if path is not None:
        config.pluginmanager.register(_Watcher(path))


class _Watcher:
    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = getattr(report, "kms", None)
        # The test of an inconclusive check fails too, but reports no fault.
        if result is not None and result["failures"] and not self._path.exists():
            self._path.write_text(repr(time.time()), encoding="utf-8")
