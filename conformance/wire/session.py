"""The one way to an endpoint: sends a request as it is written, and comes back in time with what became of it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self

from conformance.wire.failures import NETWORK_ERRORS, HttpError, failure_of, unsendable
from conformance.wire.messages import Exchange, Failure, Reply, Request, origin
from conformance.wire.pace import Pace
from conformance.wire.transport import Transport
from conformance.wire.unpack import unpack
from conformance.wire.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from urllib3 import BaseHTTPResponse

    from conformance.target.model import Limits, Target
    from conformance.wire.messages import Headers
    from conformance.wire.watchdog import Deadline

#: The largest documented reply, a page of 100 keys, has some 80 kB.
MAX_BODY = 1 << 20
MAX_HEAD = 1 << 16
_BLOCK = 1 << 16


class ForeignOrigin(Exception):  # noqa: N818 - a bug of ours that must never be taken for an endpoint's
    """A request to where the user did not send us. It would have carried credentials there."""


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
    ) -> None:
        """`max_body` bounds a reply's body in bytes, as it comes and unpacked."""
        self._origins = frozenset(origin(url) for url in urls)
        self._verify = verify if verify is True else str(verify)
        self._max_body = max_body
        self.pace = Pace(limits.requests_per_second)
        self._watchdog = Watchdog(limits.timeout_seconds)
        self._transport = Transport()
        self._lock = threading.Lock()
        self._sent = 0

    @classmethod
    def for_target(cls, target: Target) -> Session:
        """A session with a target, its identity service and its clock, and with nothing else."""
        return cls(target.limits, target.urls, verify=target.verify)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._watchdog.close()
        self._transport.close()

    @property
    def sent(self) -> int:
        """How many requests have been sent so far, answered or not."""
        return self._sent

    def send(self, request: Request) -> Exchange:
        """Send one request. Whatever the network or the endpoint does is in the exchange; nothing is raised for it.

        Raises `ForeignOrigin` for a URL that the user did not name.
        """
        self._refuse_foreign(request)
        problem = unsendable(request)
        if problem is not None:
            return Exchange(request, None, problem, datetime.now(UTC))
        self.pace.wait()
        self._count()
        started, clock = datetime.now(UTC), time.perf_counter()
        deadline = self._watchdog.watch()
        reply: Reply | None = None
        failure: Failure | None = None
        try:
            reply = self._reply(request, deadline, clock)
        except (*NETWORK_ERRORS, HttpError) as error:
            failure = failure_of(error)
        finally:
            deadline.finish()
        if deadline.expired:
            # Also where a reply came out: a body that has no length ends where the connection is shut down.
            reply, failure = None, Failure("timeout", "no whole reply in time")
        return Exchange(request, reply, failure, started)

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

    def _reply(self, request: Request, deadline: Deadline, clock: float) -> Reply:
        raw = self._transport.exchange(request, deadline, verify=self._verify)
        try:
            headers = _head(raw)
            body = unpack(self._body(raw), raw.headers.getlist("Content-Encoding"), self._max_body)
        except BaseException:
            raw.close()
            raise
        raw.release_conn()
        return Reply(raw.status, raw.reason or "", headers, body, time.perf_counter() - clock)

    def _body(self, raw: BaseHTTPResponse) -> bytes:
        blocks = bytearray()
        while block := raw.read(_BLOCK, decode_content=False):
            blocks += block
            if len(blocks) > self._max_body:
                raise HttpError("too_large", f"the body is longer than {self._max_body} bytes")
        return bytes(blocks)


def _head(raw: BaseHTTPResponse) -> Headers:
    headers = tuple(raw.headers.items())
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEAD:
        raise HttpError("too_large", f"the head is longer than {MAX_HEAD} bytes")
    if raw.status < 200:
        # The library takes an interim reply for the reply; the real one would answer the next request.
        raise HttpError("bad_http", f"the interim status {raw.status} instead of a reply")
    return headers
