"""Deliberate faults that only an odd request meets are found, and told as what they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

import pytest

from kms_conformance.apps.selftest.behaviour_mutations import inventing
from kms_conformance.emulator import Decisions, Filter, Inbound, Key, Outbound, State
from kms_conformance.emulator.messages import reply


def _on(operation: str, odd, change) -> Filter:
    def apply(inbound: Inbound, outbound: Outbound) -> Outbound:
        return change(outbound) if inbound.operation == operation and odd(inbound) else outbound

    return apply


def _crash(outbound: Outbound) -> Outbound:
    return reply(500, outbound.headers, {"error": {"error_code": "KMS.0101", "error_msg": "oops"}}, outbound.encode)


def _no_text(name: str):
    return lambda inbound: name in inbound.parameters and not isinstance(inbound.parameters[name], str)


def _twice(name: str):
    return lambda inbound: inbound.target.count(f"{name}=") > 1


def _any(_: Inbound) -> bool:
    return True


def _refused_as(change):
    return lambda outbound: change(outbound) if outbound.status >= 400 else outbound


WIRE = {
    "500 for a key id that is a list": (
        "huawei",
        _on("cancel", _no_text("key_id"), _crash),
        "cancel",
        "reply.no-server-error",
    ),
    "a status of its own for odd sequences": (
        "huawei",
        _on("schedule", _no_text("sequence"), lambda o: reply(422, o.headers, {}, o.encode)),
        "schedule",
        "reply.status",
    ),
    "500 for a parameter sent twice": (
        "alibaba",
        _on("describe", _twice("KeyId"), lambda o: reply(500, o.headers, o.value, o.encode)),
        "describe",
        "reply.no-server-error",
    ),
    "HTML for an error": (
        "alibaba",
        _on("schedule", _any, _refused_as(lambda o: o.with_header("Content-Type", "text/html"))),
        "schedule",
        "reply.content-type",
    ),
    "a number where a message belongs": (
        "huawei",
        _on(
            "schedule",
            lambda i: "pending_days" not in i.parameters,
            _refused_as(lambda o: o.with_value({"error": {**o.value["error"], "error_msg": 7}})),
        ),
        "schedule",
        "error.shape",
    ),
    "no error code for an unreadable body": (
        "huawei",
        _on("disable", lambda i: not i.parameters, _refused_as(lambda o: o.with_value({"error": {}}))),
        "disable",
        "error.shape",
    ),
    "a boolean where a name belongs": (
        "alibaba",
        _on("list_tags", _any, lambda o: o if o.refusal else o.with_value({**o.value, "Tags": True})),
        "list_tags",
        "list-tags.reply",
    ),
    "no request id": (
        "alibaba",
        _on("enable", _any, lambda o: o.with_value({k: v for k, v in o.value.items() if k != "RequestId"})),
        "enable",
        "reply.request-id",
    ),
    "500 along the way": ("huawei", _on("cancel", _any, _crash), "chains", "reply.no-server-error"),
}


@pytest.mark.parametrize("name", WIRE)
def test_fault_on_the_wire_is_found(scene, name: str) -> None:
    dialect, fault, operation, requirement = WIRE[name]
    assert requirement in scene(dialect, filters=[fault]).fuzz(operation)


class _UpTo31(Decisions):
    def window_in_range(self, days: int) -> bool:
        return super().window_in_range(days) or days == 31


class _Far(Decisions):
    def window_in_range(self, days: int) -> bool:
        return super().window_in_range(days) or days > 1500


class _AnySoon(Decisions):
    def window_in_range(self, days: int) -> bool:
        return 0 < days <= self.rules.window_maximum


class _NotTheLast(Decisions):
    def window_in_range(self, days: int) -> bool:
        return super().window_in_range(days) and days != self.rules.window_maximum - 1


class _LongOnesEndEarly(Decisions):
    def deletion_date(self, now: datetime, days: int) -> datetime:
        return super().deletion_date(now, min(days, 1000))


class _CancelsAnything(Decisions):
    def refusal_for(self, operation: str, key: Key) -> str | None:
        return None if operation == "cancel" else super().refusal_for(operation, key)


class _EncryptsPending(Decisions):
    def refusal_for(self, operation: str, key: Key) -> str | None:
        return None if operation == "encrypt" else super().refusal_for(operation, key)


# A key that is only cancelled as if it were there: one that can be read is somebody's, and is left alone.
_INVENTIVE = inventing(lambda _: True, State.PENDING_DELETION, {"cancel"})


class _RefusesAndDisables(Decisions):
    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        return () if key is None or operation != "schedule" else (replace(key, state=State.DISABLED),)


class _ScheduleForgets(Decisions):
    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        return () if operation == "schedule" else super().effects(operation, before, after, keys)


LIFE = [
    ("alibaba", _UpTo31, "schedule", "schedule.window.above-maximum"),
    ("huawei", _Far, "schedule", "schedule.window.above-maximum"),
    ("alibaba", _AnySoon, "schedule", "schedule.window.below-minimum"),
    ("alibaba", _NotTheLast, "schedule", "schedule.from-enabled"),
    ("huawei", _LongOnesEndEarly, "schedule", "schedule.window.start"),
    ("huawei", _CancelsAnything, "cancel", "cancel.not-pending.disabled"),
    ("alibaba", _CancelsAnything, "chains", "cancel.not-pending.enabled"),
    ("alibaba", _EncryptsPending, "chains", "pending.encrypt"),
    ("huawei", _INVENTIVE, "cancel", "unknown-key.cancel"),
    ("huawei", _RefusesAndDisables, "schedule", "refused.changes-nothing"),
    ("alibaba", _ScheduleForgets, "schedule", "schedule.state-after"),
]


@pytest.mark.parametrize(("dialect", "fault", "operation", "requirement"), LIFE)
def test_fault_in_the_lifecycle_is_found(scene, dialect: str, fault, operation: str, requirement: str) -> None:
    assert requirement in scene(dialect, decisions=fault).fuzz(operation)


def test_what_breaks_in_our_own_code_is_not_swallowed(scene, monkeypatch: pytest.MonkeyPatch) -> None:
    at = scene("huawei")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("kms_conformance.suite.fuzz.review.Reviewer.review", broken)
    for name in ("cancel", "chains"):
        with pytest.raises(ZeroDivisionError):
            at.fuzz(name)
