"""The end of the waiting period, watched over several nights without moving a clock.

One run plants a key: it leaves the key pending on purpose. Each later run reads the planted key until the key is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger_lines import KeyRecord
from kms_conformance.client.oracle import ENABLED, GONE, PENDING
from kms_conformance.keys.planted import PlantedKey, planted_keys
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import END_MARGIN, Scenario

# The longest time between two nightly runs. A planted key must have been read within this time before the end of its
# waiting period; otherwise it does not prove that the target kept it until then.
_A_NIGHT = timedelta(hours=26)
# The planted key, and the two keys of the other checks.
_KEYS_NEEDED = 3


@requirement("expiry.gone", "expiry.no-cancel", "expiry.not-recoverable", "expiry.decrypt")
@pytest.mark.planted
@pytest.mark.alone
def test_planted_key_waits_and_goes(kms: Scenario) -> None:
    waiting, ended = _found(kms)
    if kms.plant and waiting is None:
        waiting = _plant(kms)
    if waiting is not None and _watch(kms, waiting):
        ended = _found(kms)[1]
        waiting = None
    if ended is not None:
        _must_have_ended(kms, ended)
    elif waiting is not None:
        raise _waits(kms, waiting)
    else:
        raise _nothing_planted(kms)


@requirement("expiry.not-early")
@pytest.mark.planted
@pytest.mark.alone
def test_planted_key_was_there_until_its_end(kms: Scenario) -> None:
    """The ledger records when a run last saw the key pending; that must be at most a night before the key's end."""
    waiting, ended = _found(kms)
    if ended is None:
        raise _waits(kms, waiting) if waiting else _nothing_planted(kms)
    kms.pool.borrow(ended.key)
    kms.pool.read(ended.key)
    if ended.end - ended.last_seen <= _A_NIGHT:
        kms.judge.recalls("expiry.not-early")
    elif kms.time.offered:
        raise Inconclusive(
            "The clock was moved past the last night of the planted key, so no run read it as pending then.",
            "A run that moves the clock judges the same requirement with another key.",
        )
    else:
        raise Inconclusive(
            f"No run read the planted key in the night before its end; it was last seen {ended.last_seen}.",
            "Plant another key, and run every night.",
        )


@requirement("expiry.nothing-else")
@pytest.mark.planted
@pytest.mark.alone
def test_planted_key_takes_no_other_along(kms: Scenario) -> None:
    """Our other keys from the time of planting must still exist, unless their own deletion date has passed."""
    waiting, ended = _found(kms)
    if ended is None:
        raise _waits(kms, waiting) if waiting else _nothing_planted(kms)
    now = kms.time.now()
    kms.pool.read(ended.key)
    records = {record.key: record for record in kms.pool.ledger.records().values()}
    for key in ended.companions:
        record = records.get(key)
        if record is None or _has_ended(record, now):
            continue
        state = kms.pool.read_until(key, lambda view: view.state != GONE).state
        kms.judge.that("expiry.nothing-else", state != GONE, f"the key {key} lives", state)
    if "expiry.nothing-else" not in kms.judge.judged:
        raise Inconclusive(
            "No other key of ours existed beside the planted one until its end.",
            "Run the whole suite in the nights between as well.",
        )


@requirement("cancel.before-end")
@pytest.mark.planted
@pytest.mark.alone
def test_planted_key_can_be_rescued(kms: Scenario) -> None:
    """With `--rescue`, cancel the deletion of the planted key on its last day, and schedule it again."""
    ledger = kms.pool.ledger
    statement = kms.judge.catalogue["cancel.before-end"].statement
    waiting, ended = _found(kms)
    now = kms.time.now()
    if ledger.recalls("cancel.before-end", statement):
        # One rescue is enough: a key whose deletion is cancelled on every last day would never be gone.
        kms.judge.recalls("cancel.before-end")
    elif kms.rescue and waiting is not None and timedelta() < waiting.end - END_MARGIN - now <= _A_NIGHT:
        _rescue(kms, waiting)
        if not kms.judge.broken:
            ledger.note("cancel.before-end", statement)
    elif waiting is not None:
        hint = "" if kms.rescue else "`run --rescue` cancels the planted key on its last day and schedules it again."
        raise _waits(kms, waiting, hint)
    elif ended is not None:
        raise Inconclusive(
            "The planted key is gone and was not cancelled on its last day.",
            "`run --plant --rescue` plants another key and cancels it on its last day.",
        )
    else:
        raise _nothing_planted(kms)


def _nothing_planted(kms: Scenario) -> Inconclusive:
    without = (
        "" if kms.time.offered else "The end of the waiting period is not tested: the target has no time_control. "
    )
    return Inconclusive(
        f"{without}No key is planted.",
        "`run --plant` leaves a key pending on purpose, and later runs read it until it is gone.",
    )


def _found(kms: Scenario) -> tuple[PlantedKey | None, PlantedKey | None]:
    """Two planted keys of the ledger: the one whose deletion is pending, and the one that was deleted most recently.

    Each is None if the ledger has no such key.
    """
    found = planted_keys(kms.pool.ledger)
    last = [[key for key in found if key.ended is ended] for ended in (False, True)]
    return (last[0][-1] if last[0] else None, last[1][-1] if last[1] else None)


def _waits(kms: Scenario, planted: PlantedKey, hint: str = "") -> Inconclusive:
    """The `Inconclusive` for a planted key that still exists, with the time at which the check can be done.

    This time is the key's deletion date; after the date, the end of the time that the profile allows for the deletion.
    """
    now, until = kms.time.now(), planted.last
    if now >= until:
        until += timedelta(seconds=kms.profile.deletion.gone_within_seconds) + END_MARGIN
    if now >= until:
        return Inconclusive("The planted key should be gone by now, and still exists.", "See expiry.gone.")
    date = f"{until:%Y-%m-%dT%H:%M:%SZ}"
    return Inconclusive(f"waiting until {date}", hint, date)


def _has_ended(record: KeyRecord, now: datetime) -> bool:
    until = record.facts.get("until")
    return not record.may_exist or (
        record.event == "scheduled" and until is not None and datetime.fromisoformat(until) <= now
    )


def _plant(kms: Scenario) -> PlantedKey:
    if kms.client.target.limits.max_keys < _KEYS_NEEDED:
        raise Inconclusive(
            f"A planted key counts against limits.max_keys ({kms.client.target.limits.max_keys}), and the other checks "
            "need two keys.",
            f"Set limits.max_keys to {_KEYS_NEEDED} or more.",
        )
    key = kms.key(ENABLED)
    beside = tuple(other for other in kms.pool.keys if other != key)
    return _pending(kms, key, kms.sealed(key), beside)


def _pending(kms: Scenario, key: str, ciphertexts: Sequence[str], beside: Sequence[str]) -> PlantedKey:
    """Schedule a key with the smallest window, and record it as planted."""
    asked, days = kms.time.now(), kms.window.minimum
    kms.accepts("schedule.state-after", "schedule", key_id=key, window=days, states=[PENDING])
    view = kms.read(key)
    if view.deletion_at is None:
        raise Inconclusive("The pending key has no deletion date, so its end is not known.")
    marker = kms.pool.ledger.marker_of(key)
    planted = PlantedKey.scheduled(marker, key, asked, days, view.deletion_at)
    planted = replace(planted, ciphertexts=tuple(ciphertexts), companions=tuple(beside))
    kms.pool.ledger.write("planted", marker, key, **planted.facts(asked))
    kms.pool.set_aside(key)
    return planted


def _watch(kms: Scenario, planted: PlantedKey) -> bool:
    """Read a planted key, and judge whether it may exist at this time; returns whether it ended and is gone."""
    ledger, now = kms.pool.ledger, kms.time.now()
    view = kms.pool.read(planted.key)
    if view.state == PENDING:
        ledger.write("seen", planted.marker, planted.key, when=now.isoformat())
    if now < planted.end - END_MARGIN:
        expected = f"pending until {planted.end:%Y-%m-%dT%H:%M:%SZ}"
        if view.state == GONE:
            kms.judge.breaks("expiry.not-early", expected, f"gone at {now:%Y-%m-%dT%H:%M:%SZ}")
            ledger.write("gone", planted.marker, planted.key)
        elif view.state != PENDING:
            kms.pool.take_over(planted.key)
            raise Inconclusive(
                f"The planted key is {view.state}: somebody has cancelled its deletion.", "Plant another key."
            )
        elif view.deletion_at is None or abs(view.deletion_at - planted.until) > _tolerance(kms):
            kms.judge.breaks("pending.describe", f"a deletion date of {planted.until}", view.deletion_at)
        return False
    if now < planted.last + END_MARGIN:
        return False
    if view.state == GONE:
        ledger.write("gone", planted.marker, planted.key)
        return True
    # A key that still exists is only read, so that later runs can judge it too.
    if now >= planted.last + timedelta(seconds=kms.profile.deletion.gone_within_seconds) + END_MARGIN:
        kms.refuses("expiry.gone", "unknown_key", "describe", key_id=planted.key)
    return False


def _tolerance(kms: Scenario) -> timedelta:
    return timedelta(seconds=kms.profile.deletion.date_tolerance_seconds)


def _must_have_ended(kms: Scenario, planted: PlantedKey) -> None:
    """Judge that a planted key stays gone. This is done in every run after the key's end."""
    kms.pool.borrow(planted.key)
    kms.pool.read(planted.key)
    kms.must_be_gone(planted.key, planted.ciphertexts)


def _rescue(kms: Scenario, planted: PlantedKey) -> None:
    if not kms.pool.take_over(planted.key):
        raise Inconclusive("Another run holds the planted key.")
    kms.accepts("cancel.before-end", "cancel", key_id=planted.key, states=kms.states_after_cancel)
    _pending(kms, planted.key, planted.ciphertexts, planted.companions)
