"""What does not belong together is not merged, and is said in three lines."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet

from kms_conformance import cli

Document = dict[str, Any]


def merge(*arguments: object) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["kms-conformance", "merge", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def changed(folder: Path, copy: Path, change: Callable[[Document, Document], None]) -> Path:
    """A copy of a shard's reports with results and plan changed, and the digest of one in the other brought right."""
    shutil.copytree(folder, copy)
    results = json.loads((copy / "results.json").read_text())
    shard = json.loads((copy / "shard.json").read_text())
    change(results, shard)
    text = json.dumps(results, indent=2) + "\n"
    (copy / "results.json").write_text(text)
    (copy / "verdict.json").write_text(json.dumps(results["targets"][0]["verdict"]))
    (copy / "shard.json").write_text(
        json.dumps(shard | {"results": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"})
    )
    return copy


def in_verdict(*path: str, value: object) -> Callable[[Document, Document], None]:
    def change(results: Document, shard: Document) -> None:
        place = results["targets"][0]["verdict"]
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        if len(path) == 1:
            results[path[0]] = value
        if path == ("target", "name"):
            for check in results["targets"][0]["checks"]:
                check["target"] = value
            shard["targets"][0]["name"] = value

    return change


def other_number(results: Document, shard: Document) -> None:
    shard["of"] = 9


def other_plan(results: Document, shard: Document) -> None:
    checks = shard["targets"][0]["plan"]["checks"]
    one = next(check for check in checks if check["shard"] not in (2, checks[0]["shard"]))
    one["shard"] = checks[0]["shard"]


def other_way(results: Document, shard: Document) -> None:
    shard["targets"][0]["way"] = "password"


def other_waivers(results: Document, shard: Document) -> None:
    waiver = {"requirement": "list.complete", "reason": "r", "owner": "o", "expires": "2099-01-01"}
    shard["waivers"] = [{"waiver": waiver, "line": 1}]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (in_verdict("suite", "version", value="9.9"), "the version of the suite"),
        (in_verdict("suite", "specs_digest", value=f"sha256:{'0' * 64}"), "the specs of"),
        (in_verdict("target", "name", value="another"), "their targets: emulator-huawei and another"),
        (in_verdict("target", "profile", value="otc"), "the profile of"),
        (in_verdict("target", "base_url", value="https://kms.example"), "this machine and https://kms.example"),
        (in_verdict("tier", value="standard"), "the tier: smoke and standard"),
        (in_verdict("seed", value=8), "the seed: 7 and 8"),
        (other_number, "the number of shards: 8 and 9"),
        (other_plan, "which shard has which checks"),
        (other_way, "how they signed in"),
        (other_waivers, "the waivers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_stranger_is_refused(
    fleet: Fleet,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Document, Document], None],
    says: str,
) -> None:
    if fleet.tier != "smoke" or fleet.dialect != "huawei":
        pytest.skip("asked once: of the first fleet")
    other = changed(fleet.shards[1], tmp_path / "other", change)
    assert merge(fleet.shards[0], other, "--reports", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 3, said
    assert [path.name for path in (tmp_path / "out").glob("[!.]*")] == [], "nothing but what keeps others out"


def test_same_shard_of_another_run_is_refused(fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def later(results: Document, shard: Document) -> None:
        shard["shards"][0]["started"] = "2020-01-01T00:00:00Z"

    other = changed(fleet.shards[1], tmp_path / "other", later)
    assert merge(fleet.shards[0], fleet.shards[1], other, "--reports", tmp_path / "out") == 2
    assert "Both hold shard 2/8" in capsys.readouterr().err


def test_results_that_were_changed_are_refused(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(fleet.shards[1], tmp_path / "other")
    shutil.copy(fleet.shards[2] / "shard.json", tmp_path / "other" / "shard.json")
    assert merge(fleet.shards[0], tmp_path / "other", "--reports", tmp_path / "out") == 2
    assert "do not match" in capsys.readouterr().err


def test_whole_run_is_no_shard(fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert merge(fleet.whole, "--reports", tmp_path / "out") == 2
    assert "shard.json" in capsys.readouterr().err


def test_folder_of_a_shard_that_was_ended_early_is_passed_over(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    downloads = tmp_path / "downloads"
    shutil.copytree(fleet.shards[0], downloads / "1")
    (downloads / "2").mkdir()
    (tmp_path / "3").mkdir()
    assert merge(downloads, tmp_path / "3", "--reports", tmp_path / "out") == 3
    said = capsys.readouterr()
    assert "holds no results of a shard: skipped" in said.err
    assert said.out.count(" is missing: ") == 7


def test_nothing_is_merged_from_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert merge(tmp_path / "empty", "--reports", tmp_path / "out") == 2
    assert merge(tmp_path / "no such folder", "--reports", tmp_path / "out") == 2
    assert "Traceback" not in capsys.readouterr().err


def test_failure_in_one_shard_decides_the_whole(fleet: Fleet, tmp_path: Path) -> None:
    def failed(results: Document, shard: Document) -> None:
        target = results["targets"][0]
        check = next(c for c in target["checks"] if c["outcome"] == "passed" and c["passes"])
        name = next(iter(check["passes"]))
        entry = next(e for e in target["verdict"]["requirements"] if e["id"] == name)
        failure = {"requirement": name, "passed": False, "expected": "a", "received": "b", "exchanges": [], "hint": ""}
        check |= {"outcome": "failed", "failures": [failure]}
        entry |= {"verdict": "failed", "reason": "expected a; received b", "judged": entry["judged"] + 1}
        if entry["level"] == "MUST":
            target["verdict"]["result"] = "nonconformant"

    other = changed(fleet.shards[0], tmp_path / "other", failed)
    code = merge(other, *fleet.shards[1:], "--reports", tmp_path / "out")
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert (code, verdict["result"]) == (1, "nonconformant")
    assert [entry["verdict"] for entry in verdict["requirements"]].count("failed") == 1
