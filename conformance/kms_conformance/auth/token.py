"""A bearer token in X-Auth-Token (Huawei Cloud, "Authentication": token-based)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Request


@dataclass(frozen=True)
class TokenSigner:
    """Sends one token, whatever it is worth."""

    token: str = field(repr=False)
    project_id: str

    def sign(self, request: Request) -> Request:
        """The request with the token on it."""
        return request.with_header("X-Auth-Token", self.token)
