"""Eight shards, merged, say what one run says; one that is missing leaves the whole open, and is named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fleet import BUDGET, SHARDS, Fleet

from kms_conformance import cli
from kms_conformance.report.load import load_report


def merged(capsys: pytest.CaptureFixture[str], out: Path, *folders: Path) -> tuple[int, str]:
    """The exit code of `merge`, and what it says."""
    return command(capsys, "merge", *map(str, folders), "--reports", str(out))


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["kms-conformance", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    shown = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, shown.out + shown.err


def verdict(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "verdict.json").read_text())
    return found


def became(folder: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What became of each requirement, and the checks that judged it."""
    return {entry["id"]: (entry["verdict"], tuple(entry["tests"])) for entry in verdict(folder)["requirements"]}


def ran(folder: Path) -> list[str]:
    return [check.check for target in load_report(folder).targets for check in target.checks]


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "allure-report" not in path.parts
    }


def test_merged_is_one_run(fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = merged(capsys, tmp_path / "all", *fleet.shards)
    assert (code, verdict(tmp_path / "all")["result"]) == (fleet.whole_code, verdict(fleet.whole)["result"]), said
    assert verdict(fleet.whole)["result"] == ("conformant" if fleet.clock else "inconclusive")
    assert became(tmp_path / "all") == became(fleet.whole)
    assert ran(tmp_path / "all") == ran(fleet.whole)
    # Where the clock is moved, a key that is gone makes room for another.
    assert fleet.clock or verdict(tmp_path / "all")["keys_created"] == len(fleet.keys) <= BUDGET
    assert (tmp_path / "all" / "junit.xml").read_text().count("<testcase") == len(ran(fleet.whole))
    attested = [verdict(folder)["isolation"] for folder in (tmp_path / "all", fleet.whole)]
    # What changes is the key of somebody else whose waiting period ends.
    assert [len(entry["changed"]) for entry in attested] == [int(fleet.clock)] * 2


def test_shard_alone_decides_nothing(fleet: Fleet) -> None:
    assert fleet.codes == [3] * SHARDS
    for index, folder in enumerate(fleet.shards, 1):
        assert verdict(folder)["result"] == "inconclusive"
        open_ones = [name for entry in verdict(folder)["requirements"] for name in entry.get("not_run", ())]
        assert any(f"/{SHARDS})" in name for name in open_ones)
        assert not any(f"(shard {index}/{SHARDS})" in name for name in open_ones)
    parts = [set(ran(folder)) for folder in fleet.shards]
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(ran(fleet.whole))


def test_shards_are_not_sealed(fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    merged(capsys, tmp_path / "all", *fleet.shards)
    for folder in (tmp_path / "all", fleet.shards[2]):
        code, said = command(capsys, "certify", "--evidence", str(folder))
        assert code == 2
        assert "divided into shards" in said
        assert len(said.splitlines()) == 3


def test_missing_shard_is_named(fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = merged(capsys, tmp_path / "some", *fleet.shards[:4], *fleet.shards[5:])
    assert code == 3
    assert "Shard 5/8 is missing" in said
    assert verdict(tmp_path / "some")["result"] == "inconclusive"
    reasons = [entry["reason"] for entry in verdict(tmp_path / "some")["requirements"]]
    assert any("(shard 5/8)" in reason for reason in reasons)
    # What was merged is merged again, in any order, and with what was missing it is the whole.
    again, all_at_once = tmp_path / "again", tmp_path / "all"
    assert merged(capsys, again, fleet.shards[4], tmp_path / "some")[0] == fleet.whole_code
    merged(capsys, all_at_once, *reversed(fleet.shards))
    assert files_of(again) == files_of(all_at_once)
    merged(capsys, again, again, *fleet.shards, fleet.shards[0])
    assert files_of(again) == files_of(all_at_once)
