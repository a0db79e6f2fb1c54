"""Serves the emulator until it is told to stop."""

from __future__ import annotations

import ipaddress
import signal
import threading
from typing import TYPE_CHECKING

from kms_conformance.emulator.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable


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
    with Emulator(dialect, profile=profile, host=host, port=port, foreign_keys=foreign_keys) as emulator:
        write(emulator.target_yaml(auth))
        wait()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def wait() -> None:
    """Block until Ctrl-C or SIGTERM."""
    told = threading.Event()
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, lambda *_: told.set()) if in_main else None
    try:
        # Waking up at times lets a signal's handler run on every platform.
        while not told.wait(0.5):
            pass
    except KeyboardInterrupt:
        pass
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)
