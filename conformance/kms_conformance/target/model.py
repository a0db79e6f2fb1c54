"""`Target`: one endpoint with the credentials and limits from a target file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from kms_conformance.target.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kms_conformance.target.auth import Auth

#: What a `time_control` moves.
ClockScope = Literal["lifetimes", "everything"]


@dataclass(frozen=True)
class Limits:
    """Limits of a run.

    The most keys at once, the most requests a second (None: no limit), the time-out of a request, and the most minutes
    to wait in all for changes to become visible.
    """

    max_keys: int = 6
    requests_per_second: float | None = None
    timeout_seconds: float = 10.0
    wait_minutes: float = 120.0


@dataclass(frozen=True)
class Target:
    """One endpoint. Neither its repr nor an error about it shows a secret.

    - base_url: the URL of the endpoint, without a trailing slash.
    - clock_moves: what `time_control` moves: the lifetimes of keys alone, or all time of the server, also that of
      signatures and tokens.
    - real_account: the user's consent to create keys in a real account.
    - disposable: the user's statement that no key at the endpoint matters, so that the clock may end any of them.
    - verify: True, or the path of a file with trusted certificate authorities.
    - instance_id: the instance in which keys are created, in dialects with instances; None: in no instance.
    - correlation: whether requests get the headers by which their log lines are found (`wire/trace_context.py`).
    - ledger: the name or the path of the ledger; None: a name made of the target's name.
    - secrets: the values that must never be shown.
    - labels: for each secret, the variable or the key of the target file that has it as its value.
    - ordinary: those secrets that are ordinary words. They are hidden only at the places of credentials.
    """

    name: str
    dialect: str
    base_url: str
    auth: Auth
    profile: str = "documents"
    limits: Limits = Limits()
    time_control: str | None = None
    clock_moves: ClockScope = "lifetimes"
    real_account: bool = False
    disposable: bool = False
    verify: Literal[True] | Path = True
    correlation: bool = True
    ledger: str | Path | None = None
    instance_id: str | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    ordinary: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def is_real(self) -> bool:
        """Whether the endpoint may hold keys in real use: it is on another machine, or `real_account` is true."""
        return self.real_account or not is_loopback(self.base_url)

    @property
    def shown_url(self) -> str:
        """`base_url` for reports: secrets in its path are replaced by their labels."""
        shown = urlsplit(self.base_url)
        path = shown.path
        for secret in sorted(self.secrets - self.ordinary, key=len, reverse=True):
            path = path.replace(secret, f"[{self.labels.get(secret, 'SECRET')}]")
        return f"{shown.scheme}://{shown.netloc}{path}"

    @property
    def urls(self) -> tuple[str, ...]:
        """All URLs of the target file. Requests may be sent to no others."""
        return (self.base_url, *self.auth.urls, *((self.time_control,) if self.time_control else ()))
