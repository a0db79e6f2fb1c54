"""Faults of deletion dates: a date is computed wrongly, or shown in a wrong format."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import Mixin, dating, showing
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, BOTH, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on, renamed, without
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.emulator import Key

_START: frozenset[RequirementId] = frozenset({"schedule.window.start"})
_fault = partial(Fault, fault_class="dates", severity="major", families=("window",), requirements=_START)


def _shown(by: timedelta) -> Mixin:
    """Describing and listing show a deletion date that is wrong by `by`; the key is deleted on the correct date."""

    def shift(key: Key) -> Key:
        return key if key.deletion is None else replace(key, deletion=key.deletion + by)

    return showing({"describe", "list"}, shift)


def _created(key: Key, by: timedelta) -> Key:
    return replace(key, created=key.created + by)


def _midnight_before(now: datetime, days: int) -> datetime:
    return (now + timedelta(days=days)).replace(hour=0, minute=0, second=0)


FAULTS = (
    _fault(
        name="window-in-hours",
        title="The window is counted in hours.",
        severity="critical",
        families=("window", "waiting_period"),
        requirements=frozenset({"schedule.window.start", "expiry.not-early"}),
        decisions=(dating(lambda now, days: now + timedelta(hours=days)),),
    ),
    _fault(
        name="window-in-weeks",
        title="The window is counted in weeks.",
        decisions=(dating(lambda now, days: now + timedelta(weeks=days)),),
    ),
    _fault(
        name="window-always-the-smallest",
        title="Every window is replaced by the minimum.",
        severity="critical",
        decisions=(dating(lambda now, _: now + timedelta(days=7)),),
    ),
    _fault(
        name="date-a-day-early",
        title="The deletion date is a day early.",
        severity="critical",
        decisions=(dating(lambda now, days: now + timedelta(days=days - 1)),),
    ),
    _fault(
        name="date-a-day-late",
        title="The deletion date is a day late.",
        dialects=BOTH,
        decisions=(dating(lambda now, days: now + timedelta(days=days + 1)),),
    ),
    _fault(
        name="date-an-hour-early",
        title="The deletion date is an hour early, as with wrong daylight saving time.",
        severity="critical",
        decisions=(dating(lambda now, days: now + timedelta(days=days, hours=-1)),),
    ),
    _fault(
        name="date-cut-to-the-day",
        title="The deletion date is rounded down to midnight.",
        severity="critical",
        decisions=(dating(_midnight_before),),
    ),
    _fault(
        name="date-in-local-time",
        title="The shown date is in a time zone eight hours ahead, but marked as UTC.",
        dialects=BOTH,
        decisions=(_shown(timedelta(hours=8)),),
    ),
    _fault(
        name="date-in-local-time-behind",
        title="The shown date is in a time zone five hours behind, but marked as UTC.",
        decisions=(_shown(timedelta(hours=-5)),),
    ),
    _fault(
        name="date-shown-a-day-early",
        title="The shown date is a day before the key is gone.",
        decisions=(_shown(timedelta(days=-1)),),
    ),
    _fault(
        name="date-of-the-request",
        title="The shown date is the creation date of the key.",
        decisions=(
            showing({"describe"}, lambda key: key if key.deletion is None else replace(key, deletion=key.created)),
        ),
    ),
    _fault(
        name="date-in-seconds",
        title="The date is in seconds instead of milliseconds.",
        dialects=(HUAWEI,),
        requirements=frozenset({"describe.reply", "schedule.window.start"}),
        filters=(on("describe", field("key_info.scheduled_deletion_date", lambda text: text[:10])),),
    ),
    _fault(
        name="date-is-a-number",
        title="The date is a number instead of a string.",
        dialects=(HUAWEI,),
        severity="minor",
        requirements=frozenset({"describe.reply"}),
        filters=(on("describe", field("key_info.scheduled_deletion_date", lambda text: int(text) if text else 0)),),
    ),
    _fault(
        name="date-is-written-out",
        title="The date is in ISO 8601 format instead of milliseconds.",
        dialects=(HUAWEI,),
        severity="minor",
        requirements=frozenset({"describe.reply"}),
        filters=(on("describe", field("key_info.scheduled_deletion_date", lambda t: t and "2026-01-01T00:00:00Z")),),
    ),
    _fault(
        name="date-missing",
        title="A pending key shows no deletion date.",
        dialects=(HUAWEI,),
        filters=(on("describe", field("key_info.scheduled_deletion_date", lambda _: "")),),
    ),
    _fault(
        name="date-missing",
        title="A pending key shows no deletion date.",
        dialects=(ALIBABA,),
        filters=(on("describe", without("KeyMetadata.DeleteDate")),),
    ),
    _fault(
        name="date-in-milliseconds",
        title="The date is in milliseconds instead of ISO 8601 format.",
        dialects=(ALIBABA,),
        filters=(on("describe", field("KeyMetadata.DeleteDate", lambda _: "1767225600000")),),
    ),
    _fault(
        name="date-without-zone",
        title="The date has no time zone.",
        dialects=(ALIBABA,),
        severity="minor",
        filters=(on("describe", field("KeyMetadata.DeleteDate", lambda text: text.removesuffix("Z"))),),
    ),
    _fault(
        name="date-with-offset",
        title="The date is correct, but has an offset instead of Z.",
        dialects=(ALIBABA,),
        severity="minor",
        filters=(on("describe", field("KeyMetadata.DeleteDate", lambda text: text.replace("Z", "+00:00"))),),
    ),
    _fault(
        name="date-under-another-name",
        title="The date field has the name of another dialect.",
        dialects=(ALIBABA,),
        filters=(on("describe", renamed("KeyMetadata.DeleteDate", "DeletionDate")),),
    ),
    _fault(
        name="date-a-day-late",
        title="The deletion date is a day late.",
        dialects=(AWS,),
        requirements=frozenset({"schedule.window.exact"}),
        decisions=(dating(lambda now, days: now + timedelta(days=days + 1)),),
        exit_code=0,
    ),
    _fault(
        name="date-in-local-time",
        title="The shown date is in a time zone eight hours ahead, but marked as UTC.",
        dialects=(AWS,),
        # The reply to ScheduleKeyDeletion shows the correct date, so it disagrees with the reply to DescribeKey.
        requirements=frozenset({"schedule.reply.date"}),
        families=("window", "agreement"),
        decisions=(_shown(timedelta(hours=8)),),
    ),
    _fault(
        name="date-two-days-late",
        title="The deletion date is two days late.",
        dialects=(AWS,),
        decisions=(dating(lambda now, days: now + timedelta(days=days + 2)),),
    ),
    *(
        _fault(
            name=f"creation-date-{name}",
            title=f"The creation date is in a time zone five and a half hours {name}, but marked as UTC.",
            dialects=(AWS,),
            requirements=frozenset({"create.date"}),
            families=("entry",),
            decisions=(showing({"create", "describe"}, partial(_created, by=timedelta(hours=hours))),),
        )
        for name, hours in (("ahead", 5.5), ("behind", -5.5))
    ),
    _fault(
        name="date-missing",
        title="A pending key shows no deletion date.",
        dialects=(AWS,),
        requirements=frozenset({"describe.date-agrees", "schedule.window.start"}),
        filters=(on("describe", without("KeyMetadata.DeletionDate")),),
    ),
    _fault(
        name="date-in-milliseconds",
        title="The date is in milliseconds instead of seconds.",
        dialects=(AWS,),
        filters=(on("describe", field("KeyMetadata.DeletionDate", lambda date: date * 1000)),),
    ),
    _fault(
        name="date-is-written-out",
        title="The date is in ISO 8601 format instead of seconds.",
        dialects=(AWS,),
        severity="minor",
        requirements=frozenset({"describe.reply", "describe.date-agrees"}),
        filters=(on("describe", field("KeyMetadata.DeletionDate", lambda _: "2026-01-01T00:00:00Z")),),
    ),
    _fault(
        name="enabled-does-not-agree",
        title="The field Enabled is true in every state.",
        dialects=(AWS,),
        requirements=frozenset({"describe.enabled-agrees"}),
        families=("agreement",),
        filters=(on("describe", field("KeyMetadata.Enabled", lambda _: True)),),
    ),
)
