"""How many processes test the targets of a run, and which targets share one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kms_conformance.cli import processes
from kms_conformance.cli.processes import Processes, RunKind, processes_for
from kms_conformance.cli.run import run
from kms_conformance.core import specs
from kms_conformance.run.parallel.groups import groups_of
from kms_conformance.target import Target, parse_target

Make = Callable[..., Target]
CORES = 4
STANDARD = RunKind("standard")


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processes, "available_cores", lambda: CORES)
    monkeypatch.setenv("KMS_CONFORMANCE_STATE", str(tmp_path))


def made(name: str, port: int, **further: Any) -> Target:
    """A target on this machine; JSON is YAML too."""
    auth = {"token": "t" * 40, "project_id": "0" * 32}
    url = f"http://127.0.0.1:{port}"
    return parse_target(json.dumps({"name": name, "dialect": "huawei", "base_url": url, "auth": auth} | further), "t")


SEVERAL = [made(f"t{number}", 8000 + number) for number in range(6)]


def test_several_targets_use_all_cores_and_no_more_processes_than_targets() -> None:
    assert processes_for(None, SEVERAL, STANDARD) == Processes(CORES)
    assert processes_for(None, SEVERAL[:3], STANDARD) == Processes(3)
    assert processes_for(None, [], STANDARD) == Processes(min(CORES, len(specs.emulated())))
    assert Processes(CORES).options() == ["-n=4"]


@pytest.mark.parametrize("wanted", [None, 0, 1])
def test_one_process_starts_no_other(wanted: int | None) -> None:
    assert processes_for(wanted, SEVERAL[:1], STANDARD).options() == []
    assert wanted is None or processes_for(wanted, SEVERAL, STANDARD).options() == []


def test_a_selection_of_checks_and_a_shard_use_one_process_unless_asked() -> None:
    assert processes_for(None, SEVERAL, RunKind("standard", selected=True)) == Processes()
    assert processes_for(2, SEVERAL, RunKind("standard", selected=True)) == Processes(2)


@pytest.mark.parametrize(
    "other",
    [
        made("other", 8000),
        made("other", 8000, base_url="http://localhost:8000/v2"),
        made("other", 9000, time_control="http://127.0.0.1:8000/clock"),
        made("other", 9000, ledger="common"),
    ],
    ids=["endpoint", "name of this machine", "clock", "ledger"],
)
def test_targets_that_share_something_are_tested_one_after_another(other: Target) -> None:
    first = made("t0", 8000, ledger="common")
    groups = groups_of([first, SEVERAL[1], other])
    assert groups == {"t0": "t0", "t1": "t1", "other": "t0"}
    found = processes_for(3, [first, SEVERAL[1], other], STANDARD)
    assert found.count == 2
    assert "2 processes instead of 3" in found.note


def test_targets_are_of_one_group_by_way_of_a_third() -> None:
    bridge = made("bridge", 8000, time_control="http://127.0.0.1:8001/clock")
    assert set(groups_of([SEVERAL[0], SEVERAL[1], bridge]).values()) == {"t0"}


def test_two_processes_share_one_target_where_its_limits_allow_it() -> None:
    (target,) = SEVERAL[:1]
    two = processes_for(2, [target], STANDARD)
    assert (two.count, two.shared, two.note) == (2, True, "")
    assert two.options() == ["-n=2", "--kms-workers=2", "--max-worker-restart=0"]
    assert processes_for(9, [made("t", 8000, limits={"max_keys": 20})], RunKind("nightly")).count == 9


@pytest.mark.parametrize(
    ("further", "kind", "why"),
    [
        (
            {"limits": {"max_keys": 5}},
            STANDARD,
            "one process instead of 2: 2 processes need 6 keys, and the tier standard",
        ),
        ({}, RunKind("smoke"), "one process instead of 2: 2 processes need 6 keys, and the tier smoke with"),
        ({}, RunKind("standard", plant=True), "2 processes need 7 keys"),
        ({}, RunKind("standard", watch=True), "only planted keys are read"),
        ({}, RunKind("standard", shard=True), "a shard is not divided further"),
    ],
)
def test_what_does_not_allow_two_processes_is_told_in_a_line(further: dict[str, Any], kind: RunKind, why: str) -> None:
    found = processes_for(2, [made("t", 8000, **further)], kind)
    assert (found.count, found.options()) == (0, [])
    assert why in found.note
    assert "\n" not in found.note


def test_an_account_is_used_by_two_processes_at_most() -> None:
    real = made("t", 8000, real_account=True, limits={"max_keys": 20})
    found = processes_for(3, [real], RunKind("nightly"))
    assert found.count == 2
    assert "lock the access key" in found.note


def test_a_number_of_processes_has_no_effect_on_the_vendors_clients(tmp_path: Path) -> None:
    ended = CliRunner().invoke(run, ["--via", "sdk", "-n", "2", "--reports", str(tmp_path)])
    assert (ended.exit_code, "-n cannot be used" in ended.output) == (2, True), ended.output
