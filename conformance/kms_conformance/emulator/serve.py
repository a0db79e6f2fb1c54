"""Serves the emulator until Ctrl-C or SIGTERM."""

from __future__ import annotations

import contextlib
import ipaddress
import signal
import threading
from typing import TYPE_CHECKING

from kms_conformance.emulator.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def serve(  # noqa: PLR0913 - the options of the command `emulator`
    dialect: str,
    *,
    write: Callable[[str], None],
    host: str = "127.0.0.1",
    port: int = 0,
    profile: str = "documents",
    foreign_keys: int = 3,
    auth: str | None = None,
    expose: bool = False,
    log: Callable[[str], None] | None = None,
) -> None:
    """Serve one dialect, pass its target file to `write`, and block until Ctrl-C or SIGTERM.

    `expose` allows a host that other machines can reach. `auth` names a way to sign in (see `SeedData.auth_of`). `log`
    gets one line for each request (see `RequestLog`).

    Raises `ValueError` for an unknown dialect, profile or `auth`. Without `expose`, raises `ValueError` for a host
    other than loopback. Raises `OSError` if the port is in use.
    """
    if not expose and not _is_loopback(host):
        raise ValueError(
            f"The emulator on {host} would be reachable from other machines, and its credentials are public. "
            "Use 127.0.0.1, or allow other hosts with --expose."
        )
    emulator = Emulator(dialect, profile=profile, host=host, port=port, foreign_keys=foreign_keys, log=log)
    # The signal handler is installed before the target file is written, because its reader may send SIGTERM at once.
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
    """A context in which SIGTERM does not end the process; yields a function that blocks until Ctrl-C or SIGTERM."""
    stopped = threading.Event()
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, lambda *_: stopped.set()) if in_main else None

    def wait() -> None:
        # Each wait has a timeout, because on some platforms no signal handler runs during a wait without one.
        with contextlib.suppress(KeyboardInterrupt):
            while not stopped.wait(0.5):
                pass

    try:
        yield wait
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)
