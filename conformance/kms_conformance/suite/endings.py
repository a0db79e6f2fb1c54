"""What must be true of a key whose waiting period is over, whether a clock was moved there or nights have passed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from kms_conformance.suite.scenario import Scenario

#: How close to an end a target is not asked: wider than the tolerance of dates and the time that requests take.
MARGIN = timedelta(seconds=300)


def must_not_be_cancelled(kms: Scenario, key: str) -> None:
    """Judge that a deletion whose time has come can no longer be taken back."""
    answer = kms.ask("cancel", key_id=key)
    no_longer = ("unknown_key", "not_pending")
    refused = any(kms.profile.refusal(name).admits(answer.status, answer.code) for name in no_longer)
    expected = " or ".join(str(kms.profile.refusal(name)) for name in no_longer)
    kms.judge.that("expiry.no-cancel", refused, expected, answer.summary, (answer.number,))


def must_be_gone(kms: Scenario, key: str, ciphertexts: Iterable[str]) -> None:
    """Judge that a key is gone for good, and what it encrypted with it."""
    kms.refuses("expiry.gone", "unknown_key", "describe", key_id=key)
    listed = key in kms.pool.list_keys()
    kms.judge.that("expiry.gone", not listed, "not listed any more", "it is listed")
    kms.refuses("expiry.not-recoverable", "unknown_key", "enable", key_id=key)
    kms.refuses("expiry.not-recoverable", "unknown_key", "schedule", key_id=key, window=kms.days)
    kms.refuses("expiry.no-cancel", "unknown_key", "cancel", key_id=key)
    for blob in ciphertexts:
        kms.refuses("expiry.decrypt", "lost_key", "decrypt", ciphertext=blob)
