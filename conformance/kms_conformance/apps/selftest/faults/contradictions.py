"""Faults of replies that contradict themselves: what the body says of the reply is not what the reply is."""

from __future__ import annotations

from functools import partial

from kms_conformance.apps.selftest.deviation import ALIBABA, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on_refusal, where
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.emulator import Inbound, Outbound

_SHAPE: frozenset[RequirementId] = frozenset({"error.shape"})
_fault = partial(
    Fault, fault_class="errors", severity="minor", requirements=_SHAPE, dialects=(ALIBABA,), families=("schedule",)
)


def _other_status(_: Inbound, outbound: Outbound) -> bool:
    return outbound.refusal is not None


def _told(status: int) -> Fault:
    return _fault(
        name=f"error-says-status-{status}",
        title=f"The field `HttpStatus` of errors is always {status}.",
        filters=(where(_other_status, field("HttpStatus", lambda _: status)),),
    )


FAULTS = (
    _told(200),
    _told(400),
    _told(500),
    _fault(
        name="error-says-status-of-another",
        title="The error for a second scheduling says that its status is 404.",
        filters=(on_refusal("already_pending", field("HttpStatus", lambda _: 404)),),
    ),
)
