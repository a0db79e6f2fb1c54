"""Checks signatures of version 1.0 (HMAC-SHA1 over all parameters), rebuilt from the request as it arrived.

Source: the vendor's "Request signatures" for RPC services, with its DescribeRegions example.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kms_conformance.emulator.alibaba import pairs as parameters
from kms_conformance.emulator.alibaba.moments import moment, within_skew

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kms_conformance.emulator.alibaba.credentials import AccessKey
    from kms_conformance.emulator.alibaba.nonces import Nonces


@dataclass(frozen=True)
class Found:
    """What is wrong, named as in the profile, and what we would have signed."""

    refusal: str
    string_to_sign: str = ""


def problem(
    method: str, pairs: parameters.Pairs, keys: Mapping[str, AccessKey], nonces: Nonces, now: datetime
) -> Found | None:
    """What is wrong with the signature among the parameters `pairs`; `now` in real time."""
    values = parameters.first_values(pairs)
    if not values.get("AccessKeyId") or not values.get("Signature"):
        return Found("no_credentials")
    key = keys.get(values["AccessKeyId"])
    if key is None or values.get("SecurityToken") != key.security_token:
        return Found("unknown_access_key")
    if "Timestamp" not in values:
        return Found("missing_parameter")
    stamp = moment(values["Timestamp"])
    if stamp is None or not within_skew(stamp, now):
        return Found("stale_signature")
    text = string_to_sign(method, pairs)
    kind = (values.get("SignatureMethod"), values.get("SignatureVersion"))
    right = hmac.compare_digest(sign(text, key.secret).encode(), values["Signature"].encode())
    if kind != ("HMAC-SHA1", "1.0") or not right:
        return Found("wrong_signature", text)
    nonce = values.get("SignatureNonce")
    # The service's own page of common parameters lists no nonce, so that one may be left out.
    return Found("replayed_nonce") if nonce and nonces.seen(values["AccessKeyId"], nonce, now) else None


def string_to_sign(method: str, pairs: parameters.Pairs) -> str:
    """The text that is signed: all parameters but the signature, empty ones included."""
    query = parameters.encoded(pair for pair in pairs if pair[0] != b"Signature")
    return f"{method}&{parameters.percent('/')}&{parameters.percent(query)}"


def sign(text: str, secret: str) -> str:
    """The signature of a text."""
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()
