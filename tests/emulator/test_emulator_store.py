"""The store by itself: values in, values out, a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, State, crypto
from kms_conformance.emulator.clock import MovableClock, iso
from kms_conformance.emulator.keys import ABSENT, Key, KeyDraft, key_of
from kms_conformance.emulator.refusals import Refused
from kms_conformance.emulator.rules import Rules
from kms_conformance.emulator.store import Store

NOW = datetime(2026, 1, 1, 12, 0, 0, 999_999, tzinfo=UTC)
DRAFT = KeyDraft(spec="s", usage="u")
PROFILES = [(dialect, profile) for dialect in specs.dialects() for profile in specs.profile_names(dialect)]


def store_of(dialect: str, profile: str = "documents") -> tuple[Store, MovableClock]:
    clock = MovableClock(lambda: NOW)
    return Store(Decisions(Rules.of(dialect, profile)), clock), clock


def key_in(store: Store, state: State) -> Key:
    key = key_of(KeyDraft(spec="s", usage="u", external=state is State.PENDING_IMPORT), State.ENABLED, NOW)
    store.put(key)
    if state is State.DISABLED:
        return store.disable(key.id)
    if state is State.PENDING_DELETION:
        return store.schedule(key.id, "7")
    if state is State.PENDING_IMPORT:
        store.schedule(key.id, "7")
        return store.cancel(key.id)
    return key


def do(store: Store, operation: str, key_id: str) -> Key:
    if operation == "schedule":
        return store.schedule(key_id, "7")
    if operation == "update_description":
        return store.update_description(key_id, "x")
    if operation == "set_alias":
        return store.set_alias(key_id, "x", replacing=True)
    named = {"describe": store.describe, "enable": store.enable, "disable": store.disable, "cancel": store.cancel}
    return named[operation](key_id) if operation in named else store.used(operation, key_id)


@pytest.mark.parametrize(("dialect", "profile"), PROFILES)
@pytest.mark.parametrize("state", State)
def test_each_profile_s_table_of_states_is_followed(dialect: str, profile: str, state: State) -> None:
    for operation, refusals in specs.facts(dialect, profile)["lifecycle"].items():
        store, _ = store_of(dialect, profile)
        before = key_in(store, state)
        assert before.state is state
        if state not in refusals:
            do(store, operation, before.id)
            continue
        with pytest.raises(Refused, match=f"^{refusals[state]}$"):
            do(store, operation, before.id)
        assert store.keys == (before,)


@pytest.mark.parametrize(("dialect", "profile"), PROFILES)
def test_windows_of_each_profile(dialect: str, profile: str) -> None:
    decisions = Decisions(Rules.of(dialect, profile))
    window = specs.facts(dialect, profile)["window"]
    low, high = window["minimum"], window["maximum"]
    for days in (low, low + 1, high - 1, high):
        assert decisions.window_problem(days) is decisions.window_problem(str(days)) is None
    beyond = {low - 1: "out_of_range", high + 1: "out_of_range", 0: "out_of_range", -low: "negative", 10**30: "huge"}
    for days, problem in beyond.items():
        assert decisions.window_problem(days) == decisions.window_problem(str(days)) == f"window_{problem}"
    assert decisions.window_problem(ABSENT) == (None if "default" in window else "window_missing")
    assert decisions.window_days(ABSENT) == window["default"] if "default" in window else True
    assert decisions.window_problem(True) == "window_malformed"


@pytest.mark.parametrize(("dialect", "profile"), PROFILES)
def test_every_refusal_that_is_used_has_an_answer(dialect: str, profile: str) -> None:
    facts = specs.facts(dialect, profile)
    named = {refusal for states in facts["lifecycle"].values() for refusal in states.values()}
    assert named <= set(Rules.of(dialect, profile).answers)


def test_deletion_is_the_window_after_the_request_and_not_before() -> None:
    store, clock = store_of("huawei")
    key = store.create(DRAFT)
    pending = store.schedule(key.id, "7")
    assert pending.deletion == NOW.replace(microsecond=0) + timedelta(days=7)
    clock.advance(7 * 86400 - 1)
    assert store.keys == (pending,)
    clock.advance(1)
    assert store.keys == ()
    with pytest.raises(Refused, match="unknown_key"):
        store.cancel(key.id)


def test_cancelling_clears_the_date() -> None:
    store, _ = store_of("huawei")
    key = store.create(DRAFT)
    store.schedule(key.id, "7")
    assert store.cancel(key.id).deletion is None
    assert store.keys[0].state is State.DISABLED


def test_an_unknown_dialect_or_profile_is_told() -> None:
    with pytest.raises(ValueError, match="there are: alibaba, aws, huawei"):
        Rules.of("gcp")
    with pytest.raises(ValueError, match="it has: documents, otc"):
        Rules.of("huawei", "telekom")


def test_the_clock_ticks_in_seconds() -> None:
    clock = MovableClock(lambda: NOW)
    assert iso(clock.now()) == "2026-01-01T12:00:00Z"
    assert clock.advance(0.5) == datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)
    assert clock.real() == NOW
    with pytest.raises(OverflowError):
        clock.advance(9e11)


def test_crypto_opens_with_the_same_key_and_context_only() -> None:
    key, other = key_of(DRAFT, State.ENABLED, NOW), key_of(DRAFT, State.ENABLED, NOW)
    for plain in (b"x", b"x" * 31, b"x" * 32, b"x" * 33, bytes(4096)):
        sealed = crypto.seal(key, plain, b"c")
        assert len(sealed) == len(plain) + crypto.OVERHEAD
        assert crypto.key_id_of(sealed) == key.id
        assert crypto.unseal(key, sealed, b"c") == plain
        assert sealed != crypto.seal(key, plain, b"c")
        for wrong in ((other, sealed, b"c"), (key, sealed, b""), (key, sealed[:-1] + bytes([sealed[-1] ^ 1]), b"c")):
            with pytest.raises(Refused):
                crypto.unseal(*wrong)
    for nonsense in (b"", b"x" * 200, crypto.seal(key, b"", b"")):
        with pytest.raises(Refused):
            crypto.key_id_of(nonsense)
    assert b"material" not in repr(key).encode()
