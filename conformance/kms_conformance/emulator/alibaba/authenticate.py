"""Checks signatures of the Alibaba dialect: version 1.0 (`HMAC-SHA1`) and version 3 (`ACS3-HMAC-SHA256`).

Each signature is computed again from the request as received. Sources: the vendor's "Request signatures" for RPC
services, with its DescribeRegions example; "Request syntax and signature method V3", with its RunInstances example.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kms_conformance.emulator.alibaba import credentials, parameters
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kms_conformance.emulator.alibaba.parameters import Pairs
    from kms_conformance.emulator.messages import Inbound
    from kms_conformance.emulator.seed_data import AccessKey
    from kms_conformance.emulator.service import Service

# The largest difference between the time of a signature and the system clock. The gateway's page of errors says that a
# timestamp has expired if it differs by more than 15 minutes.
SKEW = timedelta(minutes=15)
_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def parse_time(text: str) -> datetime | None:
    """Parse `YYYY-MM-DDThh:mm:ssZ`; None for any other text."""
    if not _FORM.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def within_skew(stamp: datetime, now: datetime) -> bool:
    """Whether the timestamp of a signature is at most 15 minutes away from `now`."""
    return abs(now - stamp) <= SKEW


# The time for which used nonces are kept. A timestamp may be 15 minutes ahead of the clock, and its signature is valid
# until 15 minutes after the timestamp.
_KEPT = SKEW + SKEW + timedelta(minutes=1)
_SWEEP_EVERY = 1000


class Nonces:
    """The used nonces (random texts that a request may use once) of each access key; thread-safe."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def seen(self, access_key_id: str, nonce: str, now: datetime) -> bool:
        """Record a nonce; returns whether it was used before."""
        with self._lock:
            if len(self._used) % _SWEEP_EVERY == _SWEEP_EVERY - 1:
                self._used = {key: used for key, used in self._used.items() if now - used < _KEPT}
            known = (access_key_id, nonce) in self._used
            self._used[access_key_id, nonce] = now
            return known


@dataclass(frozen=True)
class SignatureProblem:
    """The refusal of a signature by its name in the profile; for a wrong signature, also the text to sign."""

    refusal: str
    string_to_sign: str = ""


def token_problem(key: AccessKey | None, token: str | None) -> str | None:
    """The refusal of an access key with this security token, None if they belong together."""
    if key is not None and token == key.security_token:
        return None
    return "unknown_access_key" if key is None or None in (token, key.security_token) else "bad_token"


def problem_v1(
    method: str, pairs: parameters.Pairs, keys: Mapping[str, AccessKey], nonces: Nonces, now: datetime
) -> SignatureProblem | None:
    """The problem of a version 1 signature, None if it is valid. `now` is the time of the system clock."""
    values = parameters.first_values(pairs)
    if not values.get("AccessKeyId") or not values.get("Signature"):
        return SignatureProblem("no_credentials")
    key = keys.get(values["AccessKeyId"])
    problem = token_problem(key, values.get("SecurityToken"))
    if key is None or problem is not None:
        return SignatureProblem(problem or "unknown_access_key")
    if "Timestamp" not in values:
        return SignatureProblem("missing_parameter")
    stamp = parse_time(values["Timestamp"])
    if stamp is None or not within_skew(stamp, now):
        return SignatureProblem("stale_signature")
    text = string_to_sign(method, pairs)
    kind = (values.get("SignatureMethod"), values.get("SignatureVersion"))
    right = hmac.compare_digest(sign_v1(text, key.secret).encode(), values["Signature"].encode())
    if kind != ("HMAC-SHA1", "1.0") or not right:
        return SignatureProblem("wrong_signature", text)
    nonce = values.get("SignatureNonce")
    # The service's page of common parameters does not list the nonce, so it is optional.
    return SignatureProblem("replayed_nonce") if nonce and nonces.seen(values["AccessKeyId"], nonce, now) else None


def string_to_sign(method: str, pairs: parameters.Pairs) -> str:
    """The text to sign: all parameters except the signature, including empty ones."""
    query = parameters.encoded(pair for pair in pairs if pair[0] != b"Signature")
    return f"{method}&{parameters.percent('/')}&{parameters.percent(query)}"


def sign_v1(text: str, secret: str) -> str:
    """The version 1 signature of a text."""
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()


ALGORITHM = "ACS3-HMAC-SHA256"
_AUTHORIZATION = re.compile(rf"{ALGORITHM} Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{{64}})")
# The page on version 3 requires a signature to cover these headers if they are sent; otherwise they could be changed
# in transit.
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


def problem_v3(inbound: Inbound, keys: Mapping[str, AccessKey], nonces: Nonces, now: datetime) -> str | None:
    """The refusal of a version 3 signature, None if it is valid. `now` is the time of the system clock."""
    match = _AUTHORIZATION.fullmatch(inbound.header("authorization") or "")
    if match is None:
        return "no_credentials"
    access_key_id, names, signature = match.groups()
    key = keys.get(access_key_id)
    problem = token_problem(key, inbound.header("x-acs-security-token"))
    if key is None or problem is not None:
        return problem
    if any(inbound.header(name) is None for name in _REQUIRED):
        return "missing_parameter"
    stamp = parse_time(inbound.header("x-acs-date") or "")
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
    expected = sign_v3(canonical_request(inbound, signed, body_hash), secret)
    return hmac.compare_digest(expected, signature)


def canonical_request(inbound: Inbound, signed: list[str], body_hash: str) -> str:
    """The text whose hash is signed. A space in the query, which may be sent as a plus sign, is signed as %20."""
    query = parameters.encoded(parameters.of_query(inbound))
    headers = "".join(f"{name}:{inbound.header(name)}\n" for name in signed)
    return "\n".join((inbound.method, inbound.path or "/", query, headers, ";".join(signed), body_hash))


def sign_v3(canonical: str, secret: str) -> str:
    """The version 3 signature of a canonical request."""
    text = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class AlibabaAuthenticator:
    """Checks signatures against the system clock; the movable clock of the emulator does not matter."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._nonces = Nonces()

    def authenticate(self, inbound: Inbound, pairs: Pairs) -> None:
        """Raise `Refused` unless the signature is valid; `pairs` are all parameters of query and form."""
        found = self._found(inbound, pairs)
        problem = self._service.decisions.signature_problem(found.refusal if found else None, inbound)
        if problem is None:
            return
        if found is None or found.refusal != problem or not found.string_to_sign:
            raise Refused(problem)
        # An official client splits this message at the colon, and fails if there is none.
        message = "Specified signature is not matched with our calculation. server string to sign is:"
        raise Refused(problem, message + found.string_to_sign)

    def _found(self, inbound: Inbound, pairs: Pairs) -> SignatureProblem | None:
        now = self._service.clock.real()
        if not (inbound.header("authorization") or "").startswith(ALGORITHM):
            return problem_v1(inbound.method, pairs, credentials.ACCESS_KEYS, self._nonces, now)
        refusal = problem_v3(inbound, credentials.ACCESS_KEYS, self._nonces, now)
        # The client that splits the message never uses version 3, so the text to sign is not needed here.
        return None if refusal is None else SignatureProblem(refusal, ALGORITHM if refusal == "wrong_signature" else "")
