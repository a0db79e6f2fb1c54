"""Runs one check of a target again, by the run's own means: gate, ledger, keys of its own, all let go at the end."""

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
class Again:
    """What became of a check that was run again: None where the target was not asked.

    `exchanges` are all that it made, as stored exchanges; `left` says what is left to be done about keys, `told` why
    the run would not begin.
    """

    result: CheckResult | None
    exchanges: tuple[Mapping[str, Any], ...] = ()
    left: tuple[str, ...] = ()
    told: str = ""


def rerun(found: FoundFailure, target: Path | None, *, consent: bool) -> Again:
    """Run the check of a failure again, at its tier and with its seed; `target` None is the built-in emulator."""
    only = _Only(found.verdict.name if target is None else None, found.check.check)
    told = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="kms-conformance-") as directory:
        options = [] if target is None else [f"--target={target.resolve()}"]
        options += [f"--reports={directory}", f"--tier={found.verdict.tier}", f"--seed={found.verdict.seed}"]
        options += ["--kms-yes"] if consent else []
        # What pytest shows of a run tells nobody anything here; what it refuses stands on the other stream.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
            run_pytest([*_fixed(directory), *options, str(suite.FOLDER)], plugins=[only])
        left = () if only.controller is None else tuple(only.controller.unscheduled_keys())
    said = told.getvalue().removeprefix("Exit: ").strip()
    return Again(only.result, only.exchanges, left, said or ("It was interrupted." if only.interrupted else ""))


def _fixed(directory: str) -> Sequence[str]:
    return (*suite.CONFINED, "-o", f"cache_dir={directory}/.pytest_cache", "--tb=line")


class _Only:
    """Leaves one check of a run, at `target` or at whatever target there is, and keeps all that it did."""

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
        recorder = self._worker.benches[self.result.target].client.recorder
        self.exchanges = tuple(record.as_json() for record in recorder.records())
