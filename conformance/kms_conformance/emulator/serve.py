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
    with Emulator(dialect, profile=profile, host=host, port=port, foreign_keys=foreign_keys) as emulator:
        told = threading.Event()
        # Before the target file is written: who reads it may end this process at once.
        with _told_by_sigterm(told):
            write(emulator.target_yaml(auth))
            _wait(told)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def _told_by_sigterm(told: threading.Event) -> Iterator[None]:
    """While it is open, SIGTERM sets `told` instead of ending the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait(told: threading.Event) -> None:
    # Waking up at times lets a signal's handler run on every platform.
    with contextlib.suppress(KeyboardInterrupt):
        while not told.wait(0.5):
            pass
