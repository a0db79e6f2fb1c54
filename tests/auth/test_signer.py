"""What all signers share: times, nonces, and how a failure to sign in is told."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from kms_conformance.auth import SignInFailed
from kms_conformance.auth.scheme import fresh_nonce, utc_now


def test_the_time_is_the_real_one_and_says_its_zone() -> None:
    assert utc_now().tzinfo is UTC
    assert abs(utc_now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_nonce_is_32_hexadecimal_digits_and_never_the_same() -> None:
    nonces = {fresh_nonce() for _ in range(50)}
    assert len(nonces) == 50
    assert all(re.fullmatch("[0-9a-f]{32}", nonce) for nonce in nonces)


def test_a_failure_to_sign_in_says_what_happened_why_and_what_to_do() -> None:
    failure = SignInFailed("No token.", "It answered 403.", "Check the password.")
    assert (failure.what, failure.why, failure.hint) == ("No token.", "It answered 403.", "Check the password.")
    assert str(failure) == "No token.\nIt answered 403.\nCheck the password."
    assert failure.args == ("No token.", "It answered 403.", "Check the password.")
