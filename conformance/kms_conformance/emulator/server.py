"""The HTTP/1.1 server of the emulator: reads requests, passes them on to `respond`, and writes the replies.

A reply can also be sent in a faulty way (see `Outbound`).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from kms_conformance.core.runtime import REAL
from kms_conformance.emulator.refusals import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kms_conformance.emulator.messages import Headers, Outbound, Silence

# Largest request body in bytes. The Huawei gateway documents a limit of 12 MB; the other services document no limit.
LARGEST_BODY = 12 * 1024 * 1024
# In bytes. The query can hold a description of 8192 characters. A character may be encoded in three bytes, which
# percent-encoding turns into nine characters.
_LONGEST_REQUEST_LINE = 1024 * 1024
# A body that is too large is still read, up to this number of bytes, before it is refused. A client whose connection
# is closed while it writes would not see the refusal.
_LARGEST_READ = 4 * LARGEST_BODY
_LARGEST_CHUNK_LINE = 1024
# Delay before a connection is closed without notice. A client on loopback can send its next request in this time;
# that request is lost.
_UNANNOUNCED_SECONDS = 0.002
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Server(ThreadingHTTPServer):
    """An HTTP server with one thread for each connection; `close_all` closes kept-alive connections."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        respond: Callable[[str, str, Headers, bytes], Outbound],
        unreadable: Callable[[], Outbound],
        now: Callable[[], datetime] = REAL.now,
        connections: int | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`now` gives the time of the header `Date`. With `tls`, connections are encrypted.

        `connections` is how many connections are served at once; others wait until one is closed. None: all.
        """
        self.respond = respond
        self.unreadable = unreadable
        self.now = now
        self._places = contextlib.nullcontext() if connections is None else threading.Semaphore(connections)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._tls = tls
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        """Bind without the base class's DNS lookup of the host name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection. Its own thread makes the handshake, which would hold up all others here."""
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - the signature of the base class
        """Close a connection; with TLS, tell the client first, or it would take the end for a cut connection."""
        if isinstance(request, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                # The alert is sent, and nobody waits for the client's.
                request.settimeout(0)
                request.unwrap()
        super().shutdown_request(request)

    def opened(self, connection: socket.socket) -> None:
        """Register an open connection."""
        with self._lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Remove a closed connection."""
        with self._lock:
            self._connections.discard(connection)

    def close_all(self) -> None:
        """Close all open connections."""
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the signature of the base class
        """Serve a connection until it is closed."""
        with self._places:
            super().finish_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors of closed connections. Exceptions of the emulator do not get here: `respond` catches them."""


class _Connection(BaseHTTPRequestHandler):
    """One keep-alive connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Output is buffered, so that the head and a short body of a reply are sent in one TCP segment.
    wbufsize = -1
    # A connection is closed after this many idle seconds.
    timeout = 120
    server: Server
    _is_closing = False

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def handle_one_request(self) -> None:
        """Read a request and answer it; a timeout or a closed socket ends the connection."""
        try:
            self.raw_requestline = self.rfile.readline(_LONGEST_REQUEST_LINE + 1)
            if not self.raw_requestline:
                self.close_connection = True
            elif len(self.raw_requestline) > _LONGEST_REQUEST_LINE:
                self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            elif self.parse_request():
                self._serve()
            self.wfile.flush()
        except (OSError, ValueError):
            # ValueError means that the file of the connection was closed in the meantime.
            self.close_connection = True

    def _serve(self) -> None:
        try:
            body = self._read_body()
        except Unreadable:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        target = self.requestline.split()[1]
        headers = tuple((name, str(value)) for name, value in self.headers.items())
        self._send(self.server.respond(self.command, target, headers, body))

    def handle_expect_100(self) -> bool:
        """Send `100 Continue` at once."""
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer an unreadable request with the error format of the service, and close the connection."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or ""
        self._send(self.server.unreadable())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - signature of the base class
        """Log nothing."""

    def _read_body(self) -> bytes:
        coding = self.headers.get_all("Transfer-Encoding", [])
        lengths = self.headers.get_all("Content-Length", [])
        if coding:
            # A request with both headers, or with a coding other than chunked, can smuggle another request past a
            # proxy (RFC 9112, 11.2).
            if lengths or [value.strip().lower() for value in coding] != ["chunked"]:
                raise Unreadable
            return self._read_chunks()
        if not lengths:
            return b""
        if len(set(lengths)) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()) or len(lengths[0]) > 18:
            raise Unreadable
        length = int(lengths[0])
        if length > LARGEST_BODY:
            self._discard(min(length, _LARGEST_READ))
            raise Unreadable
        return self._exactly(length)

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := self._chunk_size():
            body += self._exactly(size)
            if len(body) > LARGEST_BODY or self.rfile.readline(3) != b"\r\n":
                raise Unreadable
        while self.rfile.readline(_LARGEST_CHUNK_LINE) not in {b"\r\n", b"\n", b""}:
            pass
        return bytes(body)

    def _chunk_size(self) -> int:
        text = self.rfile.readline(_LARGEST_CHUNK_LINE).partition(b";")[0].strip()
        try:
            size = int(text, 16)
        except ValueError:
            raise Unreadable from None
        if not 0 <= size <= LARGEST_BODY:
            raise Unreadable
        return size

    def _exactly(self, length: int) -> bytes:
        body = self.rfile.read(length)
        if len(body) < length:
            raise Unreadable
        return body

    def _discard(self, length: int) -> None:
        while length > 0 and (part := self.rfile.read(min(length, 65536))):
            length -= len(part)

    def _send(self, outbound: Outbound) -> None:
        if outbound.delay_seconds:
            time.sleep(outbound.delay_seconds)
        if outbound.silence is not None:
            self._send_no_reply(outbound.silence)
            return
        if outbound.close or outbound.cut_after is not None:
            self.close_connection = True
        headers = list(outbound.headers)
        named = {name.lower() for name, _ in headers}
        if "date" not in named:
            headers.append(("Date", self.date_time_string(self.server.now().timestamp())))
        if outbound.chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        elif "content-length" not in named:
            headers.append(("Content-Length", str(len(outbound.body))))
        if self.close_connection and "connection" not in named:
            headers.append(("Connection", "close"))
        phrase = _PHRASES.get(outbound.status, "")
        head = f"HTTP/1.1 {outbound.status} {phrase}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers) + "\r\n"
        self.wfile.write(head.encode("latin-1", "replace"))
        if self.command != "HEAD":
            self._send_body(outbound)
        self._end_unannounced(outbound)

    def _end_unannounced(self, outbound: Outbound) -> None:
        if outbound.close_later_seconds and not self._is_closing:
            self._is_closing = True
            self.wfile.flush()
            timer = threading.Timer(outbound.close_later_seconds, self._shut_down)
            timer.daemon = True
            timer.start()
        if outbound.close_unannounced:
            self.close_connection = True
            self.wfile.flush()
            time.sleep(_UNANNOUNCED_SECONDS)

    def _shut_down(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send_no_reply(self, silence: Silence) -> None:
        self.close_connection = True
        if silence == "broken head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: appl")
        elif silence == "reset":
            # With SO_LINGER of zero seconds, close() resets the connection.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif silence == "never":
            self.rfile.read(1)

    def _send_body(self, outbound: Outbound) -> None:
        body = outbound.body
        if outbound.chunked:
            half = len(body) // 2
            parts = [part for part in (body[:half], body[half:]) if part]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        self.wfile.write(body if outbound.cut_after is None else body[: outbound.cut_after])
