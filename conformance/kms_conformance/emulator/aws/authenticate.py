"""Checks signatures of version 4 (`AWS4-HMAC-SHA256`): each is computed again from the request as received.

Source: AWS, "Signature Version 4 for API requests", and the test suite that AWS publishes with it.
"""

from __future__ import annotations

import hashlib
import hmac
import posixpath
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from kms_conformance.emulator.aws import credentials
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kms_conformance.emulator.messages import Inbound
    from kms_conformance.emulator.seed_data import AccessKey
    from kms_conformance.emulator.service import Service

ALGORITHM = "AWS4-HMAC-SHA256"
# The largest difference between `X-Amz-Date` and the system clock. AWS refuses a request that arrives "more than 15
# minutes after the date stamp on the request".
SKEW = timedelta(minutes=15)
_FORM = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Scope:
    """The credential scope of a signature: a day (YYYYMMDD), a region and a service."""

    day: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


def signature_problem(
    inbound: Inbound, keys: Mapping[str, AccessKey], here: tuple[str, str], now: datetime
) -> str | None:
    """The refusal of a signature by its name in the profile; None if the signature is valid.

    `here` is the expected region and service; `now` is the time of the system clock.
    """
    authorization = inbound.header("authorization")
    if not authorization:
        return "no_credentials"
    parts = dict(part.strip().partition("=")[::2] for part in authorization.removeprefix(ALGORITHM).split(","))
    access_key_id, *scope = parts.get("Credential", "").split("/")
    stamp = inbound.header("x-amz-date")
    complete = authorization.startswith(ALGORITHM) and parts.get("SignedHeaders") and parts.get("Signature") and stamp
    if not complete or len(scope) != 4 or scope[-1] != "aws4_request":
        return "incomplete_signature"
    key = keys.get(access_key_id)
    token = inbound.header("x-amz-security-token")
    if key is None or token != key.security_token:
        return "unknown_access_key" if key is None or None in (token, key.security_token) else "bad_token"
    moment = _moment(stamp or "")
    if moment is None or abs(now - moment) > SKEW or scope[0] != f"{moment:%Y%m%d}":
        return "stale_signature"
    if tuple(scope[1:3]) != here:
        return "other_region"
    right = _is_right(inbound, parts["SignedHeaders"].split(";"), Scope(*scope[:3]), key.secret, parts["Signature"])
    return None if right else "wrong_signature"


def _is_right(inbound: Inbound, signed: list[str], scope: Scope, secret: str, signature: str) -> bool:
    sent = {name.lower() for name, _ in inbound.headers}
    # The host and every x-amz- header must be signed; otherwise they could be changed in transit.
    to_sign = {"host"} | {name for name in sent if name.startswith("x-amz-")}
    if not to_sign <= set(signed) <= sent:
        return False
    stamp = inbound.header("x-amz-date") or ""
    expected = sign(canonical_request(inbound, signed), stamp, scope, secret)
    return hmac.compare_digest(expected.encode(), signature.encode())


def canonical_request(inbound: Inbound, signed: list[str]) -> str:
    """The text whose hash is signed."""
    headers = "".join(f"{name}:{_squeezed(inbound.header(name) or '')}\n" for name in signed)
    body_hash = hashlib.sha256(inbound.body).hexdigest()
    return "\n".join(
        (
            inbound.method,
            _canonical_path(inbound.path),
            _canonical_query(inbound.query),
            headers,
            ";".join(signed),
            body_hash,
        )
    )


def string_to_sign(canonical: str, stamp: str, scope: Scope) -> str:
    """The text to sign for a canonical request."""
    return f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def sign(canonical: str, stamp: str, scope: Scope, secret: str) -> str:
    """The signature of a canonical request."""
    key = f"AWS4{secret}".encode()
    for part in (scope.day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, string_to_sign(canonical, stamp, scope).encode(), hashlib.sha256).hexdigest()


def _canonical_path(path: str) -> str:
    """The path, normalised and percent-encoded again, which AWS requires for all services except S3."""
    normal = posixpath.normpath(re.sub("/+", "/", path or "/"))
    slash = "/" if path.endswith(("/", "/.", "/..")) and normal != "/" else ""
    return quote(f"{normal}{slash}", safe="/~")


def _canonical_query(query: str) -> str:
    pairs = (piece.partition("=")[::2] for piece in query.split("&") if piece)
    encoded = ((_encoded(name), _encoded(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text.encode("latin-1", "replace")), safe="-_.~")


def _squeezed(value: str) -> str:
    return " ".join(value.split())


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


_HERE = (credentials.REGION, "kms")


def authenticate(service: Service, inbound: Inbound) -> None:
    """Raise `Refused` unless the signature is valid at the time of the system clock."""
    found = signature_problem(inbound, credentials.ACCESS_KEYS, _HERE, service.clock.real())
    problem = service.decisions.signature_problem(found, inbound)
    if problem is not None:
        raise Refused(problem)
