"""Faulty signers for checks of authentication: each has exactly one fault and an expected refusal."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from kms_conformance.auth import canonical
from kms_conformance.auth.scheme import SabotageTools, Signer, project_of
from kms_conformance.core.runtime import SYSTEM, Chance
from kms_conformance.target.auth import Auth
from kms_conformance.wire.credentials import credential_places

if TYPE_CHECKING:
    from collections.abc import Callable

    from kms_conformance.wire.messages import Request


@dataclass(frozen=True)
class Changed:
    """A signer that signs a request and then changes it."""

    signer: Signer
    change: Callable[[Request], Request]

    def sign(self, request: Request) -> Request:
        """The signed request after the change."""
        return self.change(self.signer.sign(request))


@dataclass(frozen=True)
class Disguised:
    """A signer that signs another request than the one that it sends.

    - before: makes the request that is signed.
    - after: puts the part that differs back into the signed request; its second argument is the request to send.
    """

    signer: Signer
    before: Callable[[Request], Request]
    after: Callable[[Request, Request], Request]

    def sign(self, request: Request) -> Request:
        """The request with the signature of the other one."""
        return self.after(self.signer.sign(self.before(request)), request)


@dataclass(frozen=True)
class Unsigned:
    """A signer that adds no credentials, removes those of a request, and fetches no token."""

    def sign(self, request: Request) -> Request:
        """The request without credentials."""
        return without_credentials(request)


@dataclass(frozen=True)
class AsSigned:
    """A signer for a request that was sent before: it is sent as it was signed then."""

    def sign(self, request: Request) -> Request:
        """The request as it is."""
        return request


@dataclass(frozen=True)
class OtherProject:
    """A signer with valid credentials that changes the project in the path of a request before signing it."""

    signer: Signer
    chance: Chance = SYSTEM

    def sign(self, request: Request) -> Request:
        """The signed request with a random project in its path; raises `ValueError` if the path has no project."""
        own = project_of(self.signer)
        segments = request.path.split("/")
        if not own or own not in segments:
            raise ValueError("the request's path contains no project id")
        path = "/".join(self.chance.hex(16) if segment == own else segment for segment in segments)
        query = request.query if "?" in request.target else None
        return self.signer.sign(request.with_target(path, query))


class Replaying:
    """A signer that uses the nonce and the timestamp of its first request for every request."""

    def __init__(self, tools: SabotageTools, auth: Auth) -> None:
        self._lock = threading.Lock()
        self._nonce = tools.chance.nonce()
        self._now = tools.now
        self._time: datetime | None = None
        self._signer = tools.factory(auth, now=self._first_time, nonce=lambda: self._nonce)

    def sign(self, request: Request) -> Request:
        """The signed request, equal for equal requests."""
        return self._signer.sign(request)

    def _first_time(self) -> datetime:
        with self._lock:
            if self._time is None:
                self._time = self._now()
            return self._time


def with_other_method(signer: Signer) -> Signer:
    """A signer whose signature is for the same request with another HTTP method."""
    return Disguised(
        signer,
        lambda request: replace(request, method="GET" if request.method == "POST" else "POST"),
        lambda signed, request: replace(signed, method=request.method),
    )


def without_credentials(request: Request) -> Request:
    """The request without the headers and query parameters of any way to sign in."""
    places = credential_places()
    parameters = [name.encode() for name in places.signing_parameters]
    bare = request.without_headers(*places.signing_headers)
    all_pieces = canonical.pieces(bare.query)
    kept = [piece for piece in all_pieces if canonical.pair(piece.encode())[0] not in parameters]
    return bare if len(kept) == len(all_pieces) else bare.with_target(bare.path, "&".join(kept))
