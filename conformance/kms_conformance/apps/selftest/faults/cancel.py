"""Faults of cancelling: it is accepted for keys that are not pending, ends in a wrong state, or changes other keys."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    ENABLED,
    PENDING,
    Mixin,
    accepting,
    answering,
    changing_others,
    changing_though_refused,
    doing,
    doing_nothing,
    refusing,
    showing,
    with_,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, BOTH, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on, on_refusal, saying, status, where
from kms_conformance.emulator import Decisions, Inbound, Key, Outbound, Rules, State

_fault = partial(Fault, fault_class="cancel", severity="critical", families=("cancel",))
_OTHER_ID = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"


class _AgainAccepted(Decisions):
    """Cancelling is accepted a second time on a key that is no longer pending."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._cancelled: set[str] = set()

    def refusal_for(self, operation: str, key: Key) -> str | None:
        found = super().refusal_for(operation, key)
        return None if operation == "cancel" and key.id in self._cancelled else found

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        # Only the key that was cancelled last is accepted again, and only until its state changes.
        if operation == "cancel":
            self._cancelled = {after.id}
        elif operation in {"enable", "disable", "schedule"}:
            self._cancelled.discard(after.id)
        return super().effects(operation, before, after, keys)


def _ending_in(state: State) -> Mixin:
    class EndingIn(Decisions):
        def state_after_cancel(self, key: Key) -> State:
            return state

    return EndingIn


class _DisabledForgotten(Decisions):
    """A key that was disabled before it was scheduled has a wrong state after the cancellation."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._before: dict[str, State] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self._before[after.id] = before.state
        return super().effects(operation, before, after, keys)

    def state_after_cancel(self, key: Key) -> State:
        wrong = ENABLED if self.rules.after_cancel is DISABLED else State.PENDING_IMPORT
        return wrong if self._before.get(key.id) is DISABLED else super().state_after_cancel(key)


def date_kept(before: Key, after: Key) -> Key:
    """The key `after` an operation, but with the deletion date that it had `before` the operation."""
    return replace(after, deletion=before.deletion, window_days=before.window_days)


def _sequence_sent(inbound: Inbound, outbound: Outbound) -> bool:
    return inbound.operation == "cancel" and outbound.refusal is None and "sequence" in inbound.parameters


class _NotWithSequence(Decisions):
    """A request with a sequence of the wrong length is answered with success, but has no effect."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._odd = False

    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        self._odd = found == "bad_sequence"
        return None if self._odd else super().parameter_problem(found, name, value)

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        odd, self._odd = self._odd, False
        return (before,) if odd else super().effects(operation, before, after, keys)


FAULTS = (
    _fault(
        name="cancel-accepted-when-enabled",
        title="Cancelling on an enabled key is answered with success.",
        requirements=frozenset({"cancel.not-pending.enabled"}),
        decisions=(accepting("cancel", ENABLED),),
    ),
    _fault(
        name="cancel-accepted-when-disabled",
        title="Cancelling on a disabled key is answered with success.",
        requirements=frozenset({"cancel.not-pending.disabled"}),
        decisions=(accepting("cancel", DISABLED),),
    ),
    _fault(
        name="cancel-accepted-twice",
        title="A repeated cancellation is answered with success.",
        severity="major",
        requirements=frozenset({"cancel.not-pending.cancelled"}),
        decisions=(_AgainAccepted,),
    ),
    _fault(
        name="cancel-accepted-in-silence",
        title="Cancelling on a key that is not pending is answered with success and changes nothing.",
        severity="major",
        requirements=frozenset({"cancel.not-pending.enabled", "cancel.not-pending.disabled"}),
        decisions=(
            accepting("cancel", ENABLED, DISABLED),
            doing("cancel", lambda before, after: after if before.state is PENDING else before),
        ),
    ),
    _fault(
        name="cancel-refused-but-disabled",
        title="Cancelling on an enabled key is refused, but disables it.",
        requirements=frozenset({"cancel.not-pending.enabled"}),
        decisions=(changing_though_refused({"not_pending"}, with_(state=DISABLED)),),
    ),
    _fault(
        name="cancel-refused-but-enabled",
        title="Cancelling on a disabled key is refused, but enables it.",
        requirements=frozenset({"cancel.not-pending.disabled"}),
        decisions=(changing_though_refused({"not_pending"}, with_(state=ENABLED)),),
    ),
    _fault(
        name="cancel-refused-but-scheduled",
        title="Cancelling on a key that is not pending is refused, but schedules it.",
        requirements=frozenset({"cancel.not-pending.enabled", "cancel.not-pending.disabled"}),
        decisions=(changing_though_refused({"not_pending"}, with_(state=PENDING)),),
    ),
    _fault(
        name="cancel-refused-wrong-code",
        title="Cancelling on a key that is not pending is refused with the code for another state.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.not-pending.enabled"}),
        decisions=(answering(400, "KMS.1402", "not_pending"),),
    ),
    _fault(
        name="cancel-refused-wrong-code",
        title="Cancelling on a key that is not pending is refused with the code for another state.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"cancel.not-pending.enabled"}),
        decisions=(answering(409, "Rejected.Disabled", "not_pending"),),
    ),
    _fault(
        name="cancel-refused-wrong-status",
        title="Cancelling on a key that is not pending is refused with 404.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.not-pending.enabled"}),
        decisions=(answering(404, "KMS.1501", "not_pending"),),
    ),
    _fault(
        name="cancel-refused-wrong-status",
        title="Cancelling on a key that is not pending is refused with 400 instead of 409.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"cancel.not-pending.enabled"}),
        decisions=(answering(400, "Rejected.StateModifiedFailed", "not_pending"),),
    ),
    _fault(
        name="cancel-always-refused",
        title="Cancelling is always refused.",
        requirements=frozenset({"cancel.effect"}),
        decisions=(refusing("cancel", "not_pending", PENDING),),
    ),
    _fault(
        name="cancel-does-nothing",
        title="Cancelling is answered with success, but the key stays pending.",
        requirements=frozenset({"cancel.effect"}),
        decisions=(doing_nothing("cancel"),),
    ),
    _fault(
        name="cancel-deletes",
        title="Cancelling deletes the key at once.",
        requirements=frozenset({"cancel.effect"}),
        decisions=(doing("cancel", lambda before, _: replace(before, deletion=before.created)),),
    ),
    _fault(
        name="cancel-ends-enabled",
        title="A key is enabled after its deletion was cancelled.",
        dialects=(HUAWEI, AWS),
        requirements=frozenset({"cancel.state-after"}),
        decisions=(_ending_in(ENABLED),),
    ),
    _fault(
        name="cancel-ends-disabled",
        title="A key is disabled after its deletion was cancelled.",
        severity="major",
        dialects=(ALIBABA,),
        requirements=frozenset({"cancel.state-after"}),
        decisions=(_ending_in(DISABLED),),
    ),
    _fault(
        name="cancel-ends-pending-import",
        title="A key is pending import after its deletion was cancelled.",
        dialects=(HUAWEI, AWS),
        requirements=frozenset({"cancel.state-after", "cancel.state-after.disabled"}),
        decisions=(_ending_in(State.PENDING_IMPORT),),
    ),
    _fault(
        name="cancel-ends-pending-import",
        title="A key is pending import after its deletion was cancelled.",
        dialects=(ALIBABA,),
        families=("isolation",),
        requirements=frozenset({"cancel.state-after.disabled"}),
        decisions=(_ending_in(State.PENDING_IMPORT),),
        # No operation changes the state pending import, so the run has no usable key left.
        exit_code=3,
    ),
    _fault(
        name="cancel-of-disabled-ends-enabled",
        title="A key that was disabled before scheduling is enabled after the cancellation.",
        dialects=(HUAWEI, AWS),
        requirements=frozenset({"cancel.state-after.disabled"}),
        decisions=(_DisabledForgotten,),
    ),
    _fault(
        name="cancel-of-disabled-ends-elsewhere",
        title="A key that was disabled before scheduling is pending import after the cancellation.",
        dialects=(ALIBABA,),
        requirements=frozenset({"cancel.state-after.disabled"}),
        decisions=(_DisabledForgotten,),
        # No operation changes the state pending import, so the run has no usable key left.
        exit_code=3,
    ),
    _fault(
        name="cancel-keeps-the-date",
        title="A key whose deletion was cancelled still shows its deletion date.",
        severity="major",
        dialects=BOTH,
        requirements=frozenset({"cancel.date-cleared"}),
        decisions=(doing("cancel", date_kept),),
        exit_code=0,
    ),
    _fault(
        name="cancel-changes-the-material",
        title="A key cannot decrypt its earlier ciphertexts after its deletion was cancelled.",
        requirements=frozenset({"cancel.usable-again"}),
        decisions=(doing("cancel", lambda _, after: replace(after, material=secrets.token_bytes(32))),),
    ),
    _fault(
        name="cancel-rescues-all-keys",
        title="Cancelling one key cancels the deletion of all others.",
        requirements=frozenset({"cancel.only-named-key"}),
        decisions=(changing_others("cancel", lambda key: key.state is PENDING, with_(state=DISABLED, deletion=None)),),
    ),
    _fault(
        name="cancel-enables-other-keys",
        title="Cancelling one key enables all disabled keys.",
        requirements=frozenset({"cancel.only-named-key", "isolation.other-keys"}),
        families=("isolation",),
        decisions=(changing_others("cancel", lambda key: key.state is DISABLED, with_(state=ENABLED)),),
    ),
    _fault(
        name="cancel-reply-says-pending",
        title="The reply to cancelling shows the previous state.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.reply-agrees"}),
        decisions=(showing({"cancel"}, with_(state=PENDING)),),
    ),
    _fault(
        name="cancel-reply-says-enabled",
        title="The reply to cancelling shows the state enabled, but the key is disabled.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.reply-agrees"}),
        decisions=(showing({"cancel"}, with_(state=ENABLED)),),
    ),
    _fault(
        name="cancel-reply-of-another-key",
        title="The reply to cancelling names another key.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.reply.key-id"}),
        filters=(on("cancel", field("key_id", lambda _: _OTHER_ID)),),
    ),
    _fault(
        name="cancel-reply-in-capitals",
        title="The reply to cancelling shows the key id in capitals.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.reply.key-id"}),
        filters=(on("cancel", field("key_id", str.upper)),),
    ),
    _fault(
        name="cancel-reply-with-undocumented-state",
        title="The reply to cancelling shows an undocumented state.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.reply.key-state"}),
        filters=(on("cancel", field("key_state", lambda _: "9")),),
    ),
    _fault(
        name="cancel-without-key-rescues-all",
        title="Cancelling without a key id is refused, but cancels the deletion of every key.",
        requirements=frozenset({"cancel.key-id.missing"}),
        decisions=(changing_though_refused({"missing_key"}, with_(state=ENABLED, deletion=None), "cancel"),),
    ),
    _fault(
        name="cancel-without-key-accepted",
        title="Cancelling without a key id is answered with success.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.key-id.missing"}),
        filters=(
            on_refusal(
                "missing_key",
                saying(lambda _: {"key_id": _OTHER_ID, "key_state": "3"}),
                status(200),
                operations="cancel",
            ),
        ),
    ),
    _fault(
        name="cancel-without-key-accepted",
        title="Cancelling without a key id is answered with success.",
        severity="major",
        dialects=(ALIBABA,),
        requirements=frozenset({"cancel.key-id.missing"}),
        filters=(
            on_refusal(
                "missing_key", saying(lambda value: {"RequestId": value["RequestId"]}), status(200), operations="cancel"
            ),
        ),
    ),
    _fault(
        name="cancel-of-no-text-accepted",
        title="Cancelling with a key id that is no string is answered with success.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.key-id.type"}),
        filters=(on_refusal("wrong_key_type", saying(lambda _: {"key_id": _OTHER_ID, "key_state": "3"}), status(200)),),
    ),
    _fault(
        name="cancel-of-no-text-fails",
        title="A key id that is no string causes an internal error.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.key-id.type", "reply.no-server-error"}),
        decisions=(answering(500, "KMS.0105", "wrong_key_type"),),
    ),
    _fault(
        name="cancel-refuses-sequences",
        title="Requests with a sequence are refused.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.sequence"}),
        filters=(
            where(
                _sequence_sent,
                saying(lambda _: {"error": {"error_code": "KMS.0206", "error_msg": "no sequences here"}}),
                status(400),
            ),
        ),
    ),
    _fault(
        name="cancel-odd-sequence-fails",
        title="A sequence of the wrong length causes an internal error.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.bad-sequence", "reply.no-server-error"}),
        decisions=(answering(500, "KMS.0105", "bad_sequence"),),
    ),
    _fault(
        name="cancel-odd-sequence-does-nothing",
        title="Cancelling with a sequence of the wrong length is answered with success, but has no effect.",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.bad-sequence"}),
        decisions=(_NotWithSequence,),
        exit_code=0,
    ),
)
