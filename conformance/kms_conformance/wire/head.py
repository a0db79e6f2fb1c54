"""Reads the head of a reply: one that is cut off is told from a whole one, interim ones are passed over."""

from __future__ import annotations

import http.client
from http import HTTPStatus
from typing import Any


class _Lines:
    """A file that remembers the last line that was read from it."""

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
        """Whether bytes came that do not end a line; they are still in the file's buffer."""
        try:
            return bool(self.file.peek(1))
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        self.file.close()


class HeadReader(http.client.HTTPResponse):
    """A response whose head has an end.

    The class above takes the end of the connection for the end of the head: of a connection that broke there it makes a
    reply without a body, which would be held against the endpoint. And of all interim replies it knows but one, where
    clients must be able to read any (RFC 9110, 15.2).
    """

    fp: Any

    def begin(self) -> None:
        """Read the head; raises `ConnectionResetError` where the connection ends before it does."""
        lines = _Lines(self.fp)
        self.fp = lines
        try:
            super().begin()
        except http.client.RemoteDisconnected:
            raise
        except http.client.BadStatusLine as error:
            if lines.last and not lines.last.endswith(b"\n"):
                raise _cut() from error
            raise
        finally:
            # A connection that is given up has no file any more.
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
