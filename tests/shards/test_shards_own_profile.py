"""Shards of a run with a profile from a file of the user's own, merged where that file is absent."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from fleet import commands

from kms_conformance.emulator import Decisions, Emulator, Key, State

CHECKS = "test_entry.py or test_cancel.py"


class _Enabling(Decisions):
    def state_after_cancel(self, key: Key) -> State:
        return State.ENABLED


def test_shards_with_an_own_profile_are_merged(tmp_path: Path) -> None:
    target, profile = tmp_path / "target.yaml", tmp_path / "mine.yaml"
    profile.write_text("name: mine\ntitle: Mine\nfacts: {after_cancel: enabled}\n")
    state = tmp_path / "state"
    with Emulator("huawei", decisions=_Enabling) as emulator:
        target.write_text(yaml.safe_dump(emulator.target() | {"profile": "mine.yaml", "limits": {"max_keys": 8}}))
        asked = ("run", "--target", str(target), "--tier", "smoke", "--seed", "1")
        shards = [
            (*asked, "--reports", str(tmp_path / str(index)), "--shard", f"{index}/2", "--", "-k", CHECKS)
            for index in (1, 2)
        ]
        assert commands(shards, state) == [3, 3]
    profile.unlink()
    merged = tmp_path / "merged"
    commands([("merge", str(tmp_path / "1"), str(tmp_path / "2"), "--reports", str(merged))], state)
    verdict = json.loads((merged / "verdict.json").read_text())
    assert verdict["own_profile"]["name"] == "mine"
    assert verdict["target"]["profile"].startswith("file:mine@")
    found = {entry["id"]: entry["verdict"] for entry in verdict["requirements"]}
    assert found["cancel.state-after"] == "passed"
