"""The ledger survives crashes, and knows what is left to do."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.ledger import Ledger
from conformance.target import RpcAuth, Target

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
