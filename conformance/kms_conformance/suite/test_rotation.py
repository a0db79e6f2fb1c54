"""Rotation of a pending key: its status is false, and a cancelled deletion brings the status from before back."""

from __future__ import annotations

from functools import partial

import pytest

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


def _must_be(
    kms: Scenario, requirement_id: RequirementId, key: str, *, status: bool, answer: Answer | None = None
) -> None:
    told = f"a rotation status of {str(status).lower()}", str
    kms.must_show(
        requirement_id,
        partial(kms.told, "rotation_status", key),
        lambda found: found is status,
        told,
        answer,
        "rotation_status",
    )


@requirement("pending.rotation-off", "cancel.rotation-restored")
@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_rotation_rests_while_a_key_is_pending(kms: Scenario, on: bool) -> None:  # noqa: FBT001 - a column of the table
    key = kms.key(ENABLED)
    kms.done("enable_rotation" if on else "disable_rotation", key_id=key)
    if (
        kms.pool.patience.until(
            "rotation_status", partial(kms.told, "rotation_status", key), lambda status: status is on
        )
        is not on
    ):
        raise Inconclusive(f"The rotation could not be turned {'on' if on else 'off'} to prepare the check.")
    kms.pool.bring(key, PENDING)
    _must_be(kms, "pending.rotation-off", key, status=False)
    # It is refused, and must not count after the cancellation.
    turned = kms.ask("disable_rotation" if on else "enable_rotation", key_id=key)
    if turned.accepted:
        # Another check judges that; here it is taken back.
        kms.ask("enable_rotation" if on else "disable_rotation", key_id=key)
    answer = kms.accepts("cancel.effect", "cancel", key_id=key, states=kms.states_after_cancel)
    _must_be(kms, "cancel.rotation-restored", key, status=on, answer=answer)
    kms.pool.bring(key, ENABLED)
    kms.ask("disable_rotation", key_id=key)
