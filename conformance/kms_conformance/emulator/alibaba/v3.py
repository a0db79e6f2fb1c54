"""Checks signatures of version 3 (`ACS3-HMAC-SHA256`), rebuilt from the request as it arrived.

Source: the vendor's "Request syntax and signature method V3", with its RunInstances example.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from kms_conformance.emulator.alibaba import pairs as parameters
from kms_conformance.emulator.alibaba.moments import moment, within_skew

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kms_conformance.emulator.alibaba.credentials import AccessKey
    from kms_conformance.emulator.alibaba.nonces import Nonces
    from kms_conformance.emulator.replies import Inbound

ALGORITHM = "ACS3-HMAC-SHA256"
_AUTHORIZATION = re.compile(rf"{ALGORITHM} Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{{64}})")
# The page demands that these are signed where they are sent; else they could be exchanged on the way.
_TO_SIGN = (
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
    "x-acs-security-token",
)
_REQUIRED = ("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256")


def problem(inbound: Inbound, keys: Mapping[str, AccessKey], nonces: Nonces, now: datetime) -> str | None:
    """What is wrong with the signature, named as in the profile; `now` in real time."""
    match = _AUTHORIZATION.fullmatch(inbound.header("authorization") or "")
    if match is None:
        return "no_credentials"
    access_key_id, names, signature = match.groups()
    key = keys.get(access_key_id)
    if key is None or inbound.header("x-acs-security-token") != key.security_token:
        return "unknown_access_key"
    if any(inbound.header(name) is None for name in _REQUIRED):
        return "missing_parameter"
    stamp = moment(inbound.header("x-acs-date") or "")
    if stamp is None or not within_skew(stamp, now):
        return "stale_signature"
    if not _is_right(inbound, names.split(";"), key.secret, signature):
        return "wrong_signature"
    nonce = inbound.header("x-acs-signature-nonce") or ""
    return "replayed_nonce" if nonces.seen(access_key_id, nonce, now) else None


def _is_right(inbound: Inbound, signed: list[str], secret: str, signature: str) -> bool:
    body_hash = hashlib.sha256(inbound.body).hexdigest()
    complete = all(name in signed for name in _TO_SIGN if inbound.header(name) is not None)
    sent = all(inbound.header(name) is not None for name in signed)
    if not complete or not sent or inbound.header("x-acs-content-sha256") != body_hash:
        return False
    expected = sign(canonical_request(inbound, signed, body_hash), secret)
    return hmac.compare_digest(expected, signature)


def canonical_request(inbound: Inbound, signed: list[str], body_hash: str) -> str:
    """The text whose hash is signed; clients may write a space as a plus, and sign %20."""
    query = parameters.encoded(parameters.of_query(inbound))
    headers = "".join(f"{name}:{inbound.header(name)}\n" for name in signed)
    return "\n".join((inbound.method, inbound.path or "/", query, headers, ";".join(signed), body_hash))


def sign(canonical: str, secret: str) -> str:
    """The signature of a canonical request."""
    text = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
