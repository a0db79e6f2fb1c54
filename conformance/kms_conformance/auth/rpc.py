"""Access keys for RPC calls, and their signature with HMAC-SHA1 (Alibaba Cloud, "Signature mechanism" of RPC APIs)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING, ClassVar, Literal

from kms_conformance.auth import canonical
from kms_conformance.auth.acs3 import Acs3Signer
from kms_conformance.auth.key_pair import KeyPair, of_another_operation, tampered_query
from kms_conformance.auth.sabotage import Disguised, Replaying
from kms_conformance.auth.scheme import (
    CREDENTIAL,
    Clock,
    Nonce,
    Sabotage,
    SabotageTools,
    SignerTools,
    fresh_nonce,
    utc_now,
)

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


# How the name of a key begins in a query.
_KEY = "KeyId="
# Where a request names its action: as a parameter (v1), or in a header (v3).
_ACTION, _ACTION_HEADER = "Action", "x-acs-action"

_SIGNATURE = {"description": "v1 or v3", "enum": ["v1", "v3"], "default": "v1", "examples": ["v3"]}


@dataclass(frozen=True)
class RpcAuth(KeyPair):
    """An access key that signs RPC calls: their parameters (v1) or the whole request (v3)."""

    way: ClassVar[str] = "rpc"
    title: ClassVar[str] = "an access key that signs RPC calls"
    dialects: ClassVar[tuple[str, ...]] = ("alibaba",)
    headers: ClassVar[tuple[str, ...]] = ("x-acs-security-token", "x-acs-accesskey-id")
    token_headers: ClassVar[tuple[str, ...]] = ("x-acs-security-token",)
    key_id_headers: ClassVar[tuple[str, ...]] = ("x-acs-accesskey-id",)
    parameters: ClassVar[tuple[str, ...]] = ("Signature", "SecurityToken", "AccessKeyId")
    fresh_parameters: ClassVar[tuple[str, ...]] = ("Signature", "SignatureNonce", "Timestamp", "AccessKeyId")
    words: ClassVar[str] = (
        "SignatureMethod SignatureNonce SignatureVersion Timestamp HMAC-SHA1 ACS3-HMAC-SHA256 Credential SignedHeaders "
        "x-acs-action x-acs-content-sha256 x-acs-date x-acs-signature-nonce x-acs-version"
    )

    security_token: str | None = field(default=None, repr=False, metadata=CREDENTIAL)
    signature: Literal["v1", "v3"] = field(default="v1", metadata=_SIGNATURE)

    def signer(self, tools: SignerTools) -> RpcV1Signer | Acs3Signer:
        """The signer for this access key and the signature version that the target file names."""
        kind = Acs3Signer if self.signature == "v3" else RpcV1Signer
        return kind(self.access_key_id, self.access_key_secret, self.security_token, tools.now, tools.nonce)

    def sabotages(self, tools: SabotageTools) -> tuple[Sabotage, ...]:
        """The faulty signers of access keys, and more.

        These change the query or the action, or repeat a nonce. Those of a temporary key lack its token, or have
        another one.
        """
        return (
            *super().sabotages(tools),
            self.query_sabotage(tools, "tampered"),
            *self._form_sabotages(tools),
            of_another_operation(Disguised(tools.factory(self), _of_another_action, _with_action_of)),
            *self.token_sabotages(tools, self.security_token),
            Sabotage(
                "replayed_nonce",
                "replayed_nonce",
                Replaying(tools, self),
                valid_first=1,
                wrong="The request has the nonce of the request before, to which it is equal.",
            ),
        )

    def _form_sabotages(self, tools: SabotageTools) -> tuple[Sabotage, ...]:
        """The signer that adds a key to the form after signing; version 3 signs a hash of the body."""
        if self.signature == "v3":
            return ()
        wrong = "The id of the key was added in the form body after the request was signed."
        disguised = Disguised(tools.factory(self), _without_key, _with_key_in_form)
        return (Sabotage("tampered_form", "wrong_signature or missing_key", disguised, wrong=wrong),)


@dataclass(frozen=True)
class RpcV1Signer:
    """Signs the method and all parameters of query and form, and adds the signature to the query."""

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    now: Clock = utc_now
    nonce: Nonce = fresh_nonce

    def sign(self, request: Request) -> Request:
        """The request with the signature parameters in its query."""
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


def _without_key(request: Request) -> Request:
    """The request without the name of its key."""
    kept = [piece for piece in canonical.pieces(request.query) if not piece.startswith(_KEY)]
    return request.with_target(request.path, "&".join(kept))


def _with_key_in_form(signed: Request, request: Request) -> Request:
    """The signed request with the name of the key in its form; without such a name, with a tampered query."""
    form = "&".join(piece for piece in canonical.pieces(request.query) if piece.startswith(_KEY))
    if not form:
        return tampered_query(signed)
    return replace(signed, body=form.encode()).with_header("Content-Type", "application/x-www-form-urlencoded")


def _of_another_action(request: Request) -> Request:
    """The request for another action."""
    return _with_action(request, "ListKeys" if _action(request) == "DescribeKey" else "DescribeKey")


def _with_action_of(signed: Request, request: Request) -> Request:
    """The signed request with the action of `request`."""
    return _with_action(signed, _action(request))


def _action(request: Request) -> str:
    found = dict(canonical.query_pairs(request)).get(_ACTION.encode(), b"")
    return found.decode() or request.header(_ACTION_HEADER) or ""


def _with_action(request: Request, action: str) -> Request:
    if request.header(_ACTION_HEADER) is not None:
        return request.with_header(_ACTION_HEADER, action)
    query = [
        f"{_ACTION}={action}" if canonical.pair(piece.encode())[0] == _ACTION.encode() else piece
        for piece in canonical.pieces(request.query)
    ]
    return request.with_target(request.path, "&".join(query))
