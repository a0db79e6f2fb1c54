"""After all other checks: the keys of others are as before the run, and no refused create has created a key."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED, GONE
from kms_conformance.keys.bystanders import denied_and_unlisted
from kms_conformance.suite.key_requests import send_each_request
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.watched_keys import WatchedKeys


@requirement("isolation.other-keys")
@pytest.mark.alone
def test_other_keys_are_as_before_the_run(kms: Scenario) -> None:
    """Owners may have changed their keys during the run, so no change of the run is a failure by itself.

    If a key has changed, each kind of request is sent once more, and judged by what it changes then.
    """
    watched = WatchedKeys(kms, kms.elapsed(kms.others_since), kms.others_before, (0.0, 0))
    if watched.changes() and not kms.sharded:
        with suppress(Inconclusive):
            _must_not_return(kms)
    watched.explain(watched.changes())
    unlisted = denied_and_unlisted(kms.pool)
    if unlisted and not kms.time.moved:
        raise Inconclusive(
            f"Keys that these credentials may not describe are listed no more: {', '.join(unlisted)}.",
            "Whether their waiting period has ended cannot be read. Ask their owners.",
        )
    # If the pool is empty, the run may still hold a key that it planted.
    for key in kms.pool.keys or sorted(kms.pool.held):
        view = kms.pool.confirm(key) if kms.pool.settled(key) else kms.pool.read(key)
        there = view.state == GONE or view.id == key
        kms.judge.that("isolation.other-keys", there, f"the key {key}", f"the key {view.id}")


def _must_not_return(kms: Scenario) -> None:
    """Judge that one request of each kind changes no key of others. If the run has only one key left, it serves all."""
    key = other = kms.key(ENABLED)
    with suppress(Inconclusive):
        other = kms.key(ENABLED, key)
    again = WatchedKeys.of(kms, kms.others_before)
    send_each_request(kms, key, other)
    again.must_be_untouched(partial(send_each_request, kms, key, other))


@requirement("refused.changes-nothing")
@pytest.mark.alone
def test_refused_creates_have_made_no_key(kms: Scenario) -> None:
    """One listing covers all refused creates of the run."""
    if not kms.pool.judge_refused_creates(last=True):
        kms.judge.holds("refused.changes-nothing")
