"""Signers with exactly one thing wrong, for checks of authentication: what is wrong, and how it must be refused."""

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

#: All vendors' gateways name 15 minutes as the most that a signature's time may differ from theirs.
_STALE = timedelta(minutes=20)


@dataclass(frozen=True)
class Sabotage:
    """One way to sign wrongly.

    `refusal` names the profile's refusal. The first `valid_first` requests that the signer signs are right, and must
    be accepted before the refusal is due.
    """

    name: str
    refusal: str
    signer: Signer
    valid_first: int = 0


class Factory(Protocol):
    """Makes a signer for credentials; `SignerFactory` is one."""

    def __call__(self, auth: Auth, *, now: Clock | None = None, nonce: Nonce | None = None) -> Signer:
        """The signer for these credentials."""
        ...


@dataclass(frozen=True)
class Changed:
    """Signs, and then changes what was signed."""

    signer: Signer
    change: Callable[[Request], Request]

    def sign(self, request: Request) -> Request:
        """The signed request, changed."""
        return self.change(self.signer.sign(request))


@dataclass(frozen=True)
class Unsigned:
    """Puts nothing on a request: for tokens, which then need not even be fetched."""

    def sign(self, request: Request) -> Request:
        """The request without credentials."""
        return without_credentials(request)


@dataclass(frozen=True)
class SabotageTools:
    """The factory for signers, the time, and the source of made-up values."""

    factory: Factory
    now: Clock
    chance: Chance

    def stale(self) -> datetime:
        """A time at which a signature is too old."""
        return self.now() - _STALE


@dataclass(frozen=True)
class OtherProject:
    """Signs with good credentials, and asks for what belongs to another project."""

    signer: Signer
    chance: Chance = SYSTEM

    def sign(self, request: Request) -> Request:
        """The request for the other project; raises ValueError where the request names no project."""
        own = project_of(self.signer)
        segments = request.path.split("/")
        if not own or own not in segments:
            raise ValueError("the request's path names no project that could be another one")
        path = "/".join(self.chance.hex(16) if segment == own else segment for segment in segments)
        query = request.query if "?" in request.target else None
        return self.signer.sign(request.with_target(path, query))


class Replaying:
    """Signs every request with the nonce and the time of the first."""

    def __init__(self, tools: SabotageTools, auth: Auth) -> None:
        self._lock = threading.Lock()
        self._nonce = tools.chance.nonce()
        self._now = tools.now
        self._time: datetime | None = None
        self._signer = tools.factory(auth, now=self._first_time, nonce=lambda: self._nonce)

    def sign(self, request: Request) -> Request:
        """The signed request; the same one every time, if it is given the same."""
        return self._signer.sign(request)

    def _first_time(self) -> datetime:
        with self._lock:
            if self._time is None:
                self._time = self._now()
            return self._time


def without_credentials(request: Request) -> Request:
    """The request without the headers and the query parameters that could identify anybody."""
    places = credential_places()
    parameters = [name.encode() for name in places.signing_parameters]
    bare = request.without_headers(*places.signing_headers)
    all_pieces = canonical.pieces(bare.query)
    kept = [piece for piece in all_pieces if canonical.pair(piece.encode())[0] not in parameters]
    return bare if len(kept) == len(all_pieces) else bare.with_target(bare.path, "&".join(kept))
