"""Faults without a complete reply: the connection is closed or reset, or the reply is cut off or never sent."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import Rewrite, on, on_refusal, where
from kms_conformance.emulator import Inbound, Outbound
from kms_conformance.emulator.messages import Silence

_fault = partial(Fault, fault_class="silence", severity="major", requirements=frozenset({"reply.answered"}))
# The reply timeout for faults that never reply. It is short, because the run repeats each unanswered request, and
# waits this long each time.
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
        title="A body that is not JSON closes the connection without a reply.",
        dialects=(HUAWEI, AWS),
        families=("protocol",),
        filters=(on_refusal("invalid_json", _silent("closed")),),
    ),
    _fault(
        name="unknown-action-hung-up-on",
        title="An unknown action closes the connection without a reply.",
        dialects=(ALIBABA, AWS),
        families=("protocol",),
        filters=(on_refusal("unknown_action", _silent("closed")),),
    ),
    _fault(
        name="list-hung-up-on",
        title="A body that is a JSON list closes the connection without a reply.",
        families=("replies",),
        filters=(where(_is_a_list, _silent("closed")),),
    ),
    _fault(
        name="cancel-hung-up-on-though-done",
        title="Cancelling is carried out, but the connection is closed without a reply.",
        families=("cancel",),
        filters=(on("cancel", _silent("closed")),),
    ),
    _fault(
        name="schedule-hung-up-on-though-done",
        title="Scheduling is carried out, but the connection is closed without a reply.",
        families=("schedule", "window"),
        filters=(on("schedule", _silent("closed")),),
    ),
    _fault(
        name="cancel-without-need-hung-up-on",
        title="Cancelling on a key that is not pending closes the connection without a reply.",
        families=("cancel",),
        filters=(on_refusal("not_pending", _silent("closed"), operations="cancel"),),
    ),
    _fault(
        name="encrypt-reset",
        title="Encrypting resets the connection.",
        families=("replies", "use"),
        filters=(on("encrypt", _silent("reset")),),
    ),
    _fault(
        name="disable-reset-though-done",
        title="Disabling is carried out, but the connection is reset.",
        families=("states", "use"),
        filters=(on("disable", _silent("reset")),),
    ),
    _fault(
        name="unknown-key-never-answered",
        title="Cancelling on an unknown key is never answered.",
        families=("entry", "unknown_keys"),
        filters=(on_refusal("unknown_key", _silent("never"), operations="cancel"),),
        timeout_seconds=_TIMEOUT_SECONDS,
    ),
    _fault(
        name="data-key-never-answered",
        title="Requests for a data key are never answered.",
        families=("replies", "pending_use"),
        filters=(on("generate_data_key", _silent("never")),),
        timeout_seconds=_TIMEOUT_SECONDS,
    ),
    _fault(
        name="data-key-breaks-off",
        title="The reply with a data key is cut off within its headers.",
        families=("replies", "pending_use"),
        filters=(on("generate_data_key", _silent("broken head")),),
    ),
    _fault(
        name="data-key-ends-after-its-head",
        title="The reply with a data key is cut off after its headers.",
        families=("replies", "pending_use"),
        requirements=frozenset({"reply.encoding", "reply.answered"}),
        filters=(on("generate_data_key", lambda reply: replace(reply, cut_after=0)),),
    ),
    _fault(
        name="field-that-is-a-list-hung-up-on",
        title="A request with a list as field value closes the connection without a reply.",
        dialects=(HUAWEI, AWS),
        families=("fuzzing",),
        filters=(where(_holds_a_list, _silent("closed")),),
    ),
)
