"""The network carrier: sends a request over a socket and returns its reply or its failure in bounded time."""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Literal

from kms_conformance.wire.failures import NETWORK_ERRORS, HttpError, closed_before_reply, failure_of
from kms_conformance.wire.messages import Failure, Reply, Request, origin
from kms_conformance.wire.together import StartingLine, both
from kms_conformance.wire.transport import Connection, ConnectionUse, Transport
from kms_conformance.wire.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from urllib3 import BaseHTTPResponse

    from kms_conformance.wire.messages import Headers
    from kms_conformance.wire.watchdog import Deadline
    from kms_conformance.wire.world import Outcome

#: Most bytes of a reply's body. The largest documented reply, a page of 100 keys, has some 80 kB.
MAX_BODY = 1 << 20
MAX_HEAD = 1 << 16
_BLOCK = 1 << 16
_MAX_MEMBERS = 16
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # window bits, as zlib.decompressobj takes them
# A server keeps connections open if one is still open this long after its first reply. Some balancers close each
# connection a few milliseconds after its reply, and serve what arrives before that.
_KEPT_SECONDS = 0.1
_STALE = "a connection that had served before was closed before any byte of a reply"


class Network:
    """HTTP over sockets. Time-outs are in real time, also if the clock of the run is simulated."""

    def __init__(
        self, timeout_seconds: float, *, verify: Literal[True] | Path = True, max_body: int = MAX_BODY
    ) -> None:
        """`max_body` limits the body of a reply in bytes, both compressed and decompressed."""
        self._verify = verify if verify is True else str(verify)
        self._max_body = max_body
        self._timeout_seconds = timeout_seconds
        self._watchdog = Watchdog(timeout_seconds)
        # All deadlines of one watchdog are equally long, so requests that may take longer have another one.
        self._patient_watchdog: Watchdog | None = None
        self._transport = Transport()
        # Whether an origin keeps connections open: True after it has served two requests over one connection and has
        # kept one for `_KEPT_SECONDS`, False after a connection was closed without notice.
        self._keeping: dict[str, bool] = {}
        self._serving_twice: set[str] = set()
        self._latest: dict[str, Connection] = {}

    def carry(self, request: Request, *, repeatable: bool) -> Outcome:
        """Send one request and read its whole reply.

        A server may close an idle connection while a request is on its way, and then it is unknown whether the request
        was carried out (RFC 9112, 9.3.1: only requests that are safe to repeat may be sent again). So a request that is
        not `repeatable` reuses a connection only if this origin has served another request over a used one, and has
        kept one open for a while: one such request waits for that, at most `_KEPT_SECONDS`. After the first connection
        that was closed without notice, no connection to this origin is reused. The cost is one connection per request.
        """
        where = origin(request.url)
        if not (self._keeping.get(where, True) if repeatable else self._is_keeping(where)):
            self._transport.drop_idle()
        use = ConnectionUse()
        reply, failure = self._carried(request, self._watchdog.watch(), use)
        if use.dropped or (failure is not None and failure.kind == "stale"):
            self._keeping[where] = False
        elif use.reused and failure is None:
            self._serving_twice.add(where)
        if use.connection is not None:
            self._latest[where] = use.connection
        return reply, failure

    def carry_together(self, first: Request, second: Request) -> tuple[Outcome, Outcome]:
        """Send two requests at the same moment, each over a new connection, and read both replies.

        No other connection is open meanwhile, and each of the two is closed after its reply. So a server that serves
        one connection at a time serves both requests, one after the other. For its sake each request may take twice as
        long as a single one.
        """
        self._transport.drop_idle()
        if self._patient_watchdog is None:
            self._patient_watchdog = Watchdog(2 * self._timeout_seconds)
        line = StartingLine()
        deadlines = self._patient_watchdog.watch(), self._patient_watchdog.watch()

        def carried(request: Request, deadline: Deadline) -> Outcome:
            use = ConnectionUse(start=line.wait)
            try:
                return self._carried(request, deadline, use)
            finally:
                line.leave()
                if use.connection is not None:
                    use.connection.close()

        return both(lambda: carried(first, deadlines[0]), lambda: carried(second, deadlines[1]))

    def _carried(self, request: Request, deadline: Deadline, use: ConnectionUse) -> Outcome:
        clock = time.perf_counter()
        reply: Reply | None = None
        failure: Failure | None = None
        try:
            reply = self._reply(request, deadline, use, clock)
        except (*NETWORK_ERRORS, HttpError) as error:
            stale = use.reused and closed_before_reply(error)
            failure = Failure("stale", _STALE) if stale else failure_of(error)
        finally:
            deadline.finish()
        if deadline.expired:
            # Checked also after a reply: a body without a length ends where the watchdog shuts the connection down.
            return None, Failure("timeout", "no whole reply in time")
        return reply, failure

    def _is_keeping(self, where: str) -> bool:
        """Whether an origin is known to keep connections open; waits until its latest connection shows that."""
        connection = self._latest.get(where) if where in self._serving_twice else None
        served = None if connection is None else connection.served_seconds
        if where not in self._keeping and connection is not None and served is not None:
            time.sleep(max(0.0, _KEPT_SECONDS - served))
            self._keeping[where] = connection.is_open
        return self._keeping.get(where, False)

    def renew(self) -> None:
        """Close idle connections; nothing follows from that for what an origin does with its connections."""
        self._transport.drop_idle()
        self._latest.clear()

    def close(self) -> None:
        """Close all connections."""
        self._watchdog.close()
        if self._patient_watchdog is not None:
            self._patient_watchdog.close()
        self._transport.close()

    def _reply(self, request: Request, deadline: Deadline, use: ConnectionUse, clock: float) -> Reply:
        raw = self._transport.exchange(request, deadline, use, verify=self._verify)
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
        # http.client took an interim reply for the final reply. The next request on this connection would then read the
        # final reply as its own.
        raise HttpError("bad_http", f"the interim status {raw.status} instead of a reply")
    return headers


def unpack(body: bytes, encodings: Sequence[str], cap: int) -> bytes:
    """Decompress a body, within a limit: 200 kB of gzip can hold 200 MB.

    Only a single gzip or deflate is supported. A body in any other encoding is returned as received, and fails in the
    decoder. Raises `HttpError` if it decompresses to more than `cap` bytes, is cut short, or is broken.
    """
    names = [name.strip().lower() for value in encodings for name in value.split(",") if name.strip()]
    if not body or names in ([], ["identity"]):
        return body
    if names in (["gzip"], ["x-gzip"]):
        return _inflated(body, _GZIP, cap)
    if names == ["deflate"]:
        # HTTP defines deflate as the zlib format, but some servers send raw deflate. The first byte tells which it is.
        return _inflated(body, _ZLIB if body[0] & 0x0F == 8 else _RAW_DEFLATE, cap)
    return body


def _inflated(body: bytes, window_bits: int, cap: int) -> bytes:
    result = bytearray()
    for _ in range(_MAX_MEMBERS):
        stream = zlib.decompressobj(window_bits)
        try:
            result += stream.decompress(body, cap + 1 - len(result))
        except zlib.error as error:
            raise HttpError("bad_http", "the compressed body is broken") from error
        if len(result) > cap:
            raise HttpError("too_large", f"the body unpacks to more than {cap} bytes")
        if not stream.eof:
            raise HttpError("truncated", "the compressed body ended early")
        body = stream.unused_data  # the next member of a gzip file
        if not body:
            return bytes(result)
    raise HttpError("bad_http", f"the compressed body has more than {_MAX_MEMBERS} members")
