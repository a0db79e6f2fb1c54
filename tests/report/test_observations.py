"""What was seen and decides nothing: it stands in the verdict file with its count, and in the words on the whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from kms_conformance.auth import RpcAuth
from kms_conformance.report.schemas import validate
from kms_conformance.report.text.words import sentence
from kms_conformance.target import Target
from kms_conformance.verdict.decide import Run, decide
from kms_conformance.verdict.model import Verdict
from kms_conformance.verdict.results import CheckResult

TARGET = Target("t", "alibaba", "http://127.0.0.1:1", RpcAuth("id-1234", "secret-1234"))
LOST = "DescribeKey: the connection was closed; the next attempt was answered"


def check(name: str, silences: dict[str, int]) -> CheckResult:
    return CheckResult("t", "a", name, "b", "passed", 0.0, silences=silences)


def test_requests_without_a_reply_are_counted_over_all_checks_and_told() -> None:
    results = [check("a::b", {LOST: 2}), check("a::c", {LOST: 1, "x": 1}), check("a::d", {})]
    run = Run("smoke", 1, datetime(2026, 1, 1, tzinfo=UTC), 1.0)
    raw = json.loads(json.dumps(decide(TARGET, results, run, {}).to_json()))
    validate(raw, "verdict", "v")
    assert raw["observations"] == [{"what": LOST, "count": 3}, {"what": "x", "count": 1}]
    stored = Verdict.from_json(raw)
    assert stored.to_json() == raw
    assert f"Observed, without effect on the result: {LOST} (3); x (1)." in sentence(stored)


def test_where_nothing_was_seen_nothing_is_said() -> None:
    run = Run("smoke", 1, datetime(2026, 1, 1, tzinfo=UTC), 1.0)
    found = decide(TARGET, [check("a::b", {})], run, {})
    assert "observations" not in found.to_json()
    assert "deciding nothing" not in sentence(found)
    assert "silences" not in check("a::b", {}).to_json()


def test_a_result_keeps_what_was_seen_through_a_file() -> None:
    found = check("a::b", {LOST: 2})
    assert CheckResult.from_json(json.loads(json.dumps(found.to_json()))) == found
