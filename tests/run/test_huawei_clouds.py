"""Clouds of the Huawei family that answer otherwise: what stays open, with which advice, and what is still found."""

from __future__ import annotations

import pytest

from kms_conformance.apps.selftest.behaviour_mutations import Mixin, accepting, answering
from kms_conformance.apps.selftest.deviation import HUAWEI, only, serving
from kms_conformance.apps.selftest.reply_mutations import on_refusal, saying, status, where
from kms_conformance.apps.selftest.runner import Outcome, run_suite
from kms_conformance.emulator import Decisions, Filter, Key, State

IMPORTED = ("cancel.not-pending.pending-import", "state.pending-import", "cancel.imported-key", "schedule.imported-key")


def _open(outcome: Outcome) -> dict[str, str]:
    return {e["id"]: e["reason"] for e in outcome.verdict["requirements"] if e["verdict"] == "inconclusive"}


@pytest.mark.parametrize("code", ["KMS.0306", "KMS.0307", "KMS.0330"])
def test_an_id_outside_the_policy_leaves_open_what_it_was_asked_for(code: str) -> None:
    decisions = [answering(403, code, "unknown_key", "malformed_key")]
    served = serving(HUAWEI, decisions=decisions, profile="huawei-cloud")
    outcome = run_suite(served, arguments=only(["contact", "unknown_keys", "cancel"]), in_real_time=False)
    found = _open(outcome)
    assert outcome.failed == set()
    assert outcome.exit_code == 3
    assert {"unknown-key.describe", "unknown-key.cancel", "malformed-key.cancel"} <= set(found)
    assert outcome.ids("passed") >= {"cancel.effect", "cancel.state-after"}
    advice = found["unknown-key.describe"]
    assert code in advice or "own credentials" in advice


def test_operations_beside_the_lifecycle_may_be_missing() -> None:
    lacking = ("quotas", "instances", "versions", "version")
    gone = {"error_msg": "x", "error_code": "APIGW.0101", "request_id": "0" * 32}
    filters: list[Filter] = [where(lambda i, _: i.operation in lacking, saying(lambda _: gone), status(404))]
    outcome = run_suite(serving(HUAWEI, filters=filters), arguments=only(["replies"]), in_real_time=False)
    found = _open(outcome)
    assert outcome.failed == set()
    for name in ("quotas.reply", "instances.reply", "versions.reply", "version.reply"):
        assert "The target does not have " in found[name]


class _CancelledEarly(Decisions):
    """A key that waits for its material can be cancelled."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        early = operation == "cancel" and key.state is State.PENDING_IMPORT
        return None if early else super().refusal_for(operation, key)


class _BackDisabled(Decisions):
    """A key without material is disabled after its deletion was cancelled."""

    def state_after_cancel(self, key: Key) -> State:
        return State.DISABLED


@pytest.mark.parametrize(
    ("decisions", "failed"),
    [
        ((), set()),
        ((_CancelledEarly,), {"cancel.not-pending.pending-import"}),
        ((accepting("enable", State.PENDING_IMPORT),), {"state.pending-import"}),
        ((accepting("generate_data_key", State.PENDING_IMPORT),), {"state.pending-import"}),
        ((_BackDisabled,), {"cancel.imported-key"}),
    ],
    ids=["none", "cancelled", "enabled", "used", "disabled"],
)
def test_a_key_that_waits_for_its_material(decisions: tuple[Mixin, ...], failed: set[str]) -> None:
    served = serving(HUAWEI, decisions=decisions, profile="otc")
    outcome = run_suite(
        served, tier="standard", arguments=("-k", "test_entry.py or test_key_without_material"), in_real_time=False
    )
    assert outcome.failed & set(IMPORTED) == failed
    if not failed:
        assert set(IMPORTED) <= outcome.ids("passed")


def test_a_refusal_of_the_form_without_a_code_is_for_paths_alone() -> None:
    filters: list[Filter] = [
        on_refusal("already_pending", saying(lambda _: {"message": "x", "request_id": "0" * 32}), status(404))
    ]
    outcome = run_suite(
        serving(HUAWEI, filters=filters, profile="otc"), arguments=only(["schedule"]), in_real_time=False
    )
    assert "schedule.twice" in outcome.failed
