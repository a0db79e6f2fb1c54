"""Target without an operation that the lifecycle does not need: its requirements are inconclusive, not failed."""

from __future__ import annotations

from kms_conformance.apps.selftest.deviation import AWS, only, serving
from kms_conformance.apps.selftest.reply_mutations import saying, status, where
from kms_conformance.apps.selftest.runner import run_suite

MISSING = ("tag", "untag", "list_tags")


def test_missing_operations_are_inconclusive() -> None:
    lacking = where(
        lambda inbound, _: inbound.operation in MISSING,
        saying(lambda _: {"__type": "UnknownOperationException"}),
        status(400),
    )
    outcome = run_suite(serving(AWS, filters=[lacking]), arguments=only(["belongings", "pending_belongings"]))
    verdicts = {entry["id"]: entry for entry in outcome.verdict["requirements"]}
    assert outcome.failed == set()
    for name in ("untag.reply", "pending.tag", "pending.untag", "pending.list-tags"):
        assert verdicts[name]["verdict"] == "inconclusive"
        assert "does not have the operation" in verdicts[name]["reason"]
    assert verdicts["put-policy.reply"]["verdict"] == verdicts["pending.create-grant"]["verdict"] == "passed"
