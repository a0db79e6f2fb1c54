"""Faults of scheduling and cancelling in the dialect `aws`, whose replies name keys by ARN and errors by type."""

from __future__ import annotations

from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import ENABLED, answering, doing, refusing, showing, with_
from kms_conformance.apps.selftest.deviation import AWS, Fault
from kms_conformance.apps.selftest.faults.cancel import date_kept
from kms_conformance.apps.selftest.reply_mutations import field, on, on_refusal, saying, status
from kms_conformance.emulator import Decisions

_schedule = partial(Fault, fault_class="schedule", severity="critical", families=("schedule",))
_cancel = partial(Fault, fault_class="cancel", severity="critical", families=("cancel",))
_OTHER_ID = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
_OTHER_ARN = f"arn:aws:kms:us-east-1:111122223333:key/{_OTHER_ID}"
_CANCELLED = {"KeyId": _OTHER_ARN}
_SCHEDULED = {
    "KeyId": _OTHER_ARN,
    "KeyState": "PendingDeletion",
    "DeletionDate": 1800000000.0,
    "PendingWindowInDays": 7,
}


class _AliasesNameKeys(Decisions):
    """Every operation accepts an alias where the documents require a key id or a key ARN."""

    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        return None if found == "alias_as_key" else super().parameter_problem(found, name, value)


FAULTS = (
    _schedule(
        name="schedule-twice-wrong-code",
        title="Scheduling a pending key again is refused with the code for its use.",
        severity="minor",
        dialects=(AWS,),
        requirements=frozenset({"schedule.twice"}),
        decisions=(answering(400, "DisabledException", "already_pending"),),
    ),
    _schedule(
        name="schedule-refuses-enabled-keys",
        title="Enabled keys cannot be scheduled.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"schedule.from-enabled"}),
        decisions=(refusing("schedule", "pending_manage", ENABLED),),
    ),
    _schedule(
        name="schedule-reply-by-id",
        title="The reply to scheduling contains the key id instead of the documented ARN.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"schedule.reply.key-id"}),
        filters=(on("schedule", field("KeyId", lambda arn: arn.rpartition("/")[2])),),
    ),
    _schedule(
        name="schedule-reply-of-another-key",
        title="The reply to scheduling names another key.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"schedule.reply.key-id"}),
        filters=(on("schedule", field("KeyId", lambda arn: f"{arn.rpartition('/')[0]}/{_OTHER_ID}")),),
    ),
    _schedule(
        name="schedule-reply-says-enabled",
        title="The reply to scheduling shows the previous state.",
        severity="minor",
        dialects=(AWS,),
        requirements=frozenset({"schedule.reply-agrees"}),
        decisions=(showing({"schedule"}, with_(state=ENABLED)),),
    ),
    _schedule(
        name="schedule-reply-of-another-date",
        title="The reply to scheduling shows another date than DescribeKey.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"schedule.reply.date"}),
        families=("agreement",),
        filters=(on("schedule", field("DeletionDate", lambda date: date + 3600)),),
    ),
    _schedule(
        name="schedule-reply-of-another-window",
        title="The reply to scheduling shows another window than requested.",
        severity="minor",
        dialects=(AWS,),
        requirements=frozenset({"schedule.reply.window"}),
        families=("agreement",),
        filters=(on("schedule", field("PendingWindowInDays", lambda _: 30)),),
        exit_code=0,
    ),
    _schedule(
        name="schedule-without-key-accepted",
        title="Scheduling without a key id is answered with success.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"schedule.key-id.missing"}),
        filters=(on_refusal("missing_key", saying(lambda _: _SCHEDULED), status(200), operations="schedule"),),
    ),
    _schedule(
        name="schedule-by-alias",
        title="A key can be scheduled by its alias.",
        dialects=(AWS,),
        requirements=frozenset({"schedule.key-id.alias"}),
        families=("names",),
        decisions=(_AliasesNameKeys,),
    ),
    _cancel(
        name="cancel-refused-wrong-code",
        title="Cancelling on a key that is not pending is refused with the code for another state.",
        severity="minor",
        dialects=(AWS,),
        requirements=frozenset({"cancel.not-pending.enabled"}),
        decisions=(answering(400, "DisabledException", "not_pending"),),
    ),
    _cancel(
        name="cancel-refused-wrong-status",
        title="Cancelling on a key that is not pending is refused with 404.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"cancel.not-pending.enabled"}),
        decisions=(answering(404, "KMSInvalidStateException", "not_pending"),),
    ),
    _cancel(
        name="cancel-keeps-the-date",
        title="A key whose deletion was cancelled still shows its deletion date.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"cancel.date-cleared", "describe.date-agrees"}),
        decisions=(doing("cancel", date_kept),),
    ),
    _cancel(
        name="cancel-reply-by-id",
        title="The reply to cancelling contains the key id instead of the documented ARN.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"cancel.reply.key-id"}),
        filters=(on("cancel", field("KeyId", lambda arn: arn.rpartition("/")[2])),),
    ),
    _cancel(
        name="cancel-reply-of-another-key",
        title="The reply to cancelling names another key.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"cancel.reply.key-id"}),
        filters=(on("cancel", field("KeyId", lambda arn: f"{arn.rpartition('/')[0]}/{_OTHER_ID}")),),
    ),
    _cancel(
        name="cancel-without-key-accepted",
        title="Cancelling without a key id is answered with success.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"cancel.key-id.missing"}),
        filters=(on_refusal("missing_key", saying(lambda _: _CANCELLED), status(200), operations="cancel"),),
    ),
    _cancel(
        name="cancel-of-no-text-accepted",
        title="Cancelling with a key id that is no string is answered with success.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"cancel.key-id.type"}),
        filters=(on_refusal("wrong_key_type", saying(lambda _: _CANCELLED), status(200)),),
    ),
    _cancel(
        name="cancel-of-no-text-fails",
        title="A key id that is no string causes an internal error.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"cancel.key-id.type", "reply.no-server-error"}),
        decisions=(answering(500, "KMSInternalException", "wrong_key_type"),),
    ),
)
