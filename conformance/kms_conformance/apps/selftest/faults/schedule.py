"""Faults of scheduling: done twice, not done, done to others, or said to be something else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    ENABLED,
    PENDING,
    accepting,
    answering,
    changing_others,
    changing_though_refused,
    doing,
    doing_nothing,
    refusing,
    showing,
    visible,
    with_,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on, on_refusal, saying, status
from kms_conformance.emulator import Key

_fault = partial(Fault, fault_class="schedule", severity="critical", families=("schedule",))
_OTHER_ID = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"


def _a_day_later(key: Key) -> Key:
    return key if key.deletion is None else replace(key, deletion=key.deletion + timedelta(days=1))


def _a_day_earlier(key: Key) -> Key:
    return key if key.deletion is None else replace(key, deletion=key.deletion - timedelta(days=1))


FAULTS = (
    _fault(
        name="schedule-twice-accepted",
        title="A pending key can be scheduled again, which moves its date.",
        requirements=frozenset({"schedule.twice"}),
        decisions=(accepting("schedule", PENDING),),
    ),
    _fault(
        name="schedule-twice-accepted-in-silence",
        title="Scheduling a pending key again is answered like the first time, and changes nothing.",
        severity="minor",
        requirements=frozenset({"schedule.twice"}),
        decisions=(
            accepting("schedule", PENDING),
            doing("schedule", lambda before, after: before if before.state is PENDING else after),
        ),
    ),
    _fault(
        name="schedule-twice-refused-but-date-later",
        title="Scheduling a pending key again is refused, and its date moves a day ahead.",
        requirements=frozenset({"schedule.twice", "refused.changes-nothing"}),
        decisions=(changing_though_refused({"already_pending"}, _a_day_later),),
    ),
    _fault(
        name="schedule-twice-refused-but-date-earlier",
        title="Scheduling a pending key again is refused, and it dies a day earlier.",
        requirements=frozenset({"schedule.twice", "refused.changes-nothing"}),
        decisions=(changing_though_refused({"already_pending"}, _a_day_earlier),),
    ),
    _fault(
        name="schedule-twice-refused-but-cancelled",
        title="Scheduling a pending key again is refused, and takes the deletion back.",
        requirements=frozenset({"schedule.twice", "refused.changes-nothing"}),
        decisions=(changing_though_refused({"already_pending"}, with_(state=ENABLED, deletion=None)),),
    ),
    _fault(
        name="schedule-twice-wrong-code",
        title="Scheduling a pending key again is refused as a use of it.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"schedule.twice"}),
        decisions=(answering(400, "KMS.0210", "already_pending"),),
    ),
    _fault(
        name="schedule-twice-wrong-code",
        title="Scheduling a pending key again is refused as a use of it.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.twice"}),
        decisions=(answering(409, "Rejected.PendingDeletion", "already_pending"),),
    ),
    _fault(
        name="schedule-twice-wrong-status",
        title="Scheduling a pending key again is refused as a bad request, not as a conflict.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.twice"}),
        decisions=(answering(400, "Rejected.StateModifiedFailed", "already_pending"),),
    ),
    _fault(
        name="schedule-does-nothing",
        title="Scheduling is answered as done, and the key stays as it was.",
        requirements=frozenset({"schedule.from-enabled", "schedule.state-after"}),
        decisions=(doing_nothing("schedule"),),
        why_more="Every check that schedules a key reads back that nothing came of it.",
    ),
    _fault(
        name="schedule-only-disables",
        title="Scheduling disables the key and gives it no date.",
        requirements=frozenset({"schedule.state-after"}),
        decisions=(doing("schedule", lambda before, _: replace(before, state=DISABLED)),),
    ),
    _fault(
        name="schedule-deletes-at-once",
        title="Scheduling deletes the key without any waiting period.",
        requirements=frozenset({"schedule.not-immediate"}),
        decisions=(visible(lambda _key, _now: False),),
    ),
    _fault(
        name="schedule-refuses-enabled-keys",
        title="Only a disabled key can be scheduled.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"schedule.from-enabled"}),
        decisions=(refusing("schedule", "not_disabled", ENABLED),),
    ),
    _fault(
        name="schedule-refuses-enabled-keys",
        title="Only a disabled key can be scheduled.",
        severity="major",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.from-enabled"}),
        decisions=(refusing("schedule", "state_refused", ENABLED),),
    ),
    _fault(
        name="schedule-refuses-disabled-keys",
        title="A disabled key cannot be scheduled.",
        severity="major",
        requirements=frozenset({"schedule.from-disabled"}),
        decisions=(refusing("schedule", "key_disabled", DISABLED),),
    ),
    _fault(
        name="schedule-takes-another-key-along",
        title="Scheduling one key schedules all enabled ones.",
        requirements=frozenset({"schedule.only-named-key"}),
        decisions=(changing_others("schedule", lambda key: key.state is ENABLED, with_(state=PENDING)),),
    ),
    _fault(
        name="schedule-disables-other-keys",
        title="Scheduling one key disables all others that are enabled.",
        severity="critical",
        requirements=frozenset({"schedule.only-named-key"}),
        decisions=(changing_others("schedule", lambda key: key.state is ENABLED, with_(state=DISABLED)),),
    ),
    _fault(
        name="schedule-clears-other-descriptions",
        title="Scheduling one key empties the descriptions of others.",
        severity="major",
        requirements=frozenset({"schedule.only-named-key"}),
        decisions=(changing_others("schedule", lambda _: True, with_(description="")),),
    ),
    _fault(
        name="schedule-without-key-accepted",
        title="Scheduling without a key id is answered as done.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"schedule.key-id.missing"}),
        filters=(
            on_refusal(
                "missing_key",
                saying(lambda _: {"key_id": _OTHER_ID, "key_state": "4"}),
                status(200),
                operations="schedule",
            ),
        ),
    ),
    _fault(
        name="schedule-without-key-accepted",
        title="Scheduling without a key id is answered as done.",
        severity="major",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.key-id.missing"}),
        filters=(
            on_refusal(
                "missing_key",
                saying(lambda value: {"RequestId": value["RequestId"]}),
                status(200),
                operations="schedule",
            ),
        ),
    ),
    _fault(
        name="schedule-without-key-schedules-all",
        title="Scheduling without a key id is refused, and schedules every key there is.",
        requirements=frozenset({"schedule.key-id.missing"}),
        decisions=(changing_though_refused({"missing_key"}, with_(state=PENDING), "schedule"),),
    ),
    _fault(
        name="schedule-reply-says-enabled",
        title="The reply to scheduling gives the state from before.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"schedule.reply-agrees"}),
        decisions=(showing({"schedule"}, with_(state=ENABLED)),),
    ),
    _fault(
        name="schedule-reply-of-another-key",
        title="The reply to scheduling names another key.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"schedule.reply.key-id"}),
        filters=(on("schedule", field("key_id", lambda _: _OTHER_ID)),),
    ),
    _fault(
        name="schedule-loses-the-description",
        title="A key that is scheduled loses its description.",
        severity="minor",
        requirements=frozenset({"lifecycle.sequence"}),
        families=("lifecycle",),
        decisions=(doing("schedule", lambda _, after: replace(after, description="")),),
    ),
    _fault(
        name="schedule-ignores-protection",
        title="A key under deletion protection can be scheduled.",
        dialects=(ALIBABA,),
        requirements=frozenset({"protection.refuses-schedule"}),
        exit_code=0,
        decisions=(accepting("schedule", ENABLED, DISABLED),),
    ),
    _fault(
        name="schedule-protected-refused-but-done",
        title="A key under deletion protection is refused, and is pending all the same.",
        dialects=(ALIBABA,),
        requirements=frozenset({"protection.refuses-schedule"}),
        exit_code=0,
        decisions=(changing_though_refused({"deletion_protected"}, with_(state=PENDING)),),
    ),
)
