"""What the suite uses of pytest, pytest-xdist and Allure's plugin that they do not document.

A small session, with and without workers, notes what it finds where plugin.py, session.py and private.py look.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_TESTS = """
import pytest

@pytest.mark.parametrize("operation", ["enable", pytest.param("cancel", marks=pytest.mark.slow)])
def test_each(kms, operation):
    pass

def test_failing(kms):
    raise ValueError("as pytest tells it")
"""

# What conformance/kms_conformance/run/plugin.py, session.py and worker.py do, as small as it goes.
_PLUGIN = """
import dataclasses, json, pathlib
import pytest

NOTES = pathlib.Path("notes.json")
KEY = pytest.StashKey()
found = {}

@dataclasses.dataclass(eq=False)
class Plugin:
    config: pytest.Config

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc):
        if "kms" in metafunc.fixturenames:
            metafunc.parametrize("kms", ["a-target", "b-target"], indirect=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        for item in items:
            found.setdefault("items", []).append(
                [item.nodeid, item.originalname, dict(item.callspec.params), item.path.stem]
            )
            item.stash[KEY] = item.name
        # As a run has them: one target after another.
        items.sort(key=lambda item: item.callspec.params["kms"])

    @pytest.fixture
    def kms(self, request):
        return request.node.stash[KEY]

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        report.kms = {"name": item.stash[KEY]}
        if call.excinfo is not None:
            report.longrepr = "as we tell it"
        return report

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            found.setdefault("reports", {})[report.nodeid] = [report.kms, str(report.longrepr)]
            found.setdefault("workers", {}).setdefault(getattr(report, "worker_id", ""), []).append(report.nodeid)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_make_scheduler(self, config, log):
        from kms_conformance.run.parallel.scheduling import one_worker_per_group

        return one_worker_per_group(config, log, lambda node_id: node_id.partition("[")[2][:8])

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        node.workerinput["ours"] = {"given": 1}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        found["told by a worker"] = node.workeroutput.get("ours")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session):
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["ours"] = session.config.workerinput["ours"]
        try:
            return (yield)
        finally:
            if output is None:
                option = session.config.option
                found["options"] = {
                    name: str(getattr(option, name, "absent"))
                    for name in ("xmlpath", "allure_report_dir", "numprocesses", "collectonly")
                }
                found["stopped"] = [session.shouldfail, session.shouldstop]
                NOTES.write_text(json.dumps(found))
                session.exitstatus = 3

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.addinivalue_line("markers", "slow: none")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.unregister(name="terminalreporter")
    config.pluginmanager.register(Plugin(config), "kms-contract")
"""


def session(folder: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    (folder / "contract_plugin.py").write_text(_PLUGIN)
    (folder / "test_contract.py").write_text(_TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "contract_plugin", "-p", "no:kms_conformance", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (folder / "notes.json").exists(), done.stdout + done.stderr
    return done, json.loads((folder / "notes.json").read_text())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    return session(tmp_path_factory.mktemp("alone"), "--junitxml=found.xml", "--alluredir=results")


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    return session(tmp_path_factory.mktemp("spread"), "-n", "2")


def test_an_item_is_named_by_file_function_and_parameters_the_target_first(alone) -> None:
    """The plan of a run is found again by these names."""
    assert [found for found in alone[1]["items"] if found[2]["kms"] == "a-target"] == [
        ["test_contract.py::test_each[a-target-enable]", "test_each", _of("enable"), "test_contract"],
        ["test_contract.py::test_each[a-target-cancel]", "test_each", _of("cancel"), "test_contract"],
        ["test_contract.py::test_failing[a-target]", "test_failing", {"kms": "a-target"}, "test_contract"],
    ], "pytest forms ids, `originalname` or `callspec.params` in another way than before"


def _of(operation: str) -> dict[str, str]:
    return {"kms": "a-target", "operation": operation}


def test_the_exit_code_of_a_session_is_the_one_that_we_set_last(alone, spread) -> None:
    assert (alone[0].returncode, spread[0].returncode) == (3, 3), "`session.exitstatus` is not what pytest ends with"


def test_pytests_own_terminal_can_be_taken_away_before_it_says_anything(alone) -> None:
    assert alone[0].stdout == "", (
        "unregistering `terminalreporter` in pytest_configure does not silence pytest any more"
    )


def test_what_we_write_over_a_failure_is_what_is_reported(alone, spread) -> None:
    assert [told for _, told in alone[1]["reports"].values()] == 2 * ["None", "None", "as we tell it"]
    assert "as pytest tells it" not in json.dumps(spread[1]["reports"])


def test_what_is_hung_on_a_report_comes_back_from_a_worker(spread) -> None:
    names = {node_id.partition("::")[2]: kms["name"] for node_id, (kms, _) in spread[1]["reports"].items()}
    assert len(names) == 6
    assert all(node_id == name for node_id, name in names.items()), "a report names another item than it is of"
    assert spread[1]["told by a worker"] == {"given": 1}, "pytest-xdist carries neither workerinput nor workeroutput"


def test_the_checks_of_a_target_stay_on_one_worker_in_their_order(alone, spread) -> None:
    """pytest 9.2 does not read the group that pytest-xdist 3.8 writes into ids: checks of one target ran at once."""
    workers = spread[1]["workers"]
    assert len(workers) == 2
    expected = [node_id for node_id, *_ in alone[1]["items"]]
    for found in workers.values():
        assert len({node_id.partition("[")[2][:8] for node_id in found}) == 1, "a worker had checks of two targets"
        assert found == [node_id for node_id in expected if node_id in found]


def test_the_options_that_we_read_are_there(alone, spread) -> None:
    options, folder = alone[1]["options"], Path("results")
    assert options["xmlpath"].endswith("found.xml"), "private.py looks for the file of --junitxml here"
    assert Path(options["allure_report_dir"]).name == folder.name, "private.py looks for the folder of --alluredir here"
    assert options["collectonly"] == "False"
    assert spread[1]["options"]["numprocesses"] == "2"
    assert alone[1]["stopped"] == [False, False]


def test_every_plugin_that_we_register_can_be_kept_in_a_set() -> None:
    """pytest 9.0.0 does so with the plugin itself: an object that compares by its fields ended in an INTERNALERROR."""
    from kms_conformance.core.signals import Interrupts  # noqa: PLC0415 - the plugin imports them late as well
    from kms_conformance.report.allure.labels import Labelling  # noqa: PLC0415
    from kms_conformance.run.controller import Controller  # noqa: PLC0415
    from kms_conformance.run.plugin import PrivateFiles  # noqa: PLC0415
    from kms_conformance.run.shards.clock_lock import ClockLock  # noqa: PLC0415
    from kms_conformance.run.terminal import Terminal  # noqa: PLC0415
    from kms_conformance.run.worker import Worker  # noqa: PLC0415

    kinds = (Controller, Interrupts, Labelling, PrivateFiles, Terminal, ClockLock, Worker)
    assert [kind.__name__ for kind in kinds if kind.__hash__ is None or kind.__hash__ is not object.__hash__] == []
