"""Faults of scheduling: it is accepted twice, has no effect, changes other keys, or has a wrong reply."""

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
        title="A pending key can be scheduled again, which changes its deletion date.",
        requirements=frozenset({"schedule.twice"}),
        decisions=(accepting("schedule", PENDING),),
    ),
    _fault(
        name="schedule-twice-accepted-in-silence",
        title="Scheduling a pending key again is answered with success and changes nothing.",
        severity="minor",
        requirements=frozenset({"schedule.twice"}),
        decisions=(
            accepting("schedule", PENDING),
            doing("schedule", lambda before, after: before if before.state is PENDING else after),
        ),
    ),
    _fault(
        name="schedule-twice-refused-but-date-later",
        title="Scheduling a pending key again is refused, but moves its deletion date a day later.",
        requirements=frozenset({"schedule.twice", "refused.changes-nothing"}),
        decisions=(changing_though_refused({"already_pending"}, _a_day_later),),
    ),
    _fault(
        name="schedule-twice-refused-but-date-earlier",
        title="Scheduling a pending key again is refused, but moves its deletion date a day earlier.",
        requirements=frozenset({"schedule.twice", "refused.changes-nothing"}),
        decisions=(changing_though_refused({"already_pending"}, _a_day_earlier),),
    ),
    _fault(
        name="schedule-twice-refused-but-cancelled",
        title="Scheduling a pending key again is refused, but cancels the deletion.",
        requirements=frozenset({"schedule.twice", "refused.changes-nothing"}),
        decisions=(changing_though_refused({"already_pending"}, with_(state=ENABLED, deletion=None)),),
    ),
    _fault(
        name="schedule-twice-wrong-code",
        title="Scheduling a pending key again is refused with the code for its use.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"schedule.twice"}),
        decisions=(answering(400, "KMS.0210", "already_pending"),),
    ),
    _fault(
        name="schedule-twice-wrong-code",
        title="Scheduling a pending key again is refused with the code for its use.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.twice"}),
        decisions=(answering(409, "Rejected.PendingDeletion", "already_pending"),),
    ),
    _fault(
        name="schedule-twice-wrong-status",
        title="Scheduling a pending key again is refused with 400 instead of 409.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.twice"}),
        decisions=(answering(400, "Rejected.StateModifiedFailed", "already_pending"),),
    ),
    _fault(
        name="schedule-does-nothing",
        title="Scheduling is answered with success, but has no effect.",
        requirements=frozenset({"schedule.from-enabled", "schedule.state-after"}),
        decisions=(doing_nothing("schedule"),),
        why_more="Every check that schedules a key reads its state afterwards.",
    ),
    _fault(
        name="schedule-only-disables",
        title="Scheduling only disables the key, without a deletion date.",
        requirements=frozenset({"schedule.state-after"}),
        decisions=(doing("schedule", lambda before, _: replace(before, state=DISABLED)),),
    ),
    _fault(
        name="schedule-deletes-at-once",
        title="Scheduling deletes the key at once, without a waiting period.",
        requirements=frozenset({"schedule.not-immediate"}),
        decisions=(visible(lambda _key, _now: False),),
    ),
    _fault(
        name="schedule-refuses-enabled-keys",
        title="Enabled keys cannot be scheduled.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"schedule.from-enabled"}),
        decisions=(refusing("schedule", "not_disabled", ENABLED),),
    ),
    _fault(
        name="schedule-refuses-enabled-keys",
        title="Enabled keys cannot be scheduled.",
        severity="major",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.from-enabled"}),
        decisions=(refusing("schedule", "state_refused", ENABLED),),
    ),
    _fault(
        name="schedule-refuses-disabled-keys",
        title="Disabled keys cannot be scheduled.",
        severity="major",
        requirements=frozenset({"schedule.from-disabled"}),
        decisions=(refusing("schedule", "key_disabled", DISABLED),),
    ),
    _fault(
        name="schedule-takes-another-key-along",
        title="Scheduling one key also schedules all enabled keys.",
        requirements=frozenset({"schedule.only-named-key"}),
        decisions=(changing_others("schedule", lambda key: key.state is ENABLED, with_(state=PENDING)),),
        why_more="The other key is one that another check has made ready.",
    ),
    _fault(
        name="schedule-disables-other-keys",
        title="Scheduling one key disables all other keys.",
        severity="critical",
        requirements=frozenset({"schedule.only-named-key"}),
        decisions=(changing_others("schedule", lambda key: key.state is ENABLED, with_(state=DISABLED)),),
    ),
    _fault(
        name="schedule-clears-other-descriptions",
        title="Scheduling one key clears the descriptions of all others.",
        severity="major",
        requirements=frozenset({"schedule.only-named-key"}),
        decisions=(changing_others("schedule", lambda _: True, with_(description="")),),
    ),
    _fault(
        name="schedule-without-key-accepted",
        title="Scheduling without a key id is answered with success.",
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
        title="Scheduling without a key id is answered with success.",
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
        title="Scheduling without a key id is refused, but schedules every key.",
        requirements=frozenset({"schedule.key-id.missing"}),
        decisions=(changing_though_refused({"missing_key"}, with_(state=PENDING), "schedule"),),
    ),
    _fault(
        name="schedule-reply-says-enabled",
        title="The reply to scheduling shows the previous state.",
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
        title="Scheduling clears the description of the key.",
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
        title="Scheduling a key under deletion protection is refused, but carried out.",
        dialects=(ALIBABA,),
        requirements=frozenset({"protection.refuses-schedule"}),
        exit_code=0,
        decisions=(changing_though_refused({"deletion_protected"}, with_(state=PENDING)),),
    ),
)
