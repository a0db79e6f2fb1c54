"""A target: one endpoint with the credentials and the limits that its user gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from kms_conformance.target.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kms_conformance.target.auth import Auth


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
        return (self.base_url, *self.auth.urls, *((self.time_control,) if self.time_control else ()))
