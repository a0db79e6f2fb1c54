"""Machines with missing resources: the message names the repair, and the target is not accused."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from started import ONE_FAMILY, environment, start

from kms_conformance.emulator import Emulator

FEW = ("--tier", "smoke", "--", "-k", "test_contact or test_entry")


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        yield emulator


@pytest.mark.sampled(1)
@pytest.mark.parametrize("handles", [10, 16, 24])
def test_a_process_that_may_open_few_files_accuses_nobody(handles: int, emulator: Emulator, tmp_path: Path) -> None:
    ended = start("run", "--target", "t.yaml", *FEW, cwd=tmp_path, line=f'ulimit -n {handles}; exec "$@"')
    assert ended.code in {2, 3}, ended.text
    assert ended.no_traceback(), ended.text
    assert ended.text.strip()


def test_a_temporary_folder_that_is_missing_is_no_reason_to_end(emulator: Emulator, tmp_path: Path) -> None:
    ended = start("run", "--target", "t.yaml", *FEW, cwd=tmp_path, TMPDIR="/nonexistent", TMP=None, TEMP=None)
    assert (ended.code, ended.no_traceback()) == (3, True), ended.text
    assert (tmp_path / "reports" / "latest" / "verdict.json").is_file()


def test_an_empty_environment_is_enough(emulator: Emulator, tmp_path: Path) -> None:
    command = ["env", "-i", f"KMS_CONFORMANCE_STATE={tmp_path / 'state'}", sys.executable, "-m", "kms_conformance"]
    done = subprocess.run(
        [*command, "run", "--target", "t.yaml", *FEW], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (3, False), done.stdout + done.stderr


BACK = """
import sys, time, datetime
now, start = time.time, time.time()
# The clock goes back by an hour, after some requests of the run.
calls = 0
def set_back():
    global calls
    calls += 1
    return now() - (3600 if calls > 40 else 0)
time.time = set_back
from kms_conformance.__main__ import main
main()
"""


def test_a_clock_that_is_set_back_ends_no_run(emulator: Emulator, tmp_path: Path) -> None:
    command = [sys.executable, "-c", BACK, "run", "--target", "t.yaml", *FEW]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=100
    )
    assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (3, False), done.stdout + done.stderr
    verdict = json.loads((tmp_path / "reports" / "latest" / "verdict.json").read_text())
    assert verdict["duration_seconds"] >= 0
    assert not [entry["id"] for entry in verdict["requirements"] if entry["verdict"] == "failed"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("vanishing", ["reports", "state", "."])
def test_a_folder_that_vanishes_during_a_run_loses_no_key(vanishing: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        environ = {"KMS_CONFORMANCE_STATE": str(place / "state")}
        line = f'( sleep 1.7; rm -rf {shlex.quote(str(place / vanishing))} ) & "$@"; code=$?; wait; exit $code'
        arguments = ("run", "--target", "t.yaml", "--reports", str(place / "reports"), "--tier", "smoke")
        ended = start(*arguments, cwd=tmp_path, line=line, **environ)
        left = [key for key in emulator.store.keys if (key.description or "").startswith("kms-conformance-")]
    assert ended.no_traceback(), ended.text
    assert ended.code in {0, 2, 3}, ended.text
    assert {key.state.value for key in left} <= {"pending_deletion"}


def test_every_command_that_is_printed_can_be_pasted(emulator: Emulator, tmp_path: Path) -> None:
    """The folder's name has blanks, quotes and a dollar sign."""
    place = tmp_path / "it's a $HOME folder"
    place.mkdir()
    shutil.copy(tmp_path / "t.yaml", place / "my target.yaml")
    ended = start("run", "--target", "my target.yaml", "--reports", "my reports", *FEW, cwd=place)
    commands = [line.strip() for line in ended.out.splitlines() if line.strip().startswith("kms-conformance ")]
    assert commands
    for command in commands:
        arguments = shlex.split(command)
        assert "my reports" in arguments, command
        assert start(*arguments[1:], cwd=place).code == 3


PLAIN = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--pyargs", "kms_conformance.suite"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("arguments", [["-k", "no_such_check_at_all"], ["--collect-only", "-q"]])
def test_plain_pytest_names_no_report_that_there_is_not(
    arguments: list[str], emulator: Emulator, tmp_path: Path
) -> None:
    command = [*PLAIN, "--target", "t.yaml", "--reports", "out", *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=100
    )
    named = [line.partition("report: ")[2] for line in done.stdout.splitlines() if line.startswith("report: ")]
    assert all((tmp_path / path).is_file() for path in named), done.stdout
    assert done.returncode not in {0, 1} or "--collect-only" in arguments, done.stdout


def test_a_plain_pytest_session_that_asks_nothing_leaves_earlier_reports(emulator: Emulator, tmp_path: Path) -> None:
    start("run", "--target", "t.yaml", "--reports", "out", *ONE_FAMILY, cwd=tmp_path)
    before = (tmp_path / "out" / "verdict.json").read_bytes()
    for argument in ("--markers", "--collect-only", "--fixtures"):
        command = [*PLAIN, "--target", "t.yaml", "--reports", "out", argument]
        subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=False, timeout=100)
        assert (tmp_path / "out" / "verdict.json").read_bytes() == before
