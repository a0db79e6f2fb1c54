"""External inputs of a run besides its settings: time, randomness, generated values, and the way to the endpoint.

A real run takes these inputs from the system and the network. A recorded run does the same and records them. A replayed
run takes them from a recording (`recording/recorder.py`, `recording/player.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kms_conformance.core.runtime import REAL, SYSTEM, Chance, Clock, Draws

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Exchange, Failure, Reply, Request


#: What came of a request: a reply, or the failure that replaced it.
Outcome = tuple["Reply | None", "Failure | None"]


class Carrier(Protocol):
    """Transport of requests to an endpoint: returns a reply, or the failure that replaced it."""

    def carry(self, request: Request, *, repeatable: bool) -> Outcome:
        """Carry one request; failures of the network or the endpoint are returned and raise nothing.

        If `repeatable` is false, the request is sent over no connection that the server may be about to close.
        """

    def carry_together(self, first: Request, second: Request) -> tuple[Outcome, Outcome]:
        """Carry two requests at the same moment; returns their outcomes in this order, whichever came first."""

    def close(self) -> None:
        """Release all connections."""


class ExchangeObserver:
    """Base class of observers, whose methods are called for every exchange of a session, in order; it does nothing."""

    def saw(self, exchange: Exchange) -> None:
        """Called when an exchange has ended."""

    def named(self, exchange: Exchange, number: int, operation: str) -> None:
        """Called when the last exchange has been numbered for reports and its operation is known."""


@dataclass(frozen=True)
class World:
    """The inputs of one run, and the observer of its exchanges. By default, the inputs are those of a real run.

    - clock: the time.
    - chance: random names and ids.
    - observer: is called for every exchange.
    - carrier: the transport of requests; None: the network.
    - draws: the values that generators draw.
    """

    clock: Clock = REAL
    chance: Chance = SYSTEM
    observer: ExchangeObserver = field(default_factory=ExchangeObserver)
    carrier: Carrier | None = None
    draws: Draws = field(default_factory=Draws)
