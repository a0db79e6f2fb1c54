"""Serves the emulator until it is told to stop."""

from __future__ import annotations

import contextlib
import ipaddress
import signal
import threading
from typing import TYPE_CHECKING

from kms_conformance.emulator.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def serve(
    dialect: str,
    *,
    write: Callable[[str], None],
    host: str = "127.0.0.1",
    port: int = 0,
    profile: str = "documents",
    foreign_keys: int = 3,
    auth: str | None = None,
    expose: bool = False,
) -> None:
    """Serve one dialect, `write` the target file to use, and block until Ctrl-C or SIGTERM.

    Raises `ValueError` for an unknown dialect, profile or `auth`, and for a host that others can reach unless
    `expose`; `OSError` when the port is taken.
    """
    if not expose and not _is_loopback(host):
        raise ValueError(
            f"Others could reach the emulator on {host}, and its credentials are public: it would do what anybody "
            "says. Use 127.0.0.1, or say explicitly that it may be exposed."
        )
    emulator = Emulator(dialect, profile=profile, host=host, port=port, foreign_keys=foreign_keys)
    # Stoppable before the target file is written: its reader may end this process at once.
    with emulator, stoppable() as wait:
        write(emulator.target_yaml(auth))
        wait()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """SIGTERM no longer ends the process; the function that is yielded blocks until Ctrl-C or SIGTERM."""
    told = threading.Event()
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, lambda *_: told.set()) if in_main else None

    def wait() -> None:
        # Waking up at times lets a signal's handler run on every platform.
        with contextlib.suppress(KeyboardInterrupt):
            while not told.wait(0.5):
                pass

    try:
        yield wait
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)
