"""Faults of not answering: the connection is closed, reset or broken off, or no reply ever comes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import Rewrite, on, on_refusal, where
from kms_conformance.emulator import Inbound, Outbound
from kms_conformance.emulator.messages import Silence

_fault = partial(Fault, fault_class="silence", severity="major", requirements=frozenset({"reply.answered"}))
# Of a target that never answers: a run waits for it as often as for one that closes the connection, and longer.
_TIMEOUT_SECONDS = 0.5


def _silent(how: Silence) -> Rewrite:
    return lambda reply: replace(reply, silence=how)


def _is_a_list(inbound: Inbound, _: Outbound) -> bool:
    return inbound.body.startswith(b"[")


def _holds_a_list(inbound: Inbound, _: Outbound) -> bool:
    return any(isinstance(value, list) for value in inbound.parameters.values())


FAULTS = (
    _fault(
        name="malformed-json-hung-up-on",
        title="A body that is no JSON is answered by closing the connection.",
        dialects=(HUAWEI, AWS),
        families=("protocol",),
        filters=(on_refusal("invalid_json", _silent("closed")),),
    ),
    _fault(
        name="unknown-action-hung-up-on",
        title="An action that does not exist is answered by closing the connection.",
        dialects=(ALIBABA, AWS),
        families=("protocol",),
        filters=(on_refusal("unknown_action", _silent("closed")),),
    ),
    _fault(
        name="list-hung-up-on",
        title="A body that is a list is answered by closing the connection.",
        families=("replies",),
        filters=(where(_is_a_list, _silent("closed")),),
    ),
    _fault(
        name="cancel-hung-up-on-though-done",
        title="A key is cancelled, and the connection closed without a reply.",
        families=("cancel",),
        filters=(on("cancel", _silent("closed")),),
    ),
    _fault(
        name="schedule-hung-up-on-though-done",
        title="A key is scheduled, and the connection closed without a reply.",
        families=("schedule", "window"),
        filters=(on("schedule", _silent("closed")),),
    ),
    _fault(
        name="cancel-without-need-hung-up-on",
        title="Cancelling a key that is not pending is answered by closing the connection.",
        families=("cancel",),
        filters=(on_refusal("not_pending", _silent("closed"), operations="cancel"),),
    ),
    _fault(
        name="encrypt-reset",
        title="To encrypt with a key resets the connection.",
        families=("replies", "use"),
        filters=(on("encrypt", _silent("reset")),),
    ),
    _fault(
        name="disable-reset-though-done",
        title="A key is disabled, and the connection reset.",
        families=("states", "use"),
        filters=(on("disable", _silent("reset")),),
    ),
    _fault(
        name="unknown-key-never-answered",
        title="Cancelling a key that does not exist is never answered.",
        families=("entry", "unknown_keys"),
        filters=(on_refusal("unknown_key", _silent("never"), operations="cancel"),),
        timeout_seconds=_TIMEOUT_SECONDS,
    ),
    _fault(
        name="data-key-never-answered",
        title="A data key is asked for, and no reply ever comes.",
        families=("replies", "pending_use"),
        filters=(on("generate_data_key", _silent("never")),),
        timeout_seconds=_TIMEOUT_SECONDS,
    ),
    _fault(
        name="data-key-breaks-off",
        title="The reply to the request for a data key ends within its head.",
        families=("replies", "pending_use"),
        filters=(on("generate_data_key", _silent("broken head")),),
    ),
    _fault(
        name="data-key-ends-after-its-head",
        title="The reply to the request for a data key ends after its head.",
        families=("replies", "pending_use"),
        requirements=frozenset({"reply.encoding", "reply.answered"}),
        filters=(on("generate_data_key", lambda reply: replace(reply, cut_after=0)),),
    ),
    _fault(
        name="field-that-is-a-list-hung-up-on",
        title="A request with a field that is a list is answered by closing the connection.",
        dialects=(HUAWEI, AWS),
        families=("fuzzing",),
        filters=(where(_holds_a_list, _silent("closed")),),
    ),
)
