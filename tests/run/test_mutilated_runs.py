"""Incomplete runs are never conformant, and name the missing part."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema_rs
import mutilations
import pytest
import small_suite
from forked import forked

from kms_conformance.catalogue.frozen import Frozen
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs
from kms_conformance.emulator import Emulator

HERE = Path(__file__).parent
SUITE = HERE.parents[1] / "conformance" / "kms_conformance" / "suite"
SCHEMA = json.loads((specs.SPECS / "schemas" / "verdict.schema.json").read_text())
VICTIM = f"use::{mutilations.VICTIM}"

# Options of pytest, each with its entry in the verdict.
OPTIONS = {
    "-k": (("-k", "not enabling_an"), "keyword"),
    "-m": (("-m", "not requirement"), "marks"),
    "--deselect": (("--deselect", f"test_use.py::{mutilations.VICTIM}"), "deselected"),
    "--deselect a file": (("--deselect", "test_use.py"), "deselected"),
    "--ignore": ((f"--ignore={SUITE / 'test_use.py'}",), "ignored"),
    "--ignore-glob": ((f"--ignore-glob={HERE.parents[1]}/*/suite/test_us*",), "ignored"),
    "--setup-only": (("--setup-only",), ""),
    "--setup-plan": (("--setup-plan",), ""),
    "python_files": (("-o", "python_files=test_e*.py"), ""),
    "python_functions": (("-o", "python_functions=test_key*"), ""),
    "--collect-only": (("--collect-only",), None),
}
# Interference by another plugin, in one process.
PLUGINS = (
    "skip in set-up",
    "xfail in set-up",
    "error in set-up",
    "exit",
    "skip in the call",
    "call is answered by another plugin",
    "system exit",
    "memory",
    "protocol is answered by another plugin",
    "session is told to stop",
    "session is told to fail",
    "items are lost",
    "items are deselected",
    "all items are lost",
    "collection fails",
    "a file is ignored",
    "a file cannot be collected",
    "a file cannot be collected, and pytest goes on",
    "results are lost",
    "internal error",
    "no loop",
    "exit status is set to 0 and a check is lost",
)
SIGNALS = {"Ctrl-C": 130, "SIGTERM": 143, "SIGHUP": 129}
# Faults of a pytest-xdist worker.
WORKERS = {
    "worker dies": ("-n", "1", "--max-worker-restart=1"),
    "worker dies in the last check": ("-n", "1", "--max-worker-restart=0"),
    "worker is killed": ("-n", "2", "-x"),
    "items are lost": ("-n", "1"),
    "skip in set-up": ("-n", "1"),
}


@dataclass(frozen=True)
class Mutilated:
    """Result of a run: its exit code, output and folder."""

    code: int
    output: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        return json.loads((self.folder / "verdict.json").read_text())


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        yield tmp_path / "t.yaml"


def run(
    target: Path,
    folder: Path,
    *arguments: str,
    mutilation: str = "",
    requirements: str = "",
    within: Callable[..., tuple[int, str]] = forked,
) -> Mutilated:
    options = ["--target", str(target), "--reports", "out", "--tier", "smoke", "--seed", "1"]
    options += ["--requirements", requirements] if requirements else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KMS_MUTILATION", mutilation)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parents[1])]))
        plugins = ("-p", "small_suite", "-p", "mutilations")
        code, output = within("run", *options, "--", *plugins, *arguments, cwd=folder)
    return Mutilated(code, output, folder / "out")


@pytest.fixture(scope="module")
def demanded(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A requirement set that the small suite judges completely, so that a whole run is conformant."""
    folder = tmp_path_factory.mktemp("demanded")
    with Emulator("huawei") as emulator:
        (folder / "t.yaml").write_text(emulator.target_yaml())
        found = run(folder / "t.yaml", folder).verdict["requirements"]
    passed = {entry["id"] for entry in found if entry["verdict"] == "passed"}
    frozen = Frozen.of(Catalogue.load("huawei"), "small")
    levels = {name: level for name, level in frozen.levels.items() if name in passed}
    digests = {name: digest for name, digest in frozen.digests.items() if name in passed}
    small = replace(frozen, levels=MappingProxyType(levels), digests=MappingProxyType(digests))
    (folder / "small.yaml").write_text(small.to_yaml())
    return str(folder / "small.yaml")


def must_not_be_conformant(found: Mutilated) -> None:
    """Checked in the verdict, the exit code, the terminal, the page, the statement, JUnit and the badge."""
    verdict = found.verdict
    jsonschema_rs.Draft202012Validator(SCHEMA).validate(verdict)
    assert (verdict["result"], found.code) == ("inconclusive", 3), found.output
    assert VICTIM in [each["check"] for each in verdict["unfinished"]] or mutilations.LAST in str(verdict["unfinished"])
    assert all(each["why"] for each in verdict["unfinished"])
    declared = [entry for entry in verdict["requirements"] if "not_run" in entry]
    assert declared
    assert {entry["verdict"] for entry in declared} == {"inconclusive"}
    assert "did not run to the end" in " ".join(found.output.split())
    assert "Traceback" not in found.output
    shown = {name: (found.folder / name).read_text() for name in ("index.html", "statement.md")}
    assert all("Checks that did not run to the end" in text for text in shown.values())
    assert "✓" not in shown["statement.md"].split("\n", 1)[0]
    suites = ET.fromstring((found.folder / "junit.xml").read_text())  # noqa: S314 - our own file
    assert int(suites.get("errors", "0")) > 0
    badge = json.loads((found.folder / "badge.json").read_text())
    assert (badge["isError"], "unfinished" in badge["message"]) == (True, True)


def test_whole_run_is_conformant(target: Path, demanded: str, tmp_path: Path) -> None:
    whole = run(target, tmp_path, requirements=demanded)
    assert (whole.code, whole.verdict["result"]) == (0, "conformant"), whole.output
    assert {"unfinished", "filters", "keys_left"}.isdisjoint(whole.verdict)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("option", OPTIONS)
def test_options_of_pytest_that_leave_checks_out(target: Path, demanded: str, tmp_path: Path, option: str) -> None:
    arguments, told = OPTIONS[option]
    found = run(target, tmp_path, *arguments, requirements=demanded)
    if told is None:
        # No request was sent: there is no verdict, and no exit code of a verdict.
        assert not (found.folder / "verdict.json").exists()
        assert found.code in {2, 3}, found.output
        return
    must_not_be_conformant(found)
    assert (told in found.verdict.get("filters", {})) == bool(told)


def test_only_what_failed_last_time(target: Path, demanded: str, tmp_path: Path) -> None:
    cached = tmp_path / "out" / ".pytest_cache" / "v" / "cache"
    cached.mkdir(parents=True)
    name = "test_contact.py::test_listed_key_is_described[emulator-huawei]"
    (cached / "lastfailed").write_text(json.dumps({name: True}))
    found = run(target, tmp_path, "--lf", requirements=demanded)
    must_not_be_conformant(found)
    assert "last failed" in found.verdict["filters"]


def test_one_file_and_one_check_named(target: Path, demanded: str, tmp_path: Path) -> None:
    suite = SUITE
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        plain = ["--target", str(target), "--tier", "smoke", "--reports", str(tmp_path / "out"), "--kms-progress"]
        plain += ["-p", "small_suite", "-p", "mutilations", "--requirements", demanded]
        patch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parents[1])]))
        code, output = started(f"{suite}/test_contact.py", *plain, cwd=tmp_path, module="pytest")
    found = Mutilated(code, output, tmp_path / "out")
    must_not_be_conformant(found)
    assert found.verdict["filters"] == {"files": "test_contact.py"}


def started(*arguments: str, cwd: Path, module: str = "kms_conformance") -> tuple[int, str]:
    """The exit code and the output of a command in a new process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"KMS_CONFORMANCE_STATE": str(cwd / "state"), "COLUMNS": "80", "NO_COLOR": "1"}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.sampled(3)
@pytest.mark.parametrize("mutilation", PLUGINS)
def test_other_plugins(target: Path, demanded: str, tmp_path: Path, mutilation: str) -> None:
    goes_on = ("--continue-on-collection-errors",) if mutilation.endswith("goes on") else ()
    found = run(target, tmp_path, *goes_on, mutilation=mutilation, requirements=demanded)
    must_not_be_conformant(found)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("mutilation", SIGNALS)
def test_signals(target: Path, demanded: str, tmp_path: Path, mutilation: str) -> None:
    found = run(target, tmp_path, mutilation=mutilation, requirements=demanded)
    assert found.code == SIGNALS[mutilation], found.output
    must_not_be_conformant(replace(found, code=3))
    assert "keys_left" not in found.verdict


@pytest.mark.sampled(1)
@pytest.mark.parametrize("mutilation", WORKERS)
def test_workers(target: Path, demanded: str, tmp_path: Path, mutilation: str) -> None:
    options = WORKERS[mutilation]
    # Workers get the module path that pytest-xdist read at its import; a forked process has another one.
    found = run(target, tmp_path, *options, mutilation=mutilation, requirements=demanded, within=started)
    assert "import" not in found.output
    must_not_be_conformant(found)


def test_what_an_earlier_run_said_does_not_outlive_the_beginning_of_the_next(target: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.html").write_text("conformant")
    found = run(target, tmp_path, mutilation="collection fails")
    assert found.verdict["result"] == "inconclusive"
    assert "conformant" not in (found.folder / "index.html").read_text().split("\n")[:1]


def test_the_families_of_the_small_suite_are_there() -> None:
    assert set(small_suite.FAMILIES) >= {"use", "afterwards"}
