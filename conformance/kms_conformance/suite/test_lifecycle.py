"""The lifecycle: each reply and state of random walks is as predicted, and what a request did or did not do lasts."""

from __future__ import annotations

from functools import partial

import pytest

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.possessions import must_be_as_first
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import must_decrypt
from kms_conformance.suite.watched_keys import WatchedKeys

# How long two keys rest before they are read again, in seconds. Everything else in a run follows within milliseconds on
# a fast target, so that an effect which shows after a second is not seen there.
_REST_SECONDS = 2.1
# At most this many keys of others are read before and after the rest. Their owners may change them, so the time between
# must be short.
_MOST_OTHERS = 5


@requirement("lifecycle.sequence")
@pytest.mark.first_process
@pytest.mark.moves_clock
def test_any_sequence_leads_where_the_documents_predict(kms: Scenario) -> None:
    """Send random operations for two keys in every state, with windows at the bounds; move the clock if possible."""
    # Imported late: the import of Hypothesis takes 0.3 s, and no other check needs it.
    from kms_conformance.suite.lifecycle import walk  # noqa: PLC0415

    walk(kms)
    for key in [key for key in kms.pool.sealed if key in kms.pool.keys]:
        _must_be_what_it_was(kms, key)
    if not kms.judge.broken and "lifecycle.sequence" not in kms.judge.passes:
        raise Inconclusive("No step of the lifecycle model could be taken.")


@requirement(
    "schedule.state-after",
    "schedule.twice",
    "cancel.not-pending.enabled",
    "pending.encrypt",
    "cancel.effect",
    "disable.reply",
    "isolation.other-keys",
)
@pytest.mark.standard
@pytest.mark.first_process
def test_what_was_done_lasts_and_what_was_refused_stays_undone(kms: Scenario) -> None:
    """Change two keys, send requests that are refused, and read both keys after a rest; twice, for all changes.

    Some keys of others are read before and after the first rest.
    """
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    # The keys of another shard may change at any time.
    foreign = [] if kms.sharded else sorted(kms.others_before)[:_MOST_OTHERS]
    # What enabling a key leaves behind must not open another key.
    kms.pool.bring(other, DISABLED)
    kms.pool.bring(other, ENABLED)
    others = WatchedKeys.of(kms, foreign)
    kms.refuses("cancel.not-pending.enabled", "not_pending", "cancel", key_id=other, unchanged=[other])
    kms.accepts("schedule.state-after", "schedule", key_id=key, window=kms.days, states=[PENDING])
    again = {"key_id": key, "window": kms.days}
    twice = kms.refuses("schedule.twice", "already_pending", "schedule", unchanged=[key], **again)
    _must_last(kms, {"schedule.twice": key, "cancel.not-pending.enabled": other}, twice)
    others.must_be_untouched(partial(_schedule_anew, kms, key))
    refusal = kms.profile.refusal_in("encrypt", PENDING)
    if refusal is not None and "encrypt" in kms.client.api:
        answer = kms.ask("encrypt", key_id=key, plaintext="text")
        if kms.profile.settle_seconds < _REST_SECONDS:
            # After the rest, no use may follow the state before the last change: the first answer counts.
            told = str(kms.profile.refusal(refusal)), answer.summary
            kms.judge.that("pending.encrypt", not answer.accepted, *told, (answer.number,))
        kms.must_be_refused("pending.encrypt", refusal, answer)
    kms.accepts("disable.reply", "disable", key_id=other, states=[DISABLED])
    done = kms.accepts("cancel.effect", "cancel", key_id=key, states=kms.states_after_cancel)
    _must_last(kms, {"cancel.effect": key, "disable.reply": other}, done)


def _schedule_anew(kms: Scenario, key: str) -> None:
    """Schedule a key once more, and let some time pass."""
    kms.pool.bring(key, ENABLED)
    kms.pool.bring(key, PENDING)
    kms.client.world.clock.sleep(_REST_SECONDS)


def _must_be_what_it_was(kms: Scenario, key: str) -> None:
    """Judge that after all that was asked of a key, its fields are as first read, and early ciphertexts decrypt."""
    if kms.pool.bring(key, ENABLED) is None:
        return
    must_be_as_first(kms, key, partial(kms.read, key))
    if kms.pool.sealed[key]:
        expected = "what was encrypted early in the run is decrypted"
        must_decrypt(kms, "lifecycle.sequence", kms.pool.sealed[key], expected)


def _must_last(kms: Scenario, keys: dict[RequirementId, str], answer: Answer) -> None:
    """Judge that each key reads after a rest as before; `keys` are by the requirement that is broken otherwise."""
    before = {key: kms.read(key) for key in keys.values()}
    kms.client.world.clock.sleep(_REST_SECONDS)
    for name, key in keys.items():
        kms.must_be_unchanged(name, before[key], kms.pool.read(key), answer)
