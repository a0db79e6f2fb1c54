"""Prints plain text for every command: what an endpoint or a file wrote cannot give orders to the terminal."""

from __future__ import annotations

import sys
from contextlib import suppress

from kms_conformance.core.text import shown


def say(text: str, *, err: bool = False, end: str = "\n") -> None:
    """Print a text on standard output, or on standard error, with every control character written out.

    An output that is closed, full, or read by nobody any more is no reason to end: what is printed there is lost.
    """
    stream = sys.stderr if err else sys.stdout
    # Python has None for a standard stream that was closed before it started.
    if stream is None:
        return
    # ValueError: somebody has closed the stream in this process.
    with suppress(OSError, ValueError):
        stream.write(shown(text, stream.encoding) + end)
        stream.flush()
