"""Isolation: an operation changes no key but the named one. Runs early, before checks that could damage other keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lost
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.reader import shown
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.requests import TAG
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.watched_keys import StepByStep, WatchedChange, WatchedKeys

# At most this many keys of others are read before and after the operations. Reading more keys would take longer, and
# the target would be blamed for a change that an owner makes in that time.
_MOST_OTHERS = 50


@requirement("isolation.other-keys")
def test_no_operation_touches_another_key(kms: Scenario) -> None:
    """Run a lifecycle on one key; a bystander of ours and keys of others are read right before and right after it.

    Owners may change their keys too: see `WatchedKeys`. The named key gets the description of the bystander, because no
    description names a key.
    """
    bystander = kms.key(ENABLED)
    shared = kms.view(bystander).description or ""
    # Before anything is disabled or enabled for the first time: what an endpoint then does to others shows only once.
    others = WatchedKeys.of(kms, sorted(kms.others_before)[:_MOST_OTHERS])
    steps = StepByStep(others)
    made = len(kms.pool.new)
    key = _second_key(kms, bystander)
    if len(kms.pool.new) > made:
        steps.look("disable", "schedule", "cancel", "enable")
    # `test_lifecycle` decrypts it when everything else has been asked of these keys.
    with suppress(Inconclusive):
        for sealing in (key, bystander):
            kms.pool.sealed[sealing] = kms.ciphertexts(sealing)
    beside = WatchedKeys.of(kms, [bystander])
    _must_still_be_enabled(kms, bystander, beside.before[bystander])

    def look(*operations: str) -> None:
        steps.look(*operations)
        if "schedule" in operations:
            # Later steps may toggle it back.
            was = shown(beside.before[bystander])
            now = shown(kms.pool.read_until(bystander, lambda view: shown(view) == was))
            kms.judge.that("isolation.other-keys", now == was, f"{bystander} has {was}", f"it has {now}")

    tags = _change(kms, key, shared, look)
    _must_lack(kms, bystander, tags)
    _must_be_as_before(kms, bystander, beside, partial(_change, kms, key, shared))
    try:
        others.with_ours(beside.before).must_be_untouched(partial(_change, kms, key, shared), steps)
    finally:
        with suppress(Inconclusive):
            _must_stay_pending(kms, bystander, key)
            kms.with_marker(key)


def _unseen(*_: str) -> None:
    """Look at nothing."""


def _change(kms: Scenario, key: str, description: str, look: Callable[..., None] = _unseen) -> Mapping[str, str]:
    """Lead a key through its states; schedule and cancel are sent for a key that nobody has, too.

    `look` is called after each step with its operations. Returns the tags that the key had for a moment.
    """
    tags = {TAG: kms.chance.hex(6)}
    kms.pool.bring(key, ENABLED)
    _send_each(kms, ("update_description",), key, description=description)
    kms.ask("disable", key_id=key)
    if kms.pool.read_until(key, lambda view: view.state == DISABLED).state != DISABLED:
        raise Inconclusive("The named key did not change either, so the other keys prove nothing.")
    look("disable")
    _send_each(kms, ("enable", "set_alias", "schedule"), key)
    _send_each(kms, ("schedule",), key, kms.dialect.unknown_key())
    look("enable", "set_alias", "schedule")
    _send_each(kms, ("cancel",), key, kms.dialect.unknown_key())
    _send_each(kms, ("cancel",), key)
    kms.pool.bring(key, ENABLED)
    _send_each(kms, ("generate_data_key",), key)
    _send_each(kms, ("tag",), key, tags=tags)
    _send_each(kms, ("untag",), key, tag_keys=list(tags))
    _send(kms, "schedule", key, {"window": kms.window.maximum})
    kms.pool.patience.wait_for_late_effects()
    return tags


def _second_key(kms: Scenario, first: str) -> str:
    """Another enabled key. If it has to be created, the first one is disabled and then pending meanwhile.

    No new key takes over the state of the last one, and a pending key makes no room for a new one.
    """
    pool = kms.pool
    if first not in pool.new or len(pool.usual) > 1 or pool.room <= 0 or kms.sharded or "disable" not in kms.client.api:
        return kms.key(ENABLED, first)
    kms.done("disable", key_id=first)
    try:
        pool.bring(first, PENDING)
        second = pool.create_new()
        view = pool.read_until(second, lambda view: view.state == ENABLED)
        kms.judge.that("create.enabled", view.state == ENABLED, f"state {ENABLED}", f"state {view.state}")
        waits = pool.read_until(first, lambda view: view.state == PENDING)
        told = "the pending key is there when another key was created", f"state {waits.state}"
        kms.judge.that("schedule.not-immediate", waits.state != GONE, *told)
    finally:
        pool.bring(first, ENABLED)
    return kms.key(ENABLED, first)


def _must_still_be_enabled(kms: Scenario, bystander: str, seen: KeyView) -> None:
    """Judge that making the named key ready left a bystander, which was enabled before, as it was."""
    if seen.state != ENABLED:
        now = kms.pool.read_until(bystander, lambda view: view.state == ENABLED)
        kms.judge.that("isolation.other-keys", now.state == ENABLED, f"{bystander} is {ENABLED}", f"it is {now.state}")


def _must_be_as_before(kms: Scenario, bystander: str, beside: WatchedKeys, again: Callable[[], object]) -> None:
    """Judge that the requests since have left a bystander as it was; `again` sends them once more.

    Nobody else changes the bystander. But fields of no page may tell late that it was used before: they count if the
    same requests change them again.
    """
    known = kms.profile.key_fields.known | {"state"}
    change = _change_of(kms, bystander, beside)
    if change is not None and known.isdisjoint(change.names):
        beside = WatchedKeys.of(kms, [bystander])
        again()
        change = _change_of(kms, bystander, beside)
    expected, observed = (change.expected, change.observed) if change else ("", "")
    kms.judge.that("isolation.other-keys", change is None, f"{bystander} has {expected}", f"it has {observed}")


def _must_lack(kms: Scenario, bystander: str, tags: Mapping[str, str]) -> None:
    """Judge that a bystander has none of the tags that another key was given."""
    if "tag" not in kms.client.api or "list_tags" not in kms.client.api:
        return
    with suppress(Inconclusive):
        answer = kms.done("list_tags", key_id=bystander)
        found = tags.items() & kms.dialect.tags(answer.value).items()
        told = f"{bystander} has none of the tags of another key", f"it has {dict(found)}"
        kms.judge.that("isolation.other-keys", not found, *told, (answer.number,))


def _change_of(kms: Scenario, bystander: str, beside: WatchedKeys) -> WatchedChange | None:
    was = beside.before[bystander]
    return beside.change_of(bystander, was, kms.pool.read_until(bystander, partial(beside.elapsed.explains, was)))


def _must_stay_pending(kms: Scenario, bystander: str, key: str) -> None:
    """Judge that a bystander of the same description stays pending when the deletion of the key is cancelled.

    Both wait for the same window, so that their deletion dates are near each other. If the target cancels nothing, the
    bystander is not scheduled: later checks need it.
    """
    kms.pool.bring(key, ENABLED)
    kms.pool.bring(key, PENDING)
    kms.pool.bring(bystander, PENDING)
    was = kms.view(bystander)
    answer = kms.done("cancel", key_id=key)
    kms.pool.bring(key, ENABLED)
    if kms.encrypts:
        with suppress(Inconclusive):
            answer = kms.ask("encrypt", key_id=key, plaintext="text")
    kms.must_be_unchanged("isolation.other-keys", was, kms.pool.read(bystander), answer)


def _send(kms: Scenario, operation: str, key: str, arguments: dict[str, Any]) -> Answer | None:
    """Send a request; one of unknown effect, for which None is returned, must leave other keys alone too.

    `kms.ask` is not used, because it would end the check if the target lacks the operation.
    """
    try:
        return kms.client.ask(operation, key_id=key, **arguments)
    except Lost:
        return None


def _send_each(kms: Scenario, operations: Sequence[str], *keys: str, **arguments: object) -> None:
    """Send those of the operations that the target has, for each of the keys."""
    for operation in operations:
        if operation in kms.client.api:
            sent = arguments or _arguments(kms, operation)
            for key in keys:
                _send(kms, operation, key, sent)


def _arguments(kms: Scenario, operation: str) -> dict[str, Any]:
    further: dict[str, Callable[[], dict[str, Any]]] = {
        "schedule": lambda: {"window": kms.window.minimum},
        "set_alias": lambda: {"alias": kms.new_alias()},
    }
    return further.get(operation, dict)()
