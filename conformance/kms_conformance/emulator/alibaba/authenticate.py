"""Signatures of the Alibaba dialect, version 1.0 (`HMAC-SHA1` over all parameters) and version 3 (`ACS3-HMAC-SHA256`).

Both are computed again from the request as it arrived. Sources: the vendor's "Request signatures" for RPC services,
with its DescribeRegions example; "Request syntax and signature method V3", with its RunInstances example.
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

# The gateway's page of errors: a time that differs by more than 15 minutes has expired.
SKEW = timedelta(minutes=15)
_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def moment(text: str) -> datetime | None:
    """The time that `text` means, or None where it is not written `YYYY-MM-DDThh:mm:ssZ`."""
    if not _FORM.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def within_skew(stamp: datetime, now: datetime) -> bool:
    """Whether a signature's time is near enough."""
    return abs(now - stamp) <= SKEW


# A signature may be dated up to the skew ahead, and be fresh until the skew after that.
_KEPT = SKEW + SKEW + timedelta(minutes=1)
_SWEEP_EVERY = 1000


class Nonces:
    """Remembers (access key, nonce); safe for threads."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def seen(self, access_key_id: str, nonce: str, now: datetime) -> bool:
        """Whether the nonce was used before; from now on it was."""
        with self._lock:
            if len(self._used) % _SWEEP_EVERY == _SWEEP_EVERY - 1:
                self._used = {key: used for key, used in self._used.items() if now - used < _KEPT}
            known = (access_key_id, nonce) in self._used
            self._used[access_key_id, nonce] = now
            return known


@dataclass(frozen=True)
class SignatureProblem:
    """What is wrong, named as in the profile, and what we would have signed."""

    refusal: str
    string_to_sign: str = ""


def problem_v1(
    method: str, pairs: parameters.Pairs, keys: Mapping[str, AccessKey], nonces: Nonces, now: datetime
) -> SignatureProblem | None:
    """What is wrong with the signature among the parameters `pairs`; `now` in real time."""
    values = parameters.first_values(pairs)
    if not values.get("AccessKeyId") or not values.get("Signature"):
        return SignatureProblem("no_credentials")
    key = keys.get(values["AccessKeyId"])
    if key is None or values.get("SecurityToken") != key.security_token:
        return SignatureProblem("unknown_access_key")
    if "Timestamp" not in values:
        return SignatureProblem("missing_parameter")
    stamp = moment(values["Timestamp"])
    if stamp is None or not within_skew(stamp, now):
        return SignatureProblem("stale_signature")
    text = string_to_sign(method, pairs)
    kind = (values.get("SignatureMethod"), values.get("SignatureVersion"))
    right = hmac.compare_digest(sign_v1(text, key.secret).encode(), values["Signature"].encode())
    if kind != ("HMAC-SHA1", "1.0") or not right:
        return SignatureProblem("wrong_signature", text)
    nonce = values.get("SignatureNonce")
    # The service's own page of common parameters lists no nonce, so that one may be left out.
    return SignatureProblem("replayed_nonce") if nonce and nonces.seen(values["AccessKeyId"], nonce, now) else None


def string_to_sign(method: str, pairs: parameters.Pairs) -> str:
    """The text that is signed: all parameters but the signature, empty ones included."""
    query = parameters.encoded(pair for pair in pairs if pair[0] != b"Signature")
    return f"{method}&{parameters.percent('/')}&{parameters.percent(query)}"


def sign_v1(text: str, secret: str) -> str:
    """The signature of a text."""
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()


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


def problem_v3(inbound: Inbound, keys: Mapping[str, AccessKey], nonces: Nonces, now: datetime) -> str | None:
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
    expected = sign_v3(canonical_request(inbound, signed, body_hash), secret)
    return hmac.compare_digest(expected, signature)


def canonical_request(inbound: Inbound, signed: list[str], body_hash: str) -> str:
    """The text whose hash is signed; clients may write a space as a plus, and sign %20."""
    query = parameters.encoded(parameters.of_query(inbound))
    headers = "".join(f"{name}:{inbound.header(name)}\n" for name in signed)
    return "\n".join((inbound.method, inbound.path or "/", query, headers, ";".join(signed), body_hash))


def sign_v3(canonical: str, secret: str) -> str:
    """The signature of a canonical request."""
    text = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class AlibabaAuthenticator:
    """Judges signatures on real time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._nonces = Nonces()

    def admit(self, inbound: Inbound, pairs: Pairs) -> None:
        """Raises `Refused` unless the request is rightly signed; `pairs` are all parameters of query and form."""
        found = self._found(inbound, pairs)
        problem = self._service.decisions.signature_problem(found.refusal if found else None, inbound)
        if problem is None:
            return
        if found is None or found.refusal != problem or not found.string_to_sign:
            raise Refused(problem)
        # An official client takes this message apart at its colon and fails where there is none.
        told = "Specified signature is not matched with our calculation. server string to sign is:"
        raise Refused(problem, told + found.string_to_sign)

    def _found(self, inbound: Inbound, pairs: Pairs) -> SignatureProblem | None:
        now = self._service.clock.real()
        if not (inbound.header("authorization") or "").startswith(ALGORITHM):
            return problem_v1(inbound.method, pairs, credentials.ACCESS_KEYS, self._nonces, now)
        refusal = problem_v3(inbound, credentials.ACCESS_KEYS, self._nonces, now)
        # The same client never signs by version 3, so that there is no text to show it.
        return None if refusal is None else SignatureProblem(refusal, ALGORITHM if refusal == "wrong_signature" else "")
