"""A target: one endpoint with the credentials and the limits that its user gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias
from urllib.parse import urlsplit

from kms_conformance.target.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Signature = Literal["v3", "v1"]


@dataclass(frozen=True)
class TokenAuth:
    """A token that was got elsewhere, sent as it is."""

    way: ClassVar[str] = "token"
    token: str = field(repr=False)
    project_id: str
    expired_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class PasswordAuth:
    """A user's password, traded at the identity service at `iam_url` for a token and the project's id."""

    way: ClassVar[str] = "password"
    username: str
    password: str = field(repr=False)
    domain: str
    project: str
    iam_url: str
    expired_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AccessKeyAuth:
    """An access key that signs whole requests (SDK-HMAC-SHA256)."""

    way: ClassVar[str] = "aksk"
    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    project_id: str
    security_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RpcAuth:
    """An access key that signs RPC calls: their parameters (v1) or the whole request (v3)."""

    way: ClassVar[str] = "rpc"
    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    signature: Signature = "v1"


@dataclass(frozen=True)
class SigV4Auth:
    """An access key that signs whole requests for one region (AWS4-HMAC-SHA256)."""

    way: ClassVar[str] = "sigv4"
    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    region: str
    security_token: str | None = field(default=None, repr=False)


Auth: TypeAlias = TokenAuth | PasswordAuth | AccessKeyAuth | RpcAuth | SigV4Auth

#: Every way to sign in, by its name in `auth_ways` of the profiles and in the JSON Schema of target files.
WAYS: dict[str, type[Auth]] = {kind.way: kind for kind in (TokenAuth, PasswordAuth, AccessKeyAuth, RpcAuth, SigV4Auth)}


@dataclass(frozen=True)
class Limits:
    """What the user allows us to do to the endpoint; None as a pace means: as fast as it answers."""

    max_keys: int = 6
    requests_per_second: float | None = None
    timeout_seconds: float = 10.0


@dataclass(frozen=True)
class Target:
    """One endpoint. Neither its repr nor any error about it shows a secret.

    `base_url` has no trailing slash. `real_account` is the user's word that a run may create keys there. `verify` is
    True, or the file of certificate authorities to trust. `ledger` is the name or the file of the ledger, None for one
    that is named after the target. `secrets` are the values that must never be shown; those of them that are `ordinary`
    words are hidden where credentials stand, and nowhere else. `labels` names the variable or the key that each of them
    came from.
    """

    name: str
    dialect: str
    base_url: str
    auth: Auth
    profile: str = "documents"
    limits: Limits = Limits()
    time_control: str | None = None
    real_account: bool = False
    verify: Literal[True] | Path = True
    ledger: str | Path | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    ordinary: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def is_real(self) -> bool:
        """Whether keys there may be somebody's: anywhere but on this machine, and there if the file says so."""
        return self.real_account or not is_loopback(self.base_url)

    @property
    def shown_url(self) -> str:
        """`base_url` as reports show it: what came from the environment is named in it, except for scheme and host."""
        shown = urlsplit(self.base_url)
        path = shown.path
        for secret in sorted(self.secrets - self.ordinary, key=len, reverse=True):
            path = path.replace(secret, f"[{self.labels.get(secret, 'SECRET')}]")
        return f"{shown.scheme}://{shown.netloc}{path}"

    @property
    def urls(self) -> tuple[str, ...]:
        """Every URL that the user named: nothing else may ever be sent a request."""
        iam = (self.auth.iam_url,) if isinstance(self.auth, PasswordAuth) else ()
        return (self.base_url, *iam, *((self.time_control,) if self.time_control else ()))
