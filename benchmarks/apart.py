"""A server in a process of its own: told where it serves at the start, and what it counted at the end."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

# A server that was told to stop has nothing left to do but to say what it counted.
_STOPS_WITHIN_SECONDS = 20.0


class Apart:
    """A server at work: `place` is what it said when it began to serve, `stop` gives what it says when it has ended."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.place: Any = pipe.recv()

    def stop(self) -> Any:  # noqa: ANN401 - each server's own
        """End it. Raises `TimeoutError` where it does not end."""
        self._pipe.send("stop")
        if not self._pipe.poll(_STOPS_WITHIN_SECONDS):
            raise TimeoutError("The server did not stop.")
        return self._pipe.recv()


@contextlib.contextmanager
def apart(serve: Callable[..., None], *arguments: object) -> Iterator[Apart]:
    """Run `serve(pipe, *arguments)` in a process of its own, which is gone when the context ends.

    It sends its place, waits for a word or for the other end to be gone, and sends what it counted.
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
