"""Runs one check again as in any run: with new keys, which are recorded, and scheduled for deletion at the end."""

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
    """Result of running a check again.

    - `result`: the result of the check; None if the check did not run.
    - `exchanges`: all exchanges of the check, in the form of the results files.
    - `left`: messages about keys that are not scheduled for deletion.
    - `refusal`: the reason why the check did not run, if it is known; else "".
    """

    result: CheckResult | None
    exchanges: tuple[Mapping[str, Any], ...] = ()
    left: tuple[str, ...] = ()
    refusal: str = ""


def rerun(found: FoundFailure, target: Path | None, *, consent: bool) -> RerunResult:
    """Run the check of a failure with the tier and seed of its run; without a target, on the built-in emulator."""
    only = _SingleCheckPlugin(found.verdict.name if target is None else None, found.check.check)
    errors = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="kms-conformance-") as directory:
        options = [] if target is None else [f"--target={target.resolve()}"]
        options += [f"--reports={directory}", f"--tier={found.verdict.tier}", f"--seed={found.verdict.seed}"]
        options += ["--kms-yes"] if consent else []
        # The standard output of pytest is dropped. Its standard error is kept, because it says why a run was refused.
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
    """Pytest plugin that runs only one check and keeps its result; if `target` is given, only on this target."""

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
