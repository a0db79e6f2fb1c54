"""Second run of one check, with gate, ledger and new keys as in any run; the keys are released at the end."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kms_conformance import suite
from kms_conformance.apps.replay.find import FoundFailure
from kms_conformance.run.controller import Controller
from kms_conformance.run.isolated_pytest import run_pytest
from kms_conformance.run.worker import Worker, check_of
from kms_conformance.verdict.results import CheckResult


@dataclass(frozen=True)
class RerunResult:
    """Result of running a check again; `result` is None if the check did not run, and `refusal` gives the reason.

    `exchanges` are all exchanges of the check, in their stored form; `left` are messages about keys that are left.
    """

    result: CheckResult | None
    exchanges: tuple[Mapping[str, Any], ...] = ()
    left: tuple[str, ...] = ()
    refusal: str = ""


def rerun(found: FoundFailure, target: Path | None, *, consent: bool) -> RerunResult:
    """Run the check of a failure again, at its tier and with its seed; `target` None is the built-in emulator."""
    only = _SingleCheckPlugin(found.verdict.name if target is None else None, found.check.check)
    errors = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="kms-conformance-") as directory:
        options = [] if target is None else [f"--target={target.resolve()}"]
        options += [f"--reports={directory}", f"--tier={found.verdict.tier}", f"--seed={found.verdict.seed}"]
        options += ["--kms-yes"] if consent else []
        # The output of pytest is not needed; a refused run is reported on standard error.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            run_pytest([*_fixed(directory), *options, str(suite.FOLDER)], plugins=[only])
        left = () if only.controller is None else tuple(only.controller.unscheduled_keys())
    refusal = errors.getvalue().removeprefix("Exit: ").strip()
    return RerunResult(
        only.result, only.exchanges, left, refusal or ("It was interrupted." if only.interrupted else "")
    )


def _fixed(directory: str) -> Sequence[str]:
    return (*suite.CONFINED, "-o", f"cache_dir={directory}/.pytest_cache", "--tb=line")


class _SingleCheckPlugin:
    """Pytest plugin that selects one check (of `target`, or of any target if None) and keeps its result."""

    def __init__(self, target: str | None, check: str) -> None:
        self._target = target
        self._check = check
        self._worker: Worker | None = None
        self.interrupted = False
        self.controller: Controller | None = None
        self.result: CheckResult | None = None
        self.exchanges: tuple[Mapping[str, Any], ...] = ()

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.interrupted = True

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        worker = config.pluginmanager.get_plugin("kms-worker")
        controller = config.pluginmanager.get_plugin("kms-controller")
        assert isinstance(worker, Worker)
        assert isinstance(controller, Controller)
        self._worker, self.controller = worker, controller
        items[:] = [
            item
            for item in items
            if (check := check_of(item)) is not None
            and check.id == self._check
            and self._target in (None, check.target)
        ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        raw = getattr(report, "kms", None)
        if raw is None or self._worker is None:
            return
        self.result = CheckResult.from_json(raw)
        recorder = self._worker.target_sessions[self.result.target].client.exchange_log
        self.exchanges = tuple(record.as_json() for record in recorder.records())
