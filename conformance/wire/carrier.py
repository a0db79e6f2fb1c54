"""Takes requests over the network: whatever happens there comes back in time, as a value."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from conformance.wire.failures import NETWORK_ERRORS, HttpError, failure_of
from conformance.wire.messages import Failure, Reply, Request
from conformance.wire.transport import Transport
from conformance.wire.unpack import unpack
from conformance.wire.watchdog import Watchdog

if TYPE_CHECKING:
    from pathlib import Path

    from urllib3 import BaseHTTPResponse

    from conformance.wire.messages import Headers
    from conformance.wire.watchdog import Deadline

#: The largest documented reply, a page of 100 keys, has some 80 kB.
MAX_BODY = 1 << 20
MAX_HEAD = 1 << 16
_BLOCK = 1 << 16


class Network:
    """HTTP over sockets. Time-outs are real time, whatever clock the run goes by."""

    def __init__(
        self, timeout_seconds: float, *, verify: Literal[True] | Path = True, max_body: int = MAX_BODY
    ) -> None:
        """`max_body` bounds a reply's body in bytes, as it comes and unpacked."""
        self._verify = verify if verify is True else str(verify)
        self._max_body = max_body
        self._watchdog = Watchdog(timeout_seconds)
        self._transport = Transport()

    def carry(self, request: Request) -> tuple[Reply | None, Failure | None]:
        """Send one request, and read its reply whole."""
        clock = time.perf_counter()
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
        return reply, failure

    def close(self) -> None:
        """Close all connections."""
        self._watchdog.close()
        self._transport.close()

    def _reply(self, request: Request, deadline: Deadline, clock: float) -> Reply:
        raw = self._transport.exchange(request, deadline, verify=self._verify)
        try:
            headers = _head(raw)
            body = unpack(self._body(raw), raw.headers.getlist("Content-Encoding"), self._max_body)
        except BaseException:
            raw.close()
            raise
        raw.release_conn()
        return Reply(raw.status, raw.reason or "", headers, body, round(time.perf_counter() - clock, 6))

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
