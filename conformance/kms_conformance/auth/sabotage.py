"""Signers with exactly one thing wrong, for checks of authentication: what is wrong, and how it must be refused."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from kms_conformance.auth import canonical
from kms_conformance.auth.build import project_of
from kms_conformance.auth.signer import Clock, Nonce, Signer, utc_now
from kms_conformance.core.runtime import SYSTEM, Chance
from kms_conformance.target.model import AccessKeyAuth, Auth, PasswordAuth, RpcAuth, SigV4Auth, TokenAuth
from kms_conformance.wire.credentials import SIGNING_HEADERS, SIGNING_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from kms_conformance.target.model import Target
    from kms_conformance.wire.messages import Request

#: All vendors' gateways name 15 minutes as the most that a signature's time may differ from theirs.
_STALE = timedelta(minutes=20)

_CREDENTIAL_PARAMETERS = tuple(name.encode() for name in SIGNING_PARAMETERS)


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


def sabotages(target: Target, factory: Factory, now: Clock = utc_now, chance: Chance = SYSTEM) -> tuple[Sabotage, ...]:
    """All the ways in which the target's own way to sign in can be done wrongly."""
    return _BY_WAY[target.auth.way](target.auth, _Bench(factory, now, chance.fork()))


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
class _Bench:
    """What signers are made with: the factory, the time, and chance."""

    factory: Factory
    now: Clock
    chance: Chance

    def stale(self) -> datetime:
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

    def __init__(self, bench: _Bench, auth: Auth) -> None:
        self._lock = threading.Lock()
        self._nonce = bench.chance.nonce()
        self._now = bench.now
        self._time: datetime | None = None
        self._signer = bench.factory(auth, now=self._first_time, nonce=lambda: self._nonce)

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
    bare = request.without_headers(*SIGNING_HEADERS)
    all_pieces = canonical.pieces(bare.query)
    kept = [piece for piece in all_pieces if canonical.pair(piece.encode())[0] not in _CREDENTIAL_PARAMETERS]
    return bare if len(kept) == len(all_pieces) else bare.with_target(bare.path, "&".join(kept))


def _tampered_body(request: Request) -> Request:
    # A blank after a JSON text changes its bytes and nothing else.
    return replace(request, body=request.body + b" ")


def _tampered_query(request: Request) -> Request:
    # Not an existing parameter: an endpoint that checks nothing must not be made to act on another key.
    query = f"{request.query}&Tampered=1" if request.query else "Tampered=1"
    return request.with_target(request.path, query)


def _with_token(auth: TokenAuth | PasswordAuth, bench: _Bench, project_id: str) -> tuple[Sabotage, ...]:
    def token(text: str) -> Signer:
        return bench.factory(TokenAuth(text, project_id))

    expired = auth.expired_token
    return (
        Sabotage("missing", "no_credentials", Unsigned()),
        Sabotage("garbage", "bad_token", token(bench.chance.hex(32))),
        *((Sabotage("expired", "expired_token", token(expired)),) if expired is not None else ()),
        Sabotage("other_project", "wrong_project", OtherProject(bench.factory(auth), bench.chance)),
    )


def _token(auth: Auth, bench: _Bench) -> tuple[Sabotage, ...]:
    assert isinstance(auth, TokenAuth)
    return _with_token(auth, bench, auth.project_id)


def _password(auth: Auth, bench: _Bench) -> tuple[Sabotage, ...]:
    assert isinstance(auth, PasswordAuth)
    return _with_token(auth, bench, "")


def _key_pair(auth: AccessKeyAuth | RpcAuth | SigV4Auth, bench: _Bench) -> tuple[Sabotage, ...]:
    stranger = replace(auth, access_key_id=bench.chance.fork().other(auth.access_key_id))
    mistaken = replace(auth, access_key_secret=bench.chance.fork().other(auth.access_key_secret))
    return (
        Sabotage("missing", "no_credentials", Changed(bench.factory(auth), without_credentials)),
        Sabotage("unknown_access_key", "unknown_access_key", bench.factory(stranger)),
        Sabotage("wrong_secret", "wrong_signature", bench.factory(mistaken)),
        Sabotage("stale", "stale_signature", bench.factory(auth, now=bench.stale)),
    )


def _aksk(auth: Auth, bench: _Bench) -> tuple[Sabotage, ...]:
    assert isinstance(auth, AccessKeyAuth)
    return (
        *_key_pair(auth, bench),
        Sabotage("tampered_body", "wrong_signature", Changed(bench.factory(auth), _tampered_body)),
        Sabotage("tampered_query", "wrong_signature", Changed(bench.factory(auth), _tampered_query)),
    )


def _rpc(auth: Auth, bench: _Bench) -> tuple[Sabotage, ...]:
    assert isinstance(auth, RpcAuth)
    return (
        *_key_pair(auth, bench),
        Sabotage("tampered", "wrong_signature", Changed(bench.factory(auth), _tampered_query)),
        Sabotage("replayed_nonce", "replayed_nonce", Replaying(bench, auth), valid_first=1),
    )


def _without_signed_headers(request: Request) -> Request:
    """The request whose Authorization does not say what was signed."""
    parts = (request.header("Authorization") or "").split(", ")
    return request.with_header(
        "Authorization", ", ".join(part for part in parts if not part.startswith("SignedHeaders"))
    )


def _sigv4(auth: Auth, bench: _Bench) -> tuple[Sabotage, ...]:
    assert isinstance(auth, SigV4Auth)
    elsewhere = "us-west-1" if auth.region != "us-west-1" else "us-west-2"
    return (
        *_key_pair(auth, bench),
        Sabotage("incomplete", "incomplete_signature", Changed(bench.factory(auth), _without_signed_headers)),
        Sabotage("tampered_body", "wrong_signature", Changed(bench.factory(auth), _tampered_body)),
        Sabotage("tampered_query", "wrong_signature", Changed(bench.factory(auth), _tampered_query)),
        Sabotage("other_region", "other_region", bench.factory(replace(auth, region=elsewhere))),
    )


_BY_WAY: dict[str, Callable[[Auth, _Bench], tuple[Sabotage, ...]]] = {
    TokenAuth.way: _token,
    PasswordAuth.way: _password,
    AccessKeyAuth.way: _aksk,
    RpcAuth.way: _rpc,
    SigV4Auth.way: _sigv4,
}
