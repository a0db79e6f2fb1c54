"""AWS4-HMAC-SHA256 (AWS, "Signature Version 4 for API requests").

The vendor's signer in botocore always uses the real time. It is not used here, because checks also need signatures with
old timestamps. Tests compare this implementation byte by byte with the published test vectors and with botocore.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from kms_conformance.auth.key_pair import KeyPair, of_another_operation, tampered_body
from kms_conformance.auth.sabotage import Changed, Disguised
from kms_conformance.auth.scheme import CREDENTIAL, Clock, Sabotage, SabotageTools, Signer, SignerTools, utc_now

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Request

ALGORITHM = "AWS4-HMAC-SHA256"
_TARGET = "X-Amz-Target"
_HASH = "X-Amz-Content-SHA256"
_OWN = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")
# Headers that proxies and clients may change or add. The vendor's clients do not sign them either.
_UNSIGNED = frozenset(
    {
        *("baggage", "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"),
        *("traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id"),
    }
)


_REGION = {
    "description": "a region's name, of small letters, digits and dashes",
    "type": "string",
    "pattern": "^[a-z0-9-]+$",
    "examples": ["eu-central-1"],
}


@dataclass(frozen=True)
class SigV4Auth(KeyPair):
    """An access key that signs whole requests for one region (AWS4-HMAC-SHA256)."""

    way: ClassVar[str] = "sigv4"
    title: ClassVar[str] = "an access key that signs requests for a region"
    dialects: ClassVar[tuple[str, ...]] = ("aws",)
    headers: ClassVar[tuple[str, ...]] = ("X-Amz-Security-Token",)
    token_headers: ClassVar[tuple[str, ...]] = ("X-Amz-Security-Token",)
    words: ClassVar[str] = (
        "X-Amz-Content-Sha256 X-Amz-Date AWS4-HMAC-SHA256 aws4_request Credential SignedHeaders Signature "
        "UNSIGNED-PAYLOAD region"
    )

    region: str = field(metadata=_REGION)
    security_token: str | None = field(default=None, repr=False, metadata=CREDENTIAL)

    def signer(self, tools: SignerTools) -> SigV4Signer:
        """The signer for this access key and region."""
        key = self.access_key_id, self.access_key_secret
        return SigV4Signer(*key, self.region, self.security_token, tools.now)

    def sabotages(self, tools: SabotageTools) -> tuple[Sabotage, ...]:
        """The faulty signers of access keys, and more.

        These change the body, the query or the operation, leave out the list of signed headers, or sign for another
        region, service or day. Those of a temporary key lack its token, or have another one.
        """
        own = tools.factory(self)
        elsewhere = "us-west-1" if self.region != "us-west-1" else "us-west-2"
        return (
            *super().sabotages(tools),
            Sabotage(
                "incomplete",
                "incomplete_signature",
                Changed(tools.factory(self), _without_signed_headers),
                wrong="The Authorization header lacks SignedHeaders.",
            ),
            *self.body_and_query_sabotages(tools),
            Sabotage(
                "tampered_hashed_body",
                "wrong_signature",
                Disguised(own, _with_hash, _with_other_body),
                wrong="A blank was added behind the body after the request was signed; its header has the old hash.",
            ),
            of_another_operation(Disguised(own, _of_another_operation, _with_target_of)),
            Sabotage(
                "other_region",
                "other_region",
                tools.factory(replace(self, region=elsewhere)),
                wrong="The signature is made for another region, which its scope names.",
            ),
            Sabotage(
                "other_scope_service",
                "other_region",
                _scoped(own, service="sts"),
                wrong="The scope of the signature names another service, sts.",
            ),
            Sabotage(
                "other_scope_day",
                "stale_signature",
                _scoped(own, days_off=1),
                wrong="The scope of the signature names another day than its date.",
            ),
            *self.token_sabotages(tools, self.security_token),
        )


@dataclass(frozen=True)
class SigV4Signer:
    """Signs method, path, query, headers and body for one region.

    The day in the scope of a signature is that of its date; with `days_off`, it is as many days later.
    """

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    region: str
    security_token: str | None = field(default=None, repr=False)
    now: Clock = utc_now
    service: str = "kms"
    days_off: int = 0

    def sign(self, request: Request) -> Request:
        """The request with X-Amz-Date, Authorization and, for temporary credentials, X-Amz-Security-Token."""
        bare = request.without_headers(*_OWN)
        moment = self.now().astimezone(UTC)
        stamp = moment.strftime("%Y%m%dT%H%M%SZ")
        token = () if self.security_token is None else (("X-Amz-Security-Token", self.security_token),)
        stamped = replace(bare, headers=(*bare.headers, ("X-Amz-Date", stamp), *token))
        day = (moment + timedelta(days=self.days_off)).strftime("%Y%m%d")
        scope = (day, self.region, self.service, "aws4_request")
        text, names = canonical_request(stamped)
        to_sign = "\n".join((ALGORITHM, stamp, "/".join(scope), hashlib.sha256(text.encode()).hexdigest()))
        key = _signing_key(self.access_key_secret, scope)
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        credential = "/".join((self.access_key_id, *scope))
        return stamped.with_header(
            "Authorization", f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        )


@lru_cache(maxsize=8)
def _signing_key(secret: str, scope: tuple[str, ...]) -> bytes:
    """The key of all signatures of one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def canonical_request(request: Request) -> tuple[str, str]:
    """Returns the canonical request and the names of the signed headers."""
    lines, names = _headers(request)
    body_hash = request.header(_HASH) or hashlib.sha256(request.body).hexdigest()
    parts = (request.method.upper(), _path(request.path), _query(request.query), lines, names, body_hash)
    return "\n".join(parts), names


def _path(path: str) -> str:
    """The path without dot segments and repeated slashes (RFC 3986, 5.2.4), percent-encoded once more."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    slash = "/" if kept and path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{slash}", safe="/~")


def _query(query: str) -> str:
    """The encoded parameters, sorted by name and then by value."""
    pairs = sorted(piece.partition("=")[::2] for piece in query.split("&")) if query else []
    return "&".join(f"{name}={value}" for name, value in pairs)


def _headers(request: Request) -> tuple[str, str]:
    """Returns the canonical headers and the names of the signed headers.

    The values of repeated headers are joined, and runs of blanks become one blank.
    """
    found: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name.lower() not in _UNSIGNED:
            found.setdefault(name.lower(), []).append(" ".join(value.split()))
    found.setdefault("host", [request.authority])
    return "".join(f"{name}:{','.join(found[name])}\n" for name in sorted(found)), ";".join(sorted(found))


def _without_signed_headers(request: Request) -> Request:
    """The request without the list of signed headers in Authorization."""
    parts = (request.header("Authorization") or "").split(", ")
    return request.with_header(
        "Authorization", ", ".join(part for part in parts if not part.startswith("SignedHeaders"))
    )


def _with_hash(request: Request) -> Request:
    """The request with the hash of its body in a header."""
    return request.with_header(_HASH, hashlib.sha256(request.body).hexdigest())


def _with_other_body(signed: Request, request: Request) -> Request:
    """The signed request with another body than `request`, for which it was signed."""
    return replace(signed, body=tampered_body(request).body)


def _of_another_operation(request: Request) -> Request:
    """The request with the name of another operation of the service in its header."""
    prefix, _, name = (request.header(_TARGET) or "").rpartition(".")
    return request.with_header(_TARGET, f"{prefix}.{'ListKeys' if name == 'DescribeKey' else 'DescribeKey'}")


def _with_target_of(signed: Request, request: Request) -> Request:
    """The signed request with the operation of `request`."""
    name = request.header(_TARGET)
    return signed.without_headers(_TARGET) if name is None else signed.with_header(_TARGET, name)


def _scoped(signer: Signer, service: str = "kms", days_off: int = 0) -> Signer:
    """The signer with another service, or another day than that of the date, in the scope of its signatures."""
    assert isinstance(signer, SigV4Signer)
    return replace(signer, service=service, days_off=days_off)
