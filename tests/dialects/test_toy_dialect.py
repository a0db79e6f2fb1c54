"""A fourth dialect is made of its own files alone: a package beside ours, found by its entry point."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import kms_conformance
from kms_conformance.core import specs

HERE = Path(__file__).parent
PACKAGE = Path(kms_conformance.__file__).parent
# What a dialect is made of, as docs/add-a-cloud.md says.
FILES = {
    "__init__.py",
    "adapter.py",
    "emulator.py",
    "specs/openapi.yaml",
    "specs/profiles.yaml",
    "specs/requirements.yaml",
}


def contents(*folders: Path) -> Mapping[Path, bytes]:
    return {
        path: path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """A process that starts with these variables has the toy dialect installed, as pip would leave it there."""
    installed = tmp_path / "installed"
    shutil.copytree(HERE / "toy_kms", installed / "toy_kms", ignore=shutil.ignore_patterns("__pycache__"))
    about = installed / "toy_kms-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-kms\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[kms_conformance.dialects]\ntoy = toy_kms\n")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(installed), os.environ.get("PYTHONPATH")))),
        "KMS_CONFORMANCE_STATE": str(tmp_path / "state"),
    }


def command(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "kms_conformance", *arguments]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def target(environment: Mapping[str, str], tmp_path: Path) -> Iterator[Path]:
    """The target file of an emulator that speaks the toy dialect, in a process of its own."""
    words = [sys.executable, "-m", "kms_conformance", "emulator", "--dialect", "toy"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        lines: list[str] = []
        for line in served.stdout:
            lines.append(line)
            if line.startswith("disposable:"):
                break
        path = tmp_path / "toy.yaml"
        path.write_text("".join(lines))
        yield path
        served.terminate()


def test_a_toy_dialect_is_certified_and_only_its_own_files_are_written(
    environment: Mapping[str, str], target: Path, tmp_path: Path
) -> None:
    before = contents(PACKAGE, specs.SPECS)
    written = {
        path.relative_to(tmp_path / "installed" / "toy_kms") for path in contents(tmp_path / "installed/toy_kms")
    }
    assert {path.as_posix() for path in written} == FILES

    done = command(environment, "run", "--target", str(target), "--reports", str(tmp_path / "reports"), "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = json.loads((tmp_path / "reports" / "verdict.json").read_text())
    assert (verdict["target"]["dialect"], verdict["result"]) == ("toy", "conformant")
    assert {entry["verdict"] for entry in verdict["requirements"]} == {"passed"}
    assert len(verdict["requirements"]) == 11
    assert verdict["keys_created"] > 0

    assert contents(PACKAGE, specs.SPECS) == before


def test_commands_find_the_toy_dialect(environment: Mapping[str, str], target: Path) -> None:
    listed = command(environment, "requirements", "--dialect", "toy")
    assert listed.returncode == 0, listed.stderr
    assert "cancel.effect" in listed.stdout
    examined = command(environment, "doctor", "--target", str(target))
    assert examined.returncode == 0, examined.stdout + examined.stderr
    assert "toy, profile documents" in examined.stdout


def test_the_suite_finds_faults_of_the_toy_dialect(environment: Mapping[str, str]) -> None:
    """Faults of judgement exist in a new dialect at once, without a row of its own."""
    code = (
        "from kms_conformance.apps.selftest.plan import Task\n"
        "from kms_conformance.core import specs\n"
        "assert specs.dialects() == ('alibaba', 'aws', 'huawei', 'toy')\n"
        "for name in ('cancel-does-nothing', 'window-below-minimum-accepted', 'schedule-twice-accepted'):\n"
        "    print(name, Task('fault', name, 'toy', whole=False).run().problem or 'killed')\n"
        "print('small-pages', Task('variant', 'small-pages', 'toy', whole=False).run().problem or 'conformant')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines() == [
        "cancel-does-nothing killed",
        "window-below-minimum-accepted killed",
        "schedule-twice-accepted killed",
        "small-pages conformant",
    ], done.stderr


def test_no_dialect_of_the_package_is_replaced_by_an_installed_one(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "installed" / "toy_kms-1.0.dist-info" / "entry_points.txt").write_text(
        "[kms_conformance.dialects]\nhuawei = toy_kms\nnowhere = no_such_package\ndeep = no_such.package\n"
        "without = json\n"
    )
    code = "from kms_conformance.core import specs; print(specs.dialects(), specs.locate('huawei').specs)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split("\n")[0] == f"('alibaba', 'aws', 'huawei') {specs.SPECS / 'huawei'}", done.stderr


def test_a_dialect_without_an_emulator_is_one_that_no_emulator_is_started_for(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "installed" / "toy_kms" / "emulator.py").unlink()
    refused = command(environment, "emulator", "--dialect", "toy")
    assert refused.returncode == 2
    assert "'toy' is not one of 'alibaba', 'aws', 'huawei'" in refused.stderr
    assert command(environment, "requirements", "--dialect", "toy").returncode == 0
