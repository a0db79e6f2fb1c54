"""The HTTP session of a target: every request passes origin check, gate and rate limit, and ends in bounded time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal, Protocol, Self

from kms_conformance.wire.failures import unsendable
from kms_conformance.wire.messages import Exchange, Request, origin
from kms_conformance.wire.network import MAX_BODY, Network
from kms_conformance.wire.pace import Pace
from kms_conformance.wire.trace_context import TraceContext
from kms_conformance.wire.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kms_conformance.target.model import Limits, Target
    from kms_conformance.wire.world import Carrier


class ForeignOrigin(Exception):  # noqa: N818 - a bug of ours that must never be taken for an endpoint's
    """A request to an origin that the target file does not name. It could have carried credentials there."""


class RequestGate(Protocol):
    """Check of every request before it is sent."""

    def check(self, request: Request) -> None:
        """Raise if the request must not be sent."""


class Session:
    """HTTP to the origins of a target file, within its limits; thread-safe.

    Redirects are not followed, no settings come from the environment, and no request is sent twice.
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
        correlation: bool = False,
    ) -> None:
        """`max_body` limits the body of a reply in bytes, compressed and decompressed; `gate` may refuse requests.

        With `correlation`, each request gets the headers of `trace`.
        """
        self.world = world or World()
        self.trace = TraceContext(self.world.chance)
        self._correlation = correlation
        self._gate = gate
        self._origins = frozenset(origin(url) for url in urls)
        self._carrier: Carrier = self.world.carrier or Network(limits.timeout_seconds, verify=verify, max_body=max_body)
        self.pace = Pace(limits.requests_per_second, self.world.clock)
        self._lock = threading.Lock()
        self._sent = 0

    @classmethod
    def for_target(cls, target: Target, gate: RequestGate, world: World) -> Session:
        """A session that sends requests to the target, its identity service and its time control, and nowhere else."""
        return cls(
            target.limits, target.urls, verify=target.verify, gate=gate, world=world, correlation=target.correlation
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._carrier.close()

    @property
    def sent(self) -> int:
        """Number of requests sent so far, answered or not."""
        return self._sent

    def wait_for_pace(self) -> None:
        """Wait for the rate limit on behalf of another client, and count its request."""
        self.pace.wait()
        self._count()

    def send(self, request: Request, *, repeatable: bool = False) -> Exchange:
        """Send one request; failures of the network or the endpoint are in the exchange and raise nothing.

        `repeatable`: the caller can send the request again without harm, so it may use a connection that the server is
        about to close. Other requests get a new connection until the target is known to keep connections open. Raises
        `ForeignOrigin` for an origin outside of the target file, and any exception of the gate.
        """
        self._refuse_foreign(request)
        if self._gate is not None:
            self._gate.check(request)
        if self._correlation:
            request = self.trace.added_to(request)
        problem = unsendable(request)
        if problem is not None:
            return Exchange(request, None, problem, self.world.clock.now())
        self.pace.wait()
        self._count()
        started = self.world.clock.now()
        exchange = Exchange(request, *self._carrier.carry(request, repeatable=repeatable), started)
        self.world.observer.saw(exchange)
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
