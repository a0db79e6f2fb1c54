"""The ledger survives crashes, and knows what is left to do."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from kms_conformance.auth import RpcAuth
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_files import LedgerError
from kms_conformance.target import Target

AUTH = RpcAuth("id-1234", "secret-1234")


def test_intent_alone_is_unfinished(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.write("intent", "m1")
    assert [(entry.marker, entry.key) for entry in ledger.unfinished()] == [("m1", None)]


def test_created_key_is_unfinished_until_it_is_scheduled(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    for event, key in (("intent", None), ("created", "k1")):
        ledger.write(event, "m1", key)
    assert [entry.key for entry in ledger.unfinished()] == ["k1"]
    ledger.write("scheduled", "m1", "k1")
    assert ledger.unfinished() == ()


def test_refused_create_leaves_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.write("intent", "m1")
    ledger.write("refused", "m1")
    assert ledger.unfinished() == ()


def test_last_line_that_a_crash_cut_short_is_passed_over(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.write("intent", "m1")
    with ledger.path.open("a") as file:
        file.write('{"format": 1, "event": "crea')
    assert [entry.marker for entry in ledger.unfinished()] == ["m1"]


def test_lines_are_readable_dated_and_for_their_owner_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "deep" / "l.jsonl")
    ledger.write("created", "m1", "k1")
    line = json.loads(ledger.path.read_text())
    assert (line["format"], line["event"], line["marker"], line["key"]) == (1, "created", "m1", "k1")
    assert line["at"].endswith("+00:00")
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_endpoints_of_one_name_have_ledgers_of_their_own(tmp_path: Path) -> None:
    one = Ledger.of(Target("t", "alibaba", "http://127.0.0.1:1", AUTH), tmp_path)
    other = Ledger.of(Target("t", "alibaba", "http://127.0.0.1:2", AUTH), tmp_path)
    assert one.path != other.path


def test_a_torn_line_does_not_swallow_the_next_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.write("intent", "m1")
    with ledger.path.open("a") as file:
        file.write('{"format": 1, "event": "crea')
    Ledger(ledger.path).write("created", "m2", "k2")
    assert [(record.marker, record.key) for record in Ledger(ledger.path).records().values()] == [
        ("m1", None),
        ("m2", "k2"),
    ]


def test_a_ledger_of_another_version_is_refused_and_not_overlooked(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    path.write_text('{"format": 2, "event": "created", "marker": "m1", "key": "k1"}\n')
    with pytest.raises(LedgerError, match="another version"):
        Ledger(path).unfinished()


def _write_many(path: Path, name: str) -> None:
    ledger = Ledger(path)
    for number in range(50):
        ledger.write("intent", f"{name}-{number}", kind="x" * 500)


def test_processes_that_write_at_once_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write_many, args=(path, f"w{number}")) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["marker"] for line in lines} == {f"w{w}-{number}" for w in range(4) for number in range(50)}


def test_the_keys_of_a_living_run_are_its_own_until_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    fork = multiprocessing.get_context("fork")
    written, wait = fork.Event(), fork.Event()

    def live() -> None:
        ledger = Ledger(path)
        ledger.write("intent", "m1")
        ledger.write("created", "m1", "k1")
        written.set()
        wait.wait()

    run = fork.Process(target=live)
    run.start()
    written.wait()
    other = Ledger(path)
    assert (other.unfinished(), other.reusable("plain"), other.holds("k1")) == ((), (), False)
    assert not other.take(other.records()["m1"])
    run.kill()
    run.join()
    assert [record.key for record in other.unfinished()] == ["k1"]
    assert other.take(other.records()["m1"])
    assert other.holds("k1")
    third = Ledger(path)
    assert not third.take(third.records()["m1"])
    other.close()
    assert not list(tmp_path.glob("*.run"))


@pytest.mark.parametrize(
    "change",
    [
        {"marker": ["m"]},
        {"event": {"x": 1}},
        {"run": "../../../tmp/owned"},
        {"run": ["x"] * 1000},
        {"key": 7},
        {"at": None},
    ],
    ids=str,
)
def test_a_line_that_nobody_of_us_has_written_is_passed_over(tmp_path: Path, change: dict[str, object]) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.write("intent", "m1")
    ledger.write("created", "m1", "k1")
    line = json.loads(ledger.path.read_text().splitlines()[-1])
    with ledger.path.open("a") as file:
        file.write(json.dumps(line | {"marker": "m2"} | change) + "\n" + "[" * 100_000 + "\n")
    assert [record.key for record in Ledger(ledger.path).records().values()] == ["k1"]
    assert [path.name for path in tmp_path.parent.glob("owned*")] == []
