"""Faults of deletion dates: reckoned or written wrongly."""

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
    """Only what is told of the date is off: the key dies when it should."""

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
        title="The window counts in hours.",
        severity="critical",
        families=("window", "waiting_period"),
        requirements=frozenset({"schedule.window.start", "expiry.not-early"}),
        decisions=(dating(lambda now, days: now + timedelta(hours=days)),),
    ),
    _fault(
        name="window-in-weeks",
        title="The window counts in weeks.",
        decisions=(dating(lambda now, days: now + timedelta(weeks=days)),),
    ),
    _fault(
        name="window-always-the-smallest",
        title="Whatever window is asked for, the smallest one applies.",
        severity="critical",
        decisions=(dating(lambda now, _: now + timedelta(days=7)),),
    ),
    _fault(
        name="date-a-day-early",
        title="The key is gone a day before its window ends, and says so.",
        severity="critical",
        decisions=(dating(lambda now, days: now + timedelta(days=days - 1)),),
    ),
    _fault(
        name="date-a-day-late",
        title="The key is gone a day after its window has ended, and says so.",
        dialects=BOTH,
        decisions=(dating(lambda now, days: now + timedelta(days=days + 1)),),
    ),
    _fault(
        name="date-an-hour-early",
        title="The key is gone an hour before its window ends, as one in summer time.",
        severity="critical",
        decisions=(dating(lambda now, days: now + timedelta(days=days, hours=-1)),),
    ),
    _fault(
        name="date-cut-to-the-day",
        title="The key is gone at the midnight before its window ends.",
        severity="critical",
        decisions=(dating(_midnight_before),),
    ),
    _fault(
        name="date-in-local-time",
        title="The date that is shown is that of a clock eight hours ahead, called UTC.",
        dialects=BOTH,
        decisions=(_shown(timedelta(hours=8)),),
    ),
    _fault(
        name="date-in-local-time-behind",
        title="The date that is shown is that of a clock five hours behind, called UTC.",
        decisions=(_shown(timedelta(hours=-5)),),
    ),
    _fault(
        name="date-shown-a-day-early",
        title="The date that is shown is a day before the key is gone.",
        decisions=(_shown(timedelta(days=-1)),),
    ),
    _fault(
        name="date-of-the-request",
        title="The date that is shown is that of the request.",
        decisions=(
            showing({"describe"}, lambda key: key if key.deletion is None else replace(key, deletion=key.created)),
        ),
    ),
    _fault(
        name="date-in-seconds",
        title="The date is in seconds where milliseconds are meant.",
        dialects=(HUAWEI,),
        requirements=frozenset({"describe.reply", "schedule.window.start"}),
        filters=(on("describe", field("key_info.scheduled_deletion_date", lambda text: text[:10])),),
    ),
    _fault(
        name="date-is-a-number",
        title="The date is a number where a text is documented.",
        dialects=(HUAWEI,),
        severity="minor",
        requirements=frozenset({"describe.reply"}),
        filters=(on("describe", field("key_info.scheduled_deletion_date", lambda text: int(text) if text else 0)),),
    ),
    _fault(
        name="date-is-written-out",
        title="The date is an ISO date where milliseconds are documented.",
        dialects=(HUAWEI,),
        severity="minor",
        requirements=frozenset({"describe.reply"}),
        filters=(on("describe", field("key_info.scheduled_deletion_date", lambda t: t and "2026-01-01T00:00:00Z")),),
    ),
    _fault(
        name="date-missing",
        title="A pending key shows no date.",
        dialects=(HUAWEI,),
        filters=(on("describe", field("key_info.scheduled_deletion_date", lambda _: "")),),
    ),
    _fault(
        name="date-missing",
        title="A pending key shows no date.",
        dialects=(ALIBABA,),
        filters=(on("describe", without("KeyMetadata.DeleteDate")),),
    ),
    _fault(
        name="date-in-milliseconds",
        title="The date is in milliseconds where an ISO date is documented.",
        dialects=(ALIBABA,),
        filters=(on("describe", field("KeyMetadata.DeleteDate", lambda _: "1767225600000")),),
    ),
    _fault(
        name="date-without-zone",
        title="The date does not say that it is UTC.",
        dialects=(ALIBABA,),
        severity="minor",
        filters=(on("describe", field("KeyMetadata.DeleteDate", lambda text: text.removesuffix("Z"))),),
    ),
    _fault(
        name="date-with-offset",
        title="The date is right and written with an offset.",
        dialects=(ALIBABA,),
        severity="minor",
        filters=(on("describe", field("KeyMetadata.DeleteDate", lambda text: text.replace("Z", "+00:00"))),),
    ),
    _fault(
        name="date-under-another-name",
        title="The date has the name that another cloud gives it.",
        dialects=(ALIBABA,),
        filters=(on("describe", renamed("KeyMetadata.DeleteDate", "DeletionDate")),),
    ),
    _fault(
        name="date-a-day-late",
        title="The key is gone a day after its window has ended, and says so.",
        dialects=(AWS,),
        requirements=frozenset({"schedule.window.exact"}),
        decisions=(dating(lambda now, days: now + timedelta(days=days + 1)),),
        exit_code=0,
    ),
    _fault(
        name="date-in-local-time",
        title="The date that is shown is that of a clock eight hours ahead, called UTC.",
        dialects=(AWS,),
        # The reply to ScheduleKeyDeletion tells the right date, so that the two disagree.
        requirements=frozenset({"schedule.reply.date"}),
        decisions=(_shown(timedelta(hours=8)),),
    ),
    _fault(
        name="date-two-days-late",
        title="The key is gone two days after its window has ended, and says so.",
        dialects=(AWS,),
        decisions=(dating(lambda now, days: now + timedelta(days=days + 2)),),
    ),
    *(
        _fault(
            name=f"creation-date-{name}",
            title=f"The creation date is that of a clock five and a half hours {name}, called UTC.",
            dialects=(AWS,),
            requirements=frozenset({"create.date"}),
            families=("entry",),
            decisions=(showing({"create", "describe"}, partial(_created, by=timedelta(hours=hours))),),
        )
        for name, hours in (("ahead", 5.5), ("behind", -5.5))
    ),
    _fault(
        name="date-missing",
        title="A pending key shows no date.",
        dialects=(AWS,),
        requirements=frozenset({"describe.date-agrees", "schedule.window.start"}),
        filters=(on("describe", without("KeyMetadata.DeletionDate")),),
    ),
    _fault(
        name="date-in-milliseconds",
        title="The date is in milliseconds where seconds are documented.",
        dialects=(AWS,),
        filters=(on("describe", field("KeyMetadata.DeletionDate", lambda date: date * 1000)),),
    ),
    _fault(
        name="date-is-written-out",
        title="The date is an ISO date where seconds are documented.",
        dialects=(AWS,),
        severity="minor",
        requirements=frozenset({"describe.reply", "describe.date-agrees"}),
        filters=(on("describe", field("KeyMetadata.DeletionDate", lambda _: "2026-01-01T00:00:00Z")),),
    ),
    _fault(
        name="enabled-does-not-agree",
        title="Enabled is true whatever the state.",
        dialects=(AWS,),
        requirements=frozenset({"describe.enabled-agrees"}),
        families=("agreement",),
        filters=(on("describe", field("KeyMetadata.Enabled", lambda _: True)),),
    ),
)
