"""After the waiting period: cancellable to the last, then gone for good, and nothing else with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from conformance.dialects.base import KeyView
from conformance.judge import Inconclusive, Stop
from conformance.oracle import DISABLED, ENABLED, PENDING
from conformance.suite.marks import requirement
from conformance.suite.scenario import Scenario

# How close to the end a target is asked: wider than the tolerance of dates and the time that requests take.
_MARGIN_SECONDS = 300


def _advance_to(kms: Scenario, moment: datetime, seconds: float) -> None:
    kms.time.advance(max(0.0, (moment - kms.time.now()).total_seconds() + seconds))


def _pending(kms: Scenario, key: str) -> tuple[KeyView, datetime]:
    """Schedule a key with the usual window; the end of its waiting period by our own reckoning and its date."""
    asked_at = kms.time.now()
    kms.accepts("schedule.state-after", "schedule", key_id=key, window=kms.days, states=[PENDING])
    view = kms.read(key)
    if view.deletion_at is None:
        raise Inconclusive("The pending key shows no deletion date, so its end is not known.")
    return view, asked_at


@requirement(
    "cancel.before-end",
    "expiry.not-early",
    "expiry.gone",
    "expiry.no-cancel",
    "expiry.not-recoverable",
    "expiry.decrypt",
    "expiry.nothing-else",
)
def test_end_of_the_waiting_period(kms: Scenario) -> None:
    kms.time.advance(0)
    bystander = kms.key(ENABLED)
    key = kms.key(ENABLED, bystander)
    ciphertext = kms.encrypted(key)
    data_key = kms.dialect.data_key(kms.ask("generate_data_key", key_id=key).value)
    others = {known: kms.pool.read(known).state for known in kms.pool.census() if known not in kms.pool.keys}

    _pending(kms, bystander)
    view, asked_at = _pending(kms, key)
    assert view.deletion_at is not None
    end = asked_at + timedelta(days=kms.days)
    kms.time.advance(max(0.0, (end - kms.time.now()).total_seconds() - _MARGIN_SECONDS))

    still = kms.read(key)
    late = f"state {still.state}"
    kms.judge.that("expiry.not-early", still.state == PENDING, "pending to the last moment", late)
    answer = kms.accepts("cancel.before-end", "cancel", key_id=bystander, states=kms.spared)
    if still.state == PENDING and (now := kms.read(key)).state != PENDING:
        kms.judge.breaks("cancel.only-named-key", "the other key stays pending", now.state, (answer.number,))
        raise Stop

    last = max(view.deletion_at, end)
    _advance_to(kms, last, _MARGIN_SECONDS)
    answer = kms.ask("cancel", key_id=key)
    no_longer = ("unknown_key", "not_pending")
    refused = any(kms.profile.refusal(name).admits(answer.status, answer.code) for name in no_longer)
    expected = " or ".join(str(kms.profile.refusal(name)) for name in no_longer)
    kms.judge.that("expiry.no-cancel", refused, expected, answer.summary, (answer.number,))

    _advance_to(kms, last, kms.profile.deletion.gone_within_seconds + _MARGIN_SECONDS)
    kms.refuses("expiry.gone", "unknown_key", "describe", key_id=key)
    listed = key in kms.pool.census()
    kms.judge.that("expiry.gone", not listed, "not listed any more", "it is listed")
    kms.refuses("expiry.not-recoverable", "unknown_key", "enable", key_id=key)
    kms.refuses("expiry.not-recoverable", "unknown_key", "schedule", key_id=key, window=kms.days)
    kms.refuses("expiry.no-cancel", "unknown_key", "cancel", key_id=key)
    for blob in filter(None, (ciphertext, data_key)):
        kms.refuses("expiry.decrypt", "lost_key", "decrypt", ciphertext=blob)

    spared = kms.read(bystander).state
    kms.judge.that("expiry.nothing-else", spared in (ENABLED, DISABLED), "the cancelled key lives", spared)
    unexpected = [
        known for known, state in others.items() if state in (ENABLED, DISABLED) and kms.pool.read(known).state != state
    ]
    kms.judge.that("expiry.nothing-else", not unexpected, "keys that were not scheduled live", unexpected)
    kms.pool.forget_if_gone(key)
