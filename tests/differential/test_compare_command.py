"""Commands `record` and `compare`: exit codes, files and messages."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from emulator_recordings import emulator

from kms_conformance import cli
from kms_conformance.apps.differential import recording as recording_module
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.emulator import Emulator
from kms_conformance.report.schemas import validate

FEW = ["create", "describe.pending-deletion", "schedule.minimum", "schedule.pending-deletion"]


@pytest.fixture(autouse=True)
def _few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    every = recording_module.questions
    monkeypatch.setattr(
        recording_module, "questions", lambda profile, seed: tuple(q for q in every(profile, seed) if q.id in FEW)
    )


def command(*arguments: object) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["kms-conformance", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def target_file(served: Emulator, folder: Path, name: str, **changes: Any) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(served.target() | {"name": name} | changes))
    return path


@pytest.fixture
def huawei() -> Iterator[Emulator]:
    with emulator("huawei") as served:
        yield served


@pytest.fixture
def faulty() -> Iterator[Emulator]:
    fault = next(fault for fault in FAULTS if fault.name == "schedule-twice-accepted")
    with emulator("huawei", decisions=type("Deviating", fault.decisions, {})) as served:
        yield served


def test_two_targets_live(
    huawei: Emulator,
    faulty: Emulator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    good, bad = target_file(huawei, tmp_path, "good"), target_file(faulty, tmp_path, "bad")
    written = tmp_path / "comparison.json"
    assert command("compare", "--live", good, good) == 0
    assert "No difference in 4 questions." in capsys.readouterr().out
    assert command("compare", good, bad, "--live", "--json", written) == 1
    shown = capsys.readouterr().out
    words = " ".join(shown.split())
    assert "schedule the deletion of a pending key" in words
    assert "good as documented, bad not: 400 KMS.1402 (schedule.twice)" in words
    assert max(map(len, shown.splitlines()[4:])) <= 72
    document = json.loads(written.read_text())
    validate(document, "comparison", "c")
    assert written.stat().st_mode & 0o777 == 0o600
    [difference] = document["differences"]
    assert (difference["question"], difference["supports"]) == ("schedule.pending-deletion", "a")
    assert document["a"]["target"]["name"] == "good"


def test_recordings_and_a_target_later(
    huawei: Emulator, faulty: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, kept, later = (
        target_file(huawei, tmp_path, "here"),
        tmp_path / "kept.json",
        target_file(faulty, tmp_path, "later"),
    )
    assert command("record", "--target", target, "--out", kept, "--seed", 7) == 0
    assert "4 of 4 questions answered by here" in capsys.readouterr().out
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())["questions"]["seed"] == 7
    assert command("compare", kept, target) == 0
    assert command("compare", kept, kept) == 0
    assert command("compare", kept, later) == 1
    assert command("compare", later, kept) == 1
    old = json.loads(kept.read_text()) | {"recorded": "2020-01-01T00:00:00Z"}
    kept.write_text(json.dumps(old))
    capsys.readouterr()
    assert command("compare", kept, target) == 0
    assert "its answers may have changed" in capsys.readouterr().out
    assert command("compare", kept, target, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["same"] is True
    assert printed["a"]["age_days"] > 2000


def test_every_key_is_scheduled_for_deletion(huawei: Emulator, tmp_path: Path) -> None:
    before = {key.id for key in huawei.store.keys}
    target = target_file(huawei, tmp_path, "here")
    assert command("record", "--target", target, "--out", tmp_path / "r.json") == 0
    ours = [key for key in huawei.store.keys if key.id not in before]
    assert ours
    assert {key.state.value for key in ours} == {"pending_deletion"}


def test_a_target_that_cannot_be_asked(huawei: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = target_file(huawei, tmp_path, "good")
    gone = target_file(huawei, tmp_path, "gone", base_url="http://127.0.0.1:9", time_control=None)
    gone.write_text(gone.read_text().replace("time_control: null\n", ""))
    assert command("record", "--target", gone, "--out", tmp_path / "r.json") == 3
    assert "gone could not be queried: No reply" in capsys.readouterr().err
    assert not (tmp_path / "r.json").exists()
    assert command("compare", "--live", good, gone) == 3


def test_what_cannot_be_compared(huawei: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = target_file(huawei, tmp_path, "here")
    with emulator("aws") as aws:
        other = target_file(aws, tmp_path, "other")
    run = tmp_path / "run"
    run.mkdir()
    for arguments, says in (
        ((target, target), "Add --live"),
        (("--live", target, other), "only targets of the same dialect"),
        (("--live", target, run), "must be target files"),
        ((target, run), "name two of the same kind"),
        ((tmp_path / "none.yaml", target), "The file does not exist."),
        ((tmp_path / "none.json", tmp_path / "none.json"), "is missing"),
        ((tmp_path / "reports", tmp_path / "reports"), "is missing"),
    ):
        assert command("compare", *arguments) == 2
        assert says in " ".join(capsys.readouterr().err.replace("\n", " ").split())


def test_a_real_account_is_not_asked_without_its_owners_word(
    huawei: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = target_file(huawei, tmp_path, "here")
    cloud = target_file(huawei, tmp_path, "cloud", base_url="https://kms.cloud.invalid", time_control=None)
    cloud.write_text(cloud.read_text().replace("time_control: null\n", ""))
    assert command("record", "--target", cloud, "--out", tmp_path / "r.json") == 2
    assert command("compare", "--live", here, cloud) == 2
    assert "--yes" in capsys.readouterr().err
    assert huawei.requests_served == 0
