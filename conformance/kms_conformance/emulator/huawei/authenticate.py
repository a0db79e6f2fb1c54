"""Checks tokens and signatures (`SDK-HMAC-SHA256`) of the Huawei dialect against the system clock.

Each signature is computed again from the request as received. Source: "Signing API requests", algorithm pages
api-sign-algorithm-002, -003 and -005 of the vendor's developer guide.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from kms_conformance.emulator.huawei import credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kms_conformance.emulator.messages import Inbound
    from kms_conformance.emulator.service import Service

ALGORITHM = "SDK-HMAC-SHA256"
# The largest difference between the time of a signature and the system clock. No known page states it; other gateways
# of this vendor and of other vendors allow 15 minutes.
SKEW = timedelta(minutes=15)
_UNSIGNED = "UNSIGNED-PAYLOAD"
# Media types of bodies that the official clients always sign.
_SIGNED_TYPES = ("application/json", "application/bson")
_AUTHORIZATION = re.compile(rf"{ALGORITHM} Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{{64}})")


def signature_problem(inbound: Inbound, secrets: Mapping[str, str], now: datetime) -> str | None:
    """The refusal of a signature by its name in the profile; None if the signature is valid.

    `secrets` maps access key ids to secrets; `now` is the time of the system clock.
    """
    match = _AUTHORIZATION.fullmatch(inbound.header("authorization") or "")
    if match is None:
        return "wrong_signature"
    access_key_id, names, signature = match.groups()
    if access_key_id not in secrets:
        return "unknown_access_key"
    signed = names.split(";")
    moment = _moment(inbound.header("x-sdk-date"))
    if moment is None or "x-sdk-date" not in signed:
        return "wrong_signature"
    if abs(now - moment) > SKEW:
        return "stale_signature"
    body_hash = _body_hash(inbound)
    if body_hash is None or any(inbound.header(name) is None for name in signed):
        return "wrong_signature"
    expected = sign(canonical_request(inbound, signed, body_hash), moment, secrets[access_key_id])
    return None if hmac.compare_digest(expected, signature) else "wrong_signature"


def sign(canonical: str, moment: datetime, secret: str) -> str:
    """The signature of a canonical request."""
    text = f"{ALGORITHM}\n{moment:%Y%m%dT%H%M%SZ}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def canonical_request(inbound: Inbound, signed: list[str], body_hash: str) -> str:
    """The text whose hash is signed; its path ends in a slash even if the request's path does not."""
    segments = unquote_to_bytes(inbound.path.encode("latin-1", "replace")).split(b"/")
    path = "/".join(quote(segment, safe="~") for segment in segments)
    headers = "".join(f"{name}:{inbound.header(name)}\n" for name in signed)
    return "\n".join(
        (
            inbound.method.upper(),
            path if path.endswith("/") else f"{path}/",
            _canonical_query(inbound.query),
            headers,
            ";".join(signed),
            body_hash,
        )
    )


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=") for part in query.replace("+", " ").split("&") if part]
    decoded = [(unquote_to_bytes(_raw(name)), unquote_to_bytes(_raw(value))) for name, _, value in pairs]
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(decoded))


def _raw(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _body_hash(inbound: Inbound) -> str | None:
    """The body hash that the signature must cover; None if the request declares a wrong one.

    Instead of a hash, `UNSIGNED-PAYLOAD` may be declared, except for the media types in `_SIGNED_TYPES`.
    """
    actual = hashlib.sha256(inbound.body).hexdigest()
    declared = inbound.header("x-sdk-content-sha256")
    if declared is None or declared == actual or not inbound.body:
        return actual
    signable = (inbound.header("content-type") or "").lower().startswith(_SIGNED_TYPES)
    return _UNSIGNED if declared == _UNSIGNED and not signable else None


# The lifetime of IAM tokens, from the vendor's page on tokens.
LIFETIME = timedelta(hours=24)


@dataclass(frozen=True)
class IssuedToken:
    """The project of a token, and the times when it was issued and expires, in UTC by the system clock."""

    project_id: str
    issued: datetime
    expires: datetime


class Tokens:
    """The registry of issued tokens."""

    def __init__(self) -> None:
        self._issued: dict[str, IssuedToken] = {}

    def issue(
        self, project_id: str, issued: datetime, lifetime: timedelta = LIFETIME, text: str | None = None
    ) -> tuple[str, IssuedToken]:
        """Issue a token for a project; its text is random unless given."""
        text = text or f"EXAMPLE-{secrets.token_hex(24)}"
        token = IssuedToken(project_id, issued, issued + lifetime)
        self._issued[text] = token
        return text, token

    def problem(self, text: str, project_id: str | None, now: datetime) -> str | None:
        """The refusal of a token, None if it is valid; `project_id` is the project in the path, None without one."""
        token = self._issued.get(text)
        if token is None:
            return "bad_token"
        if now >= token.expires:
            return "expired_token"
        return None if project_id in {None, token.project_id} else "wrong_project"


class HuaweiAuthenticator:
    """Checks tokens and signatures against the system clock.

    If a request has both, only the token is checked; the documents do not say which one counts.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.tokens = Tokens()
        now = service.clock.real()
        year = timedelta(days=365)
        self.tokens.issue(credentials.PROJECT_ID, now, year, credentials.TOKEN)
        self.tokens.issue(credentials.OTHER_PROJECT_ID, now, year, credentials.OTHER_PROJECT_TOKEN)
        self.tokens.issue(credentials.PROJECT_ID, now - timedelta(hours=25), text=credentials.EXPIRED_TOKEN)

    def problem(self, inbound: Inbound, project_id: str | None) -> str | None:
        """The refusal of the credentials, None if valid; `project_id` is the project in the path, None without one."""
        decisions = self._service.decisions
        now = self._service.clock.real()
        token = inbound.header("x-auth-token")
        if token:
            return decisions.token_problem(self.tokens.problem(token, project_id, now), inbound)
        if (inbound.header("authorization") or "").startswith(ALGORITHM):
            return decisions.signature_problem(self._signature_problem(inbound, project_id), inbound)
        return decisions.token_problem("no_credentials", inbound)

    def _signature_problem(self, inbound: Inbound, project_id: str | None) -> str | None:
        secrets = {credentials.ACCESS_KEY_ID: credentials.ACCESS_KEY_SECRET}
        found = signature_problem(inbound, secrets, self._service.clock.real())
        if found is not None or project_id is None:
            return found
        claimed = inbound.header("x-project-id") or project_id
        return None if claimed == project_id == credentials.PROJECT_ID else "wrong_project"
