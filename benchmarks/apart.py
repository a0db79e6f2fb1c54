"""Runs a server in a separate process; it sends its address at the start and its counts at the end."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

# A stopped server only has to send its counts.
_STOPS_WITHIN_SECONDS = 20.0


class Apart:
    """A running server: `place` is its first message (an address), `stop` returns its last message (counts)."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.place: Any = pipe.recv()

    def stop(self) -> Any:  # noqa: ANN401 - each server's own
        """Stop the server and return its last message. Raises `TimeoutError` if the server does not stop."""
        self._pipe.send("stop")
        if not self._pipe.poll(_STOPS_WITHIN_SECONDS):
            raise TimeoutError("The server did not stop.")
        return self._pipe.recv()


@contextlib.contextmanager
def apart(serve: Callable[..., None], *arguments: object) -> Iterator[Apart]:
    """Run `serve(pipe, *arguments)` in a separate process, which is killed at the end of the context.

    `serve` must send an address, wait for a message or for EOF, and send its counts.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Apart(ours)
    finally:
        process.join(1)
        process.kill()
        process.join()
        ours.close()
