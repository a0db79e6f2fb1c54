"""Reading of reply heads: detects heads that are cut short, and skips interim (1xx) replies."""

from __future__ import annotations

import http.client
from http import HTTPStatus
from typing import Any


class TlsAlert(http.client.HTTPException):
    """The reply to plain HTTP is an alert of TLS: the port speaks TLS only."""


# An alert of TLS begins with its content type, 21, and the major version 3 (RFC 8446, 5.1).
_ALERT = b"\x15\x03"


class _Lines:
    """A file that remembers the last line read from it."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401 - what a socket makes
        self.file = file
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        try:
            self.last = self.file.readline(limit)
        except ConnectionError as error:
            if self.last or self._half_a_line():
                raise
            raise http.client.RemoteDisconnected("closed before any byte of a reply") from error
        return self.last

    def _half_a_line(self) -> bool:
        """Whether the buffer of the file holds bytes of an unfinished line."""
        try:
            return bool(self.file.peek(1))
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        self.file.close()


class HeadReader(http.client.HTTPResponse):
    """A response that raises if its head is cut short.

    `http.client.HTTPResponse` differs in two points:

    - It takes the end of the connection for the end of the head. A connection that broke within the head would give a
      reply without a body, and the endpoint would be blamed for it.
    - It skips only interim replies with the status 100. Clients must accept any interim reply (RFC 9110, 15.2).
    """

    fp: Any

    def begin(self) -> None:
        """Read the head.

        Raises `ConnectionResetError` if the connection ends within the head, and `TlsAlert` for an alert of TLS.
        """
        lines = _Lines(self.fp)
        self.fp = lines
        try:
            super().begin()
        except http.client.RemoteDisconnected:
            raise
        except http.client.BadStatusLine as error:
            if lines.last.startswith(_ALERT):
                raise TlsAlert from error
            if lines.last and not lines.last.endswith(b"\n"):
                raise _cut() from error
            raise
        finally:
            # `fp` is None after a connection was closed.
            self.fp = lines.file if self.fp is lines else self.fp
        if lines.last.strip(b"\r\n") or not lines.last:
            raise _cut()

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in the stubs
            interim = HTTPStatus.SWITCHING_PROTOCOLS < status < HTTPStatus.OK
            if not interim:
                return version, status, reason
            http.client.parse_headers(self.fp)


def _cut() -> ConnectionResetError:
    return ConnectionResetError("the connection was closed within the head of a reply")
