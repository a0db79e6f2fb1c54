"""What a run takes from outside besides its settings: time, chance, generated values, and the way to the endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kms_conformance.core.runtime import REAL, SYSTEM, Chance, Clock, Draws

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Exchange, Failure, Reply, Request


class Carrier(Protocol):
    """Takes a request to an endpoint and brings back what became of it: a reply, or why there is none."""

    def carry(self, request: Request, *, repeatable: bool) -> tuple[Reply | None, Failure | None]:
        """Whatever the network or the endpoint does is returned; nothing is raised for it.

        A request that is not `repeatable` goes over no connection that may be closed while it is on its way.
        """

    def close(self) -> None:
        """Let go of connections."""


class ExchangeObserver:
    """Is shown every exchange of a session, in order, and later by which name it goes; this one forgets it."""

    def saw(self, exchange: Exchange) -> None:
        """Take note of an exchange that has just ended."""

    def named(self, exchange: Exchange, number: int, operation: str) -> None:
        """Take note of what the last exchange is called: its number in reports, and its operation."""


@dataclass(frozen=True)
class World:
    """The real one, unless something else is given. Without a carrier, requests go over the network."""

    clock: Clock = REAL
    chance: Chance = SYSTEM
    witness: ExchangeObserver = field(default_factory=ExchangeObserver)
    carrier: Carrier | None = None
    draws: Draws = field(default_factory=Draws)
