"""Faulty signers for checks of authentication: each has exactly one fault and an expected refusal."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from kms_conformance.auth import canonical
from kms_conformance.auth.scheme import Clock, Nonce, Signer, project_of
from kms_conformance.core.runtime import SYSTEM, Chance
from kms_conformance.target.auth import Auth
from kms_conformance.wire.credentials import credential_places

if TYPE_CHECKING:
    from collections.abc import Callable

    from kms_conformance.wire.messages import Request

#: Every vendor documents 15 minutes as the largest accepted clock difference of a signature.
_STALE = timedelta(minutes=20)


@dataclass(frozen=True)
class Sabotage:
    """A faulty signer, and the name of the profile's refusal for it.

    The first `valid_first` requests of the signer are valid and must be accepted; later ones must be refused.
    """

    name: str
    refusal: str
    signer: Signer
    valid_first: int = 0


class Factory(Protocol):
    """The call signature of `SignerFactory`."""

    def __call__(self, auth: Auth, *, now: Clock | None = None, nonce: Nonce | None = None) -> Signer:
        """The signer for these credentials."""
        ...


@dataclass(frozen=True)
class Changed:
    """Signs a request, then changes it."""

    signer: Signer
    change: Callable[[Request], Request]

    def sign(self, request: Request) -> Request:
        """The signed request after the change."""
        return self.change(self.signer.sign(request))


@dataclass(frozen=True)
class Unsigned:
    """Sends requests without credentials, and fetches no token."""

    def sign(self, request: Request) -> Request:
        """The request without credentials."""
        return without_credentials(request)


@dataclass(frozen=True)
class SabotageTools:
    """The factory of signers, the clock of signatures, and the source of random values."""

    factory: Factory
    now: Clock
    chance: Chance

    def stale(self) -> datetime:
        """A timestamp that is too old for a signature."""
        return self.now() - _STALE


@dataclass(frozen=True)
class OtherProject:
    """Signs with valid credentials a request to another project."""

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
    """Signs every request with the nonce and the timestamp of the first."""

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


def without_credentials(request: Request) -> Request:
    """The request without the headers and query parameters of any way to sign in."""
    places = credential_places()
    parameters = [name.encode() for name in places.signing_parameters]
    bare = request.without_headers(*places.signing_headers)
    all_pieces = canonical.pieces(bare.query)
    kept = [piece for piece in all_pieces if canonical.pair(piece.encode())[0] not in parameters]
    return bare if len(kept) == len(all_pieces) else bare.with_target(bare.path, "&".join(kept))
