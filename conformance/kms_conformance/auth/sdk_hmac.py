"""SDK-HMAC-SHA256 (Huawei Cloud, "API Request Signing Guide": api-sign-algorithm-001 to -005)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING, ClassVar

from kms_conformance.auth import canonical
from kms_conformance.auth.key_pair import KeyPair, of_another_operation
from kms_conformance.auth.sabotage import Disguised
from kms_conformance.auth.scheme import CREDENTIAL, PROJECT_ID, Clock, Sabotage, SignerTools, utc_now

if TYPE_CHECKING:
    from kms_conformance.auth.scheme import SabotageTools
    from kms_conformance.wire.messages import Request

ALGORITHM = "SDK-HMAC-SHA256"


@dataclass(frozen=True)
class AccessKeyAuth(KeyPair):
    """An access key that signs whole requests (SDK-HMAC-SHA256)."""

    way: ClassVar[str] = "aksk"
    title: ClassVar[str] = "an access key that signs whole requests"
    dialects: ClassVar[tuple[str, ...]] = ("huawei",)
    scope_key: ClassVar[str] = "project_id"
    headers: ClassVar[tuple[str, ...]] = ("X-Security-Token",)
    token_headers: ClassVar[tuple[str, ...]] = ("X-Security-Token",)
    words: ClassVar[str] = "X-Project-Id X-Sdk-Content-Sha256 X-Sdk-Date SDK-HMAC-SHA256 Access SignedHeaders Signature"

    project_id: str = field(metadata=PROJECT_ID)
    security_token: str | None = field(default=None, repr=False, metadata=CREDENTIAL)

    def signer(self, tools: SignerTools) -> SdkHmacSigner:
        """The signer for this access key."""
        key = self.access_key_id, self.access_key_secret
        return SdkHmacSigner(*key, self.project_id, self.security_token, tools.now)

    def sabotages(self, tools: SabotageTools) -> tuple[Sabotage, ...]:
        """The faulty signers of access keys, and three that change the body, the query, or the last part of the path.

        The last part of a path names the operation.
        """
        other = Disguised(
            tools.factory(self), _of_another_operation, lambda signed, request: replace(signed, url=request.url)
        )
        return (
            *super().sabotages(tools),
            *self.body_and_query_sabotages(tools),
            of_another_operation(other),
        )


@dataclass(frozen=True)
class SdkHmacSigner:
    """Signs method, path, query, selected headers and body. The secret itself is the HMAC key."""

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    project_id: str | None = None
    security_token: str | None = field(default=None, repr=False)
    now: Clock = utc_now

    def sign(self, request: Request) -> Request:
        """The request with X-Sdk-Date, X-Project-Id (if the project is known) and Authorization."""
        date = self.now().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = request.without_headers("X-Security-Token")
        if self.project_id is not None and signed.header("X-Project-Id") is None:
            signed = signed.with_header("X-Project-Id", self.project_id)
        signed = signed.with_header("X-Sdk-Date", date)
        if self.security_token is not None:
            signed = signed.with_header("X-Security-Token", self.security_token)
        text, names = canonical_request(signed)
        to_sign = f"{ALGORITHM}\n{date}\n{hashlib.sha256(text.encode()).hexdigest()}"
        signature = hmac.new(self.access_key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        credentials = f"{ALGORITHM} Access={self.access_key_id}, SignedHeaders={names}, Signature={signature}"
        return signed.with_header("Authorization", credentials)


def canonical_request(request: Request) -> tuple[str, str]:
    """Returns the canonical request and the names of the signed headers."""
    lines, names = canonical.headers(request, signs=_signs)
    path = canonical.path(request)
    body_hash = request.header("X-Sdk-Content-Sha256") or hashlib.sha256(request.body).hexdigest()
    # The canonical path always ends in a slash.
    text = "\n".join(
        (
            request.method.upper(),
            path if path.endswith("/") else f"{path}/",
            canonical.query(request),
            lines,
            names,
            body_hash,
        )
    )
    return text, names


def _signs(name: str) -> bool:
    # Gateways drop names with an underscore, so the vendor's clients never sign them.
    return name == "content-type" or (name.startswith("x-") and "_" not in name)


def _of_another_operation(request: Request) -> Request:
    """The request with another operation as the last part of its path."""
    before, _, last = request.path.rpartition("/")
    query = request.query if "?" in request.target else None
    return request.with_target(f"{before}/{'list-keys' if last == 'describe-key' else 'describe-key'}", query)
