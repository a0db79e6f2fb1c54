"""A TCP forwarder that records all bytes between client and server as exchanges."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_READ = 1 << 16


@dataclass
class Exchange:
    """One request in bytes, and all bytes of the reply until the next request of the connection."""

    request: bytes
    reply: bytes = b""

    @property
    def status(self) -> str:
        """The status code of the reply; `none` if the connection was closed without one."""
        found = [int(code) for code in re.findall(rb"^HTTP/1\.[01] ([0-9]{3})", self.reply[:16])]
        return str(found[0]) if found else "none"


@dataclass
class _Connection:
    client: socket.socket
    server: socket.socket
    pending: bytes = b""
    open: list[Exchange] = field(default_factory=list)


class Recorder:
    """A context manager that forwards a port of 127.0.0.1 to another; bytes pass unchanged in both directions.

    `exchanges` are in the order in which the last byte of each request arrived. If a connection is closed
    within a request, the received part is kept.
    """

    def __init__(self, server_port: int) -> None:
        self.exchanges: list[Exchange] = []
        self._server = ("127.0.0.1", server_port)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # shutdown() wakes the thread that waits in accept(); close() alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            connection = _Connection(client, socket.create_connection(self._server))
            for side in (client, connection.server):
                # Without TCP_NODELAY, small writes wait up to 40 ms for an acknowledgement.
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._from_client, args=(connection,), daemon=True).start()
            threading.Thread(target=self._from_server, args=(connection,), daemon=True).start()

    def _from_client(self, connection: _Connection) -> None:
        for data in _received(connection.client):
            with self._lock:
                connection.pending += data
                while (length := _request_length(connection.pending)) is not None:
                    self._keep(connection, connection.pending[:length])
                    connection.pending = connection.pending[length:]
            with contextlib.suppress(OSError):
                connection.server.sendall(data)
        with self._lock:
            if connection.pending:
                self._keep(connection, connection.pending)
                connection.pending = b""
        _end(connection.server)

    def _from_server(self, connection: _Connection) -> None:
        for data in _received(connection.server):
            with self._lock:
                if connection.open:
                    connection.open[-1].reply += data
            with contextlib.suppress(OSError):
                connection.client.sendall(data)
        _end(connection.client)

    def _keep(self, connection: _Connection, request: bytes) -> None:
        exchange = Exchange(request)
        connection.open.append(exchange)
        self.exchanges.append(exchange)


def _received(side: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while data := side.recv(_READ):
            yield data


def _end(side: socket.socket) -> None:
    with contextlib.suppress(OSError):
        side.shutdown(socket.SHUT_WR)


def _request_length(data: bytes) -> int | None:
    """The length of the first request in `data`; None while it is incomplete."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return None
    body = head + 4
    if _CHUNKED.search(data, 0, body):
        end = data.find(b"0\r\n\r\n", body)
        return None if end < 0 else end + 5
    found = _LENGTH.search(data, 0, body)
    length = body + (int(found[1]) if found else 0)
    return length if len(data) >= length else None
