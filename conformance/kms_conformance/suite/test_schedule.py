"""Schedule: an enabled or disabled key becomes pending, cannot be scheduled twice, and no other key is scheduled."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest

from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lost
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.requests import TAG
from kms_conformance.suite.scenario import Scenario


@requirement(
    "schedule.from-enabled",
    "schedule.uri",
    "schedule.state-after",
    "schedule.reply-agrees",
    "schedule.reply.key-id",
    "schedule.reply.key-state",
    "schedule.reply.request-id",
    "schedule.not-immediate",
)
def test_enabled_key_becomes_pending(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    answer = kms.ask("schedule", key_id=key, window=kms.days)
    told = "the key is still there", lambda view: f"it is {view.state}"
    kms.must_show("schedule.not-immediate", lambda: kms.read(key), lambda view: view.state != GONE, told, answer)
    answer = kms.must_be_accepted(("schedule.from-enabled", "schedule.uri"), answer)
    kms.must_read_back(("schedule.from-enabled", "schedule.state-after"), key, [PENDING], answer)
    kms.must_echo("schedule", answer, kms.view(key))


@requirement("schedule.from-disabled", "schedule.state-after", "schedule.window.start")
def test_disabled_key_becomes_pending(kms: Scenario) -> None:
    key = kms.key(DISABLED)
    asked_at = kms.time.now()
    answer = kms.accepts(
        ("schedule.from-disabled", "schedule.state-after"),
        "schedule",
        key_id=key,
        window=kms.days,
        states=[PENDING],
    )
    kms.must_be_date("schedule.window.start", kms.view(key), asked_at, kms.days, answer)


@requirement("schedule.by-get")
def test_get_request_schedules(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    request = kms.dialect.request("schedule", {"key_id": key, "window": kms.days})
    answer = kms.client.send(kms.dialect.protocol_cases["get"].change(request), kms.client.api["schedule"])
    kms.must_be_accepted("schedule.by-get", answer, key)
    kms.must_read_back("schedule.by-get", key, [PENDING], answer)


@requirement("schedule.twice")
@pytest.mark.parametrize("longer", [0, 5], ids=["same window", "longer window"])
def test_pending_key_is_refused_and_its_date_stays(kms: Scenario, longer: int) -> None:
    """The key was scheduled by its id. With a longer window, it is named by its ARN, if the pages allow that."""
    key = kms.key(PENDING)
    window, name = kms.days + longer, kms.arn_or_id("schedule", key) if longer else key
    kms.refuses("schedule.twice", "already_pending", "schedule", key_id=name, window=window, unchanged=[key])


@requirement("schedule.only-named-key")
def test_other_key_is_not_scheduled(kms: Scenario) -> None:
    bystander = kms.key(ENABLED)
    key = kms.key(DISABLED, bystander)
    before = kms.with_marker(bystander)
    answer = kms.accepts("schedule.state-after", "schedule", key_id=key, window=kms.days, states=[PENDING])
    kms.must_be_unchanged("schedule.only-named-key", before, kms.read(bystander), answer)


@requirement("schedule.key-id.missing")
def test_missing_key_id_is_refused(kms: Scenario) -> None:
    bystander = kms.key(ENABLED)
    kms.refuses("schedule.key-id.missing", "missing_key", "schedule", window=kms.days, unchanged=[bystander])


@requirement("protection.refuses-schedule", "set-deletion-protection.reply")
def test_protected_key_is_refused(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    arn = kms.arn(key)
    told = "a protected key", lambda view: f"DeletionProtection is {view.fields.get('DeletionProtection')}"
    reads = partial(kms.must_show, "set-deletion-protection.reply", lambda: kms.read(key), partial(_is_protected, kms))
    try:
        # Also if the reply to this request is lost, the key may be protected.
        answer = kms.accepts("set-deletion-protection.reply", "set_deletion_protection", arn=arn, protected=True)
        reads(told, answer)
        _change_belongings(kms, key)
        reads(told, answer)
        for state in (ENABLED, DISABLED):
            kms.pool.bring(key, state)
            kms.refuses(
                "protection.refuses-schedule",
                "deletion_protected",
                "schedule",
                key_id=key,
                window=kms.days,
                unchanged=[key],
            )
    finally:
        was = None
        with suppress(Inconclusive):
            was = kms.pool.read(key)
            if was.state == PENDING:
                # The key was scheduled although it is protected. The deletion is cancelled first, because protection
                # cannot be removed from a pending key.
                kms.ask("cancel", key_id=key)
        taken_off = _take_off(kms, arn)
    if taken_off.accepted and was is not None and was.state != PENDING:
        now = kms.must_be_unchanged("refused.changes-nothing", was, kms.read(key), taken_off)
        looks = iter([now])
        kms.must_show(
            "set-deletion-protection.reply",
            lambda: next(looks, None) or kms.read(key),
            lambda view: kms.dialect.without_protection(view) is None,
            ("a key without protection", told[1]),
            taken_off,
        )


def _take_off(kms: Scenario, arn: str) -> Answer:
    """Take the protection off a key; once more if the reply is lost, because no later check could schedule the key."""
    try:
        return kms.ask("set_deletion_protection", arn=arn, protected=False)
    except Lost:
        return kms.ask("set_deletion_protection", arn=arn, protected=False)


def _change_belongings(kms: Scenario, key: str) -> None:
    """Change what a protected key has besides its state, which must not take the protection off."""
    alias, marker = kms.new_alias(), kms.pool.marker(key)
    changes: tuple[tuple[str, dict[str, object]], ...] = (
        ("update_description", {"description": f"{marker} protected"}),
        ("update_description", {"description": marker}),
        ("tag", {"tags": {TAG: kms.chance.hex(6)}}),
        ("set_alias", {"alias": alias}),
    )
    for operation, arguments in changes:
        with suppress(Inconclusive):
            kms.ask(operation, key_id=key, **arguments)
    with suppress(Inconclusive):
        kms.ask("delete_alias", alias=alias)


def _is_protected(kms: Scenario, view: KeyView) -> bool:
    """Whether a key reads as protected, or its description does not tell."""
    return view.fields.get("DeletionProtection") is None or kms.dialect.without_protection(view) is not None
