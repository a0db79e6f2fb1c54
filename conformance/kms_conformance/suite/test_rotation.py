"""Rotation of a pending key: its status is false, and a cancelled deletion brings the status from before back."""

from __future__ import annotations

import pytest

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


def _status(kms: Scenario, key: str) -> object:
    return kms.dialect.result(
        "rotation_status", kms.accepts("rotation-status.reply", "rotation_status", key_id=key).value
    )


@requirement("pending.rotation-off", "cancel.rotation-restored")
@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_rotation_rests_while_a_key_is_pending(kms: Scenario, on: bool) -> None:  # noqa: FBT001 - a column of the table
    key = kms.key(ENABLED)
    answer = kms.ask("enable_rotation" if on else "disable_rotation", key_id=key)
    if not answer.accepted or _status(kms, key) is not on:
        raise Inconclusive(f"The rotation could not be turned {'on' if on else 'off'} to prepare the check.")
    kms.pool.bring(key, PENDING)
    pending = _status(kms, key)
    kms.judge.that("pending.rotation-off", pending is False, "a rotation status of false", pending)
    answer = kms.accepts("cancel.effect", "cancel", key_id=key, states=kms.states_after_cancel)
    restored = _status(kms, key)
    kms.judge.that("cancel.rotation-restored", restored is on, f"a rotation status of {on}", restored, (answer.number,))
    kms.pool.bring(key, ENABLED)
    kms.ask("disable_rotation", key_id=key)
