"""AWS4-HMAC-SHA256, signature version 4 (AWS, "Signature Version 4 for API requests"), by the vendor's own signer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING

from conformance.auth.signer import Clock, utc_now

if TYPE_CHECKING:
    from conformance.wire.messages import Request

_OWN = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")


@dataclass(frozen=True)
class SigV4Signer:
    """Signs method, path, query, all headers and the body, for one region."""

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    region: str
    security_token: str | None = field(default=None, repr=False)
    now: Clock = utc_now
    service: str = "kms"

    def sign(self, request: Request) -> Request:
        """The request with X-Amz-Date, Authorization and, for temporary credentials, X-Amz-Security-Token."""
        # Late: only this dialect needs them, and they take half a second.
        from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth  # noqa: PLC0415
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.credentials import Credentials  # noqa: PLC0415

        bare = request.without_headers(*_OWN)
        stamp = self.now().astimezone(UTC).strftime(SIGV4_TIMESTAMP)
        token = () if self.security_token is None else (("X-Amz-Security-Token", self.security_token),)
        stamped = replace(bare, headers=(*bare.headers, ("X-Amz-Date", stamp), *token))
        signer = SigV4Auth(
            Credentials(self.access_key_id, self.access_key_secret, self.security_token), self.service, self.region
        )
        theirs = AWSRequest(method=stamped.method, url=stamped.url, data=stamped.body)
        for name, value in stamped.headers:
            theirs.headers.add_header(name, value)
        # Not `add_auth`: it would take the time of its own clock, and stale signatures have to be made, too.
        theirs.context["timestamp"] = stamp
        text = signer.string_to_sign(theirs, signer.canonical_request(theirs))
        names = signer.signed_headers(signer.headers_to_sign(theirs))
        credentials = ", ".join(
            (
                f"AWS4-HMAC-SHA256 Credential={signer.scope(theirs)}",
                f"SignedHeaders={names}",
                f"Signature={signer.signature(text, theirs)}",
            )
        )
        return stamped.with_header("Authorization", credentials)
