"""The RPC signature with HMAC-SHA1, signature version 1.0 (Alibaba Cloud, "Signature mechanism" of RPC APIs)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from kms_conformance.auth import canonical
from kms_conformance.auth.signer import Clock, Nonce, fresh_nonce, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kms_conformance.wire.messages import Request

_OWN = (
    b"AccessKeyId",
    b"SecurityToken",
    b"Signature",
    b"SignatureMethod",
    b"SignatureNonce",
    b"SignatureVersion",
    b"Timestamp",
)


@dataclass(frozen=True)
class RpcV1Signer:
    """Signs the method and all parameters, in the query and in a form, and puts its own into the query."""

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    now: Clock = utc_now
    nonce: Nonce = fresh_nonce

    def sign(self, request: Request) -> Request:
        """The request with the signature's parameters in its query."""
        own = {
            "AccessKeyId": self.access_key_id,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": self.nonce(),
            "SignatureVersion": "1.0",
            "Timestamp": self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if self.security_token is not None:
            own["SecurityToken"] = self.security_token
        others = [piece for piece in canonical.pieces(request.query) if canonical.pair(piece.encode())[0] not in _OWN]
        query = [*others, *(f"{name}={canonical.quoted(value.encode())}" for name, value in own.items())]
        signed = request.with_target(request.path, "&".join(query))
        pairs = [*canonical.query_pairs(signed), *canonical.form_pairs(signed)]
        signature = canonical.quoted(self._signature(request.method, pairs).encode())
        return signed.with_target(request.path, f"{signed.query}&Signature={signature}")

    def _signature(self, method: str, pairs: Iterable[canonical.Pair]) -> str:
        to_sign = f"{method}&%2F&{canonical.quoted(canonical.parameters(pairs).encode())}"
        digest = hmac.new(f"{self.access_key_secret}&".encode(), to_sign.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()
