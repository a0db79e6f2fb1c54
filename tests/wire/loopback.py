"""A server on loopback that answers with whatever bytes a test likes, and keeps the bytes that it was sent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from kms_conformance.target.model import Limits
from kms_conformance.wire.messages import Exchange, Request
from kms_conformance.wire.session import Session

if TYPE_CHECKING:
    import ssl

#: Long enough for a busy machine; tests of time-outs have their own.
LIMITS = Limits(timeout_seconds=10)

Script = Callable[[socket.socket, bytes], object]


def reply(body: bytes = b"{}", head: str = "HTTP/1.1 200 OK", *headers: str) -> bytes:
    lines = [head, *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Loopback:
    """Runs a script for each request; the connection ends when a script returns False or raises OSError."""

    def __init__(self, script: Script | bytes, context: ssl.SSLContext | None = None) -> None:
        self._script: Script = (
            (lambda connection, _: connection.sendall(script)) if isinstance(script, bytes) else script
        )
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections = 0
        self.stop = threading.Event()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while request := self._read(connection):
                self.requests.append(request)
                if self._script(connection, request) is False:
                    break
        with contextlib.suppress(OSError):
            connection.close()

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received:
            block = connection.recv(65536)
            if not block:
                return b""
            received += block
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


def refused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def exchange(server: Loopback, limits: Limits = LIMITS, **request: Any) -> Exchange:
    with Session(limits, [server.url]) as session:
        return session.send(Request(**{"method": "GET", "url": f"{server.url}/", **request}))
