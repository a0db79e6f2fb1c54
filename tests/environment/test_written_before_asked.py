"""Output files are tried before the first request; later write errors are reported on the terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from started import COMMAND, ONE_FAMILY, environment, start

from kms_conformance.emulator import Emulator


def created(emulator: Emulator) -> set[str]:
    """The states of the keys that were created during the test."""
    return {key.state.value for key in emulator.store.keys if (key.description or "").startswith("kms-conformance-")}


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        yield emulator


def _a_file(folder: Path) -> Path:
    (folder / "out").write_text("mine\n")
    return folder / "out"


UNWRITABLE = {
    "a file": _a_file,
    "below a file": lambda folder: _a_file(folder) / "latest",
    "a device": lambda _: Path("/dev/null"),
    "a folder in which nobody may write": lambda _: Path("/proc/1/out"),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("make", "option"),
    [*((make, []) for make in UNWRITABLE.values()), (_a_file, ["--via", "sdk"])],
    ids=[*UNWRITABLE, "a file, by the vendors' clients"],
)
def test_a_reports_folder_that_cannot_be_written_is_told_before_anything_is_asked(
    option: list[str], make, emulator: Emulator, tmp_path: Path
) -> None:
    ended = start("run", "--target", "t.yaml", "--reports", str(make(tmp_path)), *option, cwd=tmp_path)
    assert (ended.code, ended.no_traceback()) == (2, True), ended.text
    assert "cannot be written" in ended.err
    assert "--reports" in ended.err
    assert len(ended.err.splitlines()) == 3
    assert created(emulator) == set()


NOWHERE = {
    "no such home": {"HOME": "/dev/null", "KMS_CONFORMANCE_STATE": None, "XDG_STATE_HOME": None},
    "a state folder that is a device": {"KMS_CONFORMANCE_STATE": "/dev/null"},
    "below a system folder": {"KMS_CONFORMANCE_STATE": "/proc/1/state"},
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("changes", "command"),
    [
        *((changes, "run") for changes in NOWHERE.values()),
        *(
            ({"KMS_CONFORMANCE_STATE": "/dev/null"}, command)
            for command in ("run --via sdk", "sweep", "record --out r")
        ),
    ],
    ids=str,
)
def test_a_ledger_that_cannot_be_written_is_told_before_anything_is_asked(
    changes: dict[str, str | None], command: str, emulator: Emulator, tmp_path: Path
) -> None:
    ended = start(*command.split(), "--target", "t.yaml", cwd=tmp_path, **changes)
    assert (ended.code, ended.no_traceback()) == (2, True), ended.text
    assert "KMS_CONFORMANCE_STATE" in ended.err
    assert len(ended.err.splitlines()) == 3
    assert created(emulator) == set()


def test_doctor_names_a_ledger_that_cannot_be_written(emulator: Emulator, tmp_path: Path) -> None:
    ended = start("doctor", "--target", "t.yaml", cwd=tmp_path, KMS_CONFORMANCE_STATE="/dev/null")
    assert ended.code == 3
    assert "x ledger: " in ended.out
    assert "KMS_CONFORMANCE_STATE" in ended.out


NOBODY = """
import os, pwd
def unknown(number): raise KeyError(number)
pwd.getpwuid = unknown
os.environ.pop("HOME", None)
from kms_conformance.__main__ import main
main()
"""


def as_nobody(*arguments: str, cwd: Path, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """A command without home directory and passwd entry, as in containers."""
    command = [sys.executable, "-c", NOBODY, *arguments]
    given = environment(cwd, HOME=None, **changes)
    return subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, check=False)


def test_without_a_home_and_a_name_the_state_folder_is_asked_for(emulator: Emulator, tmp_path: Path) -> None:
    done = as_nobody("run", "--target", "t.yaml", cwd=tmp_path, KMS_CONFORMANCE_STATE=None)
    assert done.returncode == 2
    assert "KMS_CONFORMANCE_STATE" in done.stderr
    assert len(done.stderr.splitlines()) == 3
    assert created(emulator) == set()


def test_without_a_home_and_a_name_a_run_needs_no_more_than_a_state_folder(emulator: Emulator, tmp_path: Path) -> None:
    done = as_nobody("run", "--target", "t.yaml", "--reports", "out", "--tier", "smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["result"] == "conformant"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kilobytes", [2, 64, 200])
def test_a_disk_that_fills_up_leaves_no_key_behind_and_no_false_word(
    kilobytes: int, emulator: Emulator, tmp_path: Path
) -> None:
    """A limit on file sizes; the first file that fails depends on the limit."""
    line = f'ulimit -f {kilobytes}; "$@"'
    arguments = ("run", "--target", "t.yaml", "--reports", "out", "--tier", "smoke", "--", "-k", "entry or window")
    ended = start(*arguments, cwd=tmp_path, line=line)
    assert ended.no_traceback(), ended.text
    assert ended.code in (2, 3)
    assert "File too large" in ended.text
    assert created(emulator) <= {"pending_deletion"}
    assert (ended.code == 2) == (not created(emulator))
    if ended.code == 3:
        assert "emulator-huawei: inconclusive" in ended.out
        assert "report   " not in ended.out
        assert not (tmp_path / "out" / "verdict.json").exists()


def test_two_runs_do_not_write_to_one_folder(emulator: Emulator, tmp_path: Path) -> None:
    command = [*COMMAND, "run", "--target", "t.yaml", "--reports", "out", "--tier", "smoke"]
    first = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    first.stdout.readline()
    second = start("run", "--target", "t.yaml", "--reports", "out", *ONE_FAMILY, cwd=tmp_path)
    assert (second.code, second.no_traceback()) == (2, True), second.text
    assert f"process {first.pid}" in second.err
    assert "--reports" in second.err
    first.communicate(timeout=60)
    assert first.returncode == 0


def test_a_run_that_was_killed_holds_no_folder(emulator: Emulator, tmp_path: Path) -> None:
    command = [*COMMAND, "run", "--target", "t.yaml", "--reports", "out", "--tier", "smoke"]
    first = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    first.stdout.readline()
    first.kill()
    first.communicate()
    assert start("run", "--target", "t.yaml", "--reports", "out", *ONE_FAMILY, cwd=tmp_path).code == 3
