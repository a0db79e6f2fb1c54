"""Closed or full standard streams do not change the exit code, which is that of the verdict on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from started import ONE_FAMILY, start

NOBODY_READS = {
    "a reader that has read enough": 'set -o pipefail; "$@" | head -n 1',
    "a reader that is gone": 'set -o pipefail; "$@" | true',
    "a disk that is full": '"$@" > /dev/full',
    "both streams on a full disk": '"$@" > /dev/full 2>&1',
    "standard output closed": '"$@" >&-',
    "standard error closed": '"$@" 2>&-',
    "all three closed": '"$@" <&- >&- 2>&-',
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("line", NOBODY_READS.values(), ids=NOBODY_READS)
def test_a_run_whose_output_is_lost_ends_with_the_code_of_its_verdict(line: str, target: str, tmp_path: Path) -> None:
    ended = start("run", "--target", target, "--reports", "out", *ONE_FAMILY, cwd=tmp_path, line=line)
    assert (ended.code, ended.no_traceback()) == (3, True), ended.text
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["result"] == "inconclusive"


@pytest.mark.sampled(4)
@pytest.mark.parametrize("line", NOBODY_READS.values(), ids=NOBODY_READS)
@pytest.mark.parametrize("arguments", [["requirements"], ["run", "--help"]], ids=" ".join)
def test_a_command_whose_output_is_lost_ends_well(arguments: list[str], line: str, tmp_path: Path) -> None:
    ended = start(*arguments, cwd=tmp_path, line=line)
    assert (ended.code, ended.no_traceback()) == (0, True), ended.text


def test_a_mistake_that_nobody_can_be_told_of_is_still_exit_code_2(tmp_path: Path) -> None:
    for line in NOBODY_READS.values():
        assert start("doctor", "--target", "missing.yaml", cwd=tmp_path, line=line).code == 2


def test_nothing_that_is_printed_lands_in_a_file_of_the_run(target: str, tmp_path: Path) -> None:
    start("run", "--target", target, "--reports", "out", *ONE_FAMILY, cwd=tmp_path, line='"$@" <&- >&- 2>&-')
    for path in (tmp_path / "state").glob("*.jsonl"):
        assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "changes",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"TERM": "dumb"},
        {"TERM": None, "COLUMNS": "1"},
        {"COLUMNS": "0", "LINES": "0"},
        {"FORCE_COLOR": "1", "NO_COLOR": None},
        {"PYTHONWARNINGS": "error"},
        {"PYTHONHASHSEED": "0", "PYTHONDEVMODE": "1"},
    ],
    ids=lambda changes: " ".join(f"{name}={value}" for name, value in changes.items()),
)
def test_a_terminal_of_any_kind_gets_the_summary(changes: dict[str, str | None], target: str, tmp_path: Path) -> None:
    reports = "réports"
    ended = start("run", "--target", target, "--reports", reports, *ONE_FAMILY, cwd=tmp_path, **changes)
    assert (ended.code, ended.no_traceback()) == (3, True), ended.text
    assert "emulator-huawei: inconclusive" in ended.out
    assert (tmp_path / reports / "verdict.json").is_file()
