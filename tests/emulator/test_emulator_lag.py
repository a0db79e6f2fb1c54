"""What an operation finds: the store's former contents, by the time that passed, and by each lag model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kms_conformance.apps.selftest import lag
from kms_conformance.apps.selftest.faults import lagging as faults
from kms_conformance.core.runtime import REAL, skipped_pauses
from kms_conformance.emulator import Decisions, Key, State
from kms_conformance.emulator.clock import MovableClock
from kms_conformance.emulator.keys import KeyDraft, key_of
from kms_conformance.emulator.refusals import Refused
from kms_conformance.emulator.rules import Rules
from kms_conformance.emulator.store import Store

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DRAFT = KeyDraft(spec="s", usage="u", alias="alias/first", tags=(("a", "1"),))


@pytest.fixture(autouse=True)
def _skipped() -> Iterator[None]:
    """Pauses of this process take no time."""
    with skipped_pauses():
        yield


def store_of(*mixins: type[Decisions]) -> tuple[Store, MovableClock, Key]:
    """A store with one key, which has existed for longer than any lag."""
    clock = MovableClock(lambda: NOW)
    made = type("Made", mixins, {})
    store = Store(made(Rules.of("aws")), clock)
    key = key_of(DRAFT, State.ENABLED, NOW)
    store.put(key)
    return store, clock, key


def states(store: Store, key: Key, reads: int) -> list[State]:
    return [store.describe(key.id).state for _ in range(reads)]


def knows(store: Store, key: Key) -> bool:
    try:
        return store.describe(key.id).id == key.id
    except Refused:
        return False


def test_a_store_without_a_lag_remembers_nothing() -> None:
    store, _, key = store_of(Decisions)
    store.disable(key.id)
    assert store._history.at(1.0, store._keys) is store._keys  # noqa: SLF001
    assert states(store, key, 1) == [State.DISABLED]


def test_steady_reads_are_late_by_the_time_that_passes() -> None:
    store, clock, key = store_of(lag.steady(2.0))
    store.disable(key.id)
    clock.advance(3600)
    assert states(store, key, 2) == [State.ENABLED] * 2
    assert [found.state for found in store.listed()] == [State.ENABLED]
    REAL.sleep(1.9)
    store.schedule(key.id, 7)
    assert states(store, key, 2) == [State.ENABLED] * 2
    REAL.sleep(0.1)
    assert states(store, key, 2) == [State.DISABLED] * 2
    REAL.sleep(1.9)
    assert states(store, key, 2) == [State.PENDING_DELETION] * 2


def test_a_read_never_stores_what_it_found() -> None:
    store, _, key = store_of(lag.steady(2.0))
    store.disable(key.id)
    store.describe(key.id)
    assert store.keys[0].state is State.DISABLED
    with pytest.raises(Refused):
        store.used("encrypt", key.id)


def test_a_new_key_is_unknown_to_steady_reads_and_a_gone_key_is_shown() -> None:
    store, clock, _ = store_of(lag.steady(2.0))
    key = store.create(replace(DRAFT, alias=None))
    assert not knows(store, key)
    REAL.sleep(2.0)
    assert knows(store, key)
    store.schedule(key.id, 7)
    REAL.sleep(2.0)
    clock.advance(8 * 86400)
    store.expire()
    assert knows(store, key)
    REAL.sleep(2.0)
    assert not knows(store, key)


@pytest.mark.parametrize("turns", [(False, True), (False, False, True, True)])
def test_flapping_reads_go_to_the_replicas_in_turn(turns: tuple[bool, ...]) -> None:
    store, _, key = store_of(lag.flapping(2.0, turns))
    store.disable(key.id)
    expected = [State.ENABLED if behind else State.DISABLED for behind in turns]
    assert states(store, key, 2 * len(turns)) == expected * 2
    REAL.sleep(2.0)
    assert set(states(store, key, 8)) == {State.DISABLED}


def test_flapping_reads_are_drawn_by_the_seed() -> None:
    drawn = []
    for seed in (1, 1, 2):
        store, _, key = store_of(lag.flapping(2.0, seed=seed))
        store.disable(key.id)
        drawn.append(states(store, key, 30))
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) == {State.ENABLED, State.DISABLED}


def test_the_data_plane_is_behind_and_reads_are_not() -> None:
    store, _, key = store_of(lag.data_plane_behind(2.0))
    store.schedule(key.id, 7)
    assert states(store, key, 1) == [State.PENDING_DELETION]
    store.used("encrypt", key.id)
    REAL.sleep(2.0)
    with pytest.raises(Refused, match="pending_use"):
        store.used("encrypt", key.id)
    store.cancel(key.id)
    store.enable(key.id)
    with pytest.raises(Refused, match="pending_use"):
        store.used("decrypt", key.id)
    REAL.sleep(2.0)
    store.used("decrypt", key.id)


def test_every_second_operation_does_not_know_a_new_key() -> None:
    store, _, _ = store_of(lag.new_key_unknown(2.0))
    key = store.create(replace(DRAFT, alias=None))
    assert [knows(store, key) for _ in range(4)] == [False, True] * 2
    assert [key in store.listed() for _ in range(4)] == [False, True] * 2
    with pytest.raises(Refused, match="unknown_key"):
        store.disable(key.id)
    assert store.disable(key.id).state is State.DISABLED
    REAL.sleep(2.0)
    assert all(knows(store, key) for _ in range(4))


def test_belongings_are_late_and_states_are_not() -> None:
    store, _, key = store_of(lag.belongings_late(2.0))
    store.delete_alias("alias/first")
    store.set_alias(key.id, "alias/second", replacing=False)
    store.tag(key.id, {"a": "2"})
    store.disable(key.id)
    assert store.by_alias("alias/first").id == key.id
    with pytest.raises(Refused, match="unknown_alias"):
        store.by_alias("alias/second")
    found = store.changed("list_tags", key.id, lambda key, _: key)
    assert (found.state, found.tags) == (State.DISABLED, (("a", "1"),))
    with pytest.raises(Refused, match="unknown_alias"):
        store.delete_alias("alias/first")
    REAL.sleep(2.0)
    assert store.by_alias("alias/second").tags == (("a", "2"),)


def test_a_key_that_is_newer_than_the_lag_has_the_belongings_of_its_creation() -> None:
    store, _, _ = store_of(lag.belongings_late(2.0))
    key = store.create(replace(DRAFT, alias="alias/new"))
    store.set_alias(key.id, "alias/second", replacing=False)
    assert store.describe(key.id).aliases == ("alias/new",)
    REAL.sleep(2.0)
    assert store.describe(key.id).aliases == ("alias/new", "alias/second")


def test_after_the_clock_only_the_end_is_late() -> None:
    store, clock, key = store_of(lag.after_clock(2.0))
    store.schedule(key.id, 7)
    clock.advance(8 * 86400)
    store.expire()
    assert states(store, key, 2) == [State.PENDING_DELETION] * 2
    assert [found.id for found in store.listed()] == [key.id]
    with pytest.raises(Refused, match="unknown_key"):
        store.cancel(key.id)
    REAL.sleep(2.0)
    assert not knows(store, key)


def test_models_of_other_operations_add_up() -> None:
    store, _, key = store_of(lag.steady(1.0), lag.data_plane_behind(3.0))
    store.schedule(key.id, 7)
    REAL.sleep(1.0)
    assert states(store, key, 1) == [State.PENDING_DELETION]
    REAL.sleep(1.9)
    store.used("encrypt", key.id)


def test_an_undone_operation_is_undone_later_unless_the_key_changed() -> None:
    store, _, key = store_of(faults._undoing("disable"))  # noqa: SLF001
    store.disable(key.id)
    REAL.sleep(0.9)
    assert states(store, key, 1) == [State.DISABLED]
    REAL.sleep(0.1)
    assert states(store, key, 1) == [State.ENABLED]
    store.disable(key.id)
    store.schedule(key.id, 7)
    REAL.sleep(2.0)
    assert states(store, key, 1) == [State.PENDING_DELETION]


@pytest.mark.parametrize("model", lag.MODELS, ids=lambda model: model.name)
def test_every_model_remembers_as_long_as_it_needs_and_its_classes_combine(model: lag.Model) -> None:
    store, _, key = store_of(*model.decisions(0.7))
    assert store._decisions.memory_seconds() == (0.0 if model.name == "after-clock" else 0.7)  # noqa: SLF001
    store.disable(key.id)
    assert key.id in {found.id for found in store.listed()}
