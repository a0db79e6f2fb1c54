"""ACS3-HMAC-SHA256, signature version 3 (Alibaba Cloud, "Request syntax and signature method V3")."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING

from kms_conformance.auth import canonical
from kms_conformance.auth.scheme import Clock, Nonce, fresh_nonce, utc_now

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Request

ALGORITHM = "ACS3-HMAC-SHA256"

# Parameters of version 1 that version 3 sends as headers.
_MOVED = {b"Action": "x-acs-action", b"Version": "x-acs-version"}
_OWN = ("Authorization", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256")
_TEMPORARY = ("x-acs-security-token", "x-acs-accesskey-id")


@dataclass(frozen=True)
class Acs3Signer:
    """Signs method, path, query, x-acs-* headers and body. Moves Action and Version from the query to headers."""

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    now: Clock = utc_now
    nonce: Nonce = fresh_nonce

    def sign(self, request: Request) -> Request:
        """The request with the x-acs-* headers and Authorization."""
        signed = _with_action_headers(request.without_headers(*_OWN, *_TEMPORARY))
        own = {
            "x-acs-date": self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": self.nonce(),
            "x-acs-content-sha256": hashlib.sha256(signed.body).hexdigest(),
        }
        if self.security_token is not None:
            own |= {"x-acs-security-token": self.security_token, "x-acs-accesskey-id": self.access_key_id}
        signed = replace(signed, headers=(*signed.headers, *own.items()))
        text, names = canonical_request(signed)
        to_sign = f"{ALGORITHM}\n{hashlib.sha256(text.encode()).hexdigest()}"
        signature = hmac.new(self.access_key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        credentials = f"{ALGORITHM} Credential={self.access_key_id},SignedHeaders={names},Signature={signature}"
        return signed.with_header("Authorization", credentials)


def canonical_request(request: Request) -> tuple[str, str]:
    """Returns the canonical request and the names of the signed headers."""
    lines, names = canonical.headers(request, signs=lambda name: name == "content-type" or name.startswith("x-acs-"))
    body_hash = request.header("x-acs-content-sha256") or ""
    text = "\n".join(
        (request.method, canonical.path(request), canonical.query(request), lines, names, body_hash),
    )
    return text, names


def _with_action_headers(request: Request) -> Request:
    kept: list[str] = []
    found: dict[str, str] = {}
    for piece in canonical.pieces(request.query):
        name, value = canonical.pair(piece.encode())
        header = _MOVED.get(name)
        # Only the first of repeated parameters moves; the others stay in the query.
        if header is not None and header not in found and request.header(header) is None and _fits(value):
            found[header] = value.decode()
        else:
            kept.append(piece)
    for name, value in canonical.form_pairs(request):
        header = _MOVED.get(name)
        if header is not None and request.header(header) is None and _fits(value):
            found.setdefault(header, value.decode())
    if len(kept) < len(canonical.pieces(request.query)):
        request = request.with_target(request.path, "&".join(kept) if kept else None)
    return replace(request, headers=(*request.headers, *found.items()))


def _fits(value: bytes) -> bool:
    return all(0x21 <= byte <= 0x7E for byte in value)
