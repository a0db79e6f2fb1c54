"""The one way to an endpoint: sends a request as it is written, and comes back in time with what became of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal, Protocol, Self

from kms_conformance.wire.failures import unsendable
from kms_conformance.wire.messages import Exchange, Request, origin
from kms_conformance.wire.network import MAX_BODY, Network
from kms_conformance.wire.pace import Pace
from kms_conformance.wire.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kms_conformance.target.model import Limits, Target
    from kms_conformance.wire.world import Carrier


class ForeignOrigin(Exception):  # noqa: N818 - a bug of ours that must never be taken for an endpoint's
    """A request to where the user did not send us. It would have carried credentials there."""


class RequestGate(Protocol):
    """Looks at every request before it leaves."""

    def check(self, request: Request) -> None:
        """Raise if the request must not leave."""


class Session:
    """HTTP to the URLs that a user named, within the limits that the user set; safe to use from several threads.

    Redirects are not followed, nothing is taken from the environment, and nothing is ever sent twice.
    """

    def __init__(
        self,
        limits: Limits,
        urls: Iterable[str],
        *,
        verify: Literal[True] | Path = True,
        max_body: int = MAX_BODY,
        gate: RequestGate | None = None,
        world: World | None = None,
    ) -> None:
        """`max_body` bounds a reply's body in bytes, as it comes and unpacked; `gate` has the last word on requests."""
        self.world = world or World()
        self._gate = gate
        self._origins = frozenset(origin(url) for url in urls)
        self._carrier: Carrier = self.world.carrier or Network(limits.timeout_seconds, verify=verify, max_body=max_body)
        self.pace = Pace(limits.requests_per_second, self.world.clock)
        self._lock = threading.Lock()
        self._sent = 0

    @classmethod
    def for_target(cls, target: Target, gate: RequestGate, world: World) -> Session:
        """A session with a target, its identity service and its clock, and with nothing else."""
        return cls(target.limits, target.urls, verify=target.verify, gate=gate, world=world)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._carrier.close()

    @property
    def sent(self) -> int:
        """How many requests have been sent so far, answered or not."""
        return self._sent

    def take_turn(self) -> None:
        """Return when the pace allows one more request, which somebody else is about to send."""
        self.pace.wait()
        self._count()

    def send(self, request: Request, *, repeatable: bool = False) -> Exchange:
        """Send one request. Whatever the network or the endpoint does is in the exchange; nothing is raised for it.

        `repeatable` says that nothing is lost if the caller has to send it again: such a request may meet a connection
        that is being closed. Others get one of their own until the target has kept connections.
        Raises `ForeignOrigin` for a URL that the user did not name, and whatever the gate raises.
        """
        self._refuse_foreign(request)
        if self._gate is not None:
            self._gate.check(request)
        problem = unsendable(request)
        if problem is not None:
            return Exchange(request, None, problem, self.world.clock.now())
        self.pace.wait()
        self._count()
        started = self.world.clock.now()
        exchange = Exchange(request, *self._carrier.carry(request, repeatable=repeatable), started)
        self.world.witness.saw(exchange)
        return exchange

    def _refuse_foreign(self, request: Request) -> None:
        try:
            destination = origin(request.url)
        except ValueError as error:
            raise ForeignOrigin("a request must have an absolute http(s) URL") from error
        if destination not in self._origins or "@" in request.url[: len(request.url) - len(request.target)]:
            raise ForeignOrigin(f"a request to {destination}, which the target file does not name")

    def _count(self) -> None:
        with self._lock:
            self._sent += 1
