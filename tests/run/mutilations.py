"""Pytest plugins that each remove a part of a run; `-p mutilations` loads them.

`KMS_MUTILATION` names the one that is at work. They hold for workers of pytest-xdist as well.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

VICTIM = "test_enabling_an_enabled_key"
LAST = "test_other_keys_are_as_before_the_run"


def at_work() -> str:
    """The active plugin of this run."""
    return os.environ.get("KMS_MUTILATION", "")


class _Mutilation:
    """Shared hook: acts at the chosen item."""

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        match at_work(), item.name.partition("[")[0]:
            case "skip in set-up", name if name == VICTIM:
                pytest.skip("not today")
            case "xfail in set-up", name if name == VICTIM:
                pytest.xfail("known")
            case "error in set-up", name if name == VICTIM:
                raise ValueError("broken plugin")
            case "exit", name if name == VICTIM:
                pytest.exit("enough", returncode=0)
            case "worker dies", name if name == VICTIM:
                os._exit(9)
            case "worker dies in the last check", name if name == LAST:
                os._exit(9)
            case "worker is killed", name if name == VICTIM:
                os.kill(os.getpid(), signal.SIGKILL)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        if pyfuncitem.originalname != VICTIM:
            return None
        match at_work():
            case "skip in the call":
                pytest.skip("not today")
            case "call is answered by another plugin":
                return True
            case "system exit":
                raise SystemExit(0)
            case "memory":
                raise MemoryError
            case "Ctrl-C":
                os.kill(os.getpid(), signal.SIGINT)
            case "SIGTERM":
                os.kill(os.getpid(), signal.SIGTERM)
            case "SIGHUP":
                os.kill(os.getpid(), signal.SIGHUP)
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if at_work() == "protocol is answered by another plugin" and VICTIM in item.name:
            return True
        if at_work() == "session is told to stop" and VICTIM in item.name:
            item.session.shouldstop = "another plugin wants it"
        if at_work() == "session is told to fail" and VICTIM in item.name:
            item.session.shouldfail = "another plugin wants it"
        return None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        if at_work() == "items are lost":
            items[:] = [item for item in items if VICTIM not in item.name]
        if at_work() == "items are deselected":
            config.hook.pytest_deselected(items=[item for item in items if VICTIM in item.name])
            items[:] = [item for item in items if VICTIM not in item.name]
        if at_work() == "all items are lost":
            items.clear()
        if at_work() == "collection fails":
            raise ValueError("broken plugin")

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return True if at_work() == "a file is ignored" and collection_path.name == "test_use.py" else None

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        if at_work().startswith("a file cannot be collected") and collector.name == "test_use.py":
            raise collector.CollectError("broken plugin")

    @pytest.hookimpl(trylast=True, wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo):
        report = yield
        if at_work() == "results are lost" and VICTIM in item.name and hasattr(report, "kms"):
            del report.kms
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if at_work() == "internal error" and VICTIM in report.nodeid:
            raise ValueError("broken plugin")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> bool | None:
        return True if at_work() == "no loop" else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if at_work() == "exit status is set to 0 and a check is lost":
            session.exitstatus = 0


class _Lossy(_Mutilation):
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if VICTIM not in item.name]


def pytest_configure(config: pytest.Config) -> None:
    loses = at_work() == "exit status is set to 0 and a check is lost"
    config.pluginmanager.register(_Lossy() if loses else _Mutilation(), "mutilation")
