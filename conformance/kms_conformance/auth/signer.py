"""What every signer is: a function from a request to the same request with credentials on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from kms_conformance.core.runtime import REAL, SYSTEM

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Request

Clock = Callable[[], datetime]
Nonce = Callable[[], str]


class Signer(Protocol):
    """Puts credentials on a request. Signing twice is the same as signing once, later."""

    def sign(self, request: Request) -> Request:
        """The request as it is to be sent; raises `SignInFailed` where credentials must be fetched and cannot be."""
        ...


class SignInFailed(Exception):  # noqa: N818 - what happened, not a class of bug: our credentials did not do
    """Our own credentials did not get us in: no verdict on the endpoint follows from it."""

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n{self.why}\n{self.hint}"


def project_of(signer: Signer) -> str:
    """The id of the project that the signer's credentials are for, "" where the dialect knows no projects.

    Raises `SignInFailed` where it must be fetched and cannot be.
    """
    found = getattr(signer, "project_id", None)
    return found if isinstance(found, str) else ""


def utc_now() -> datetime:
    """The real time, aware: signatures never follow a moved clock."""
    return REAL.now()


def fresh_nonce() -> str:
    """32 hexadecimal digits that were never used before."""
    return SYSTEM.nonce()
