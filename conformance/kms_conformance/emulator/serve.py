"""Serves the emulator until Ctrl-C or SIGTERM."""

from __future__ import annotations

import contextlib
import ipaddress
import shlex
import signal
import threading
from typing import TYPE_CHECKING, Any

import yaml

from kms_conformance.emulator.clock import CONTROL_PATH
from kms_conformance.emulator.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


def serve(
    dialect: str,
    *,
    write: Callable[[str], None],
    host: str = "127.0.0.1",
    auth: str | None = None,
    expose: bool = False,
    save: Path | None = None,
    named_profile: str | None = None,
    **options: Any,  # noqa: ANN401 - the arguments of another class
) -> None:
    """Serve one dialect, pass its target file to `write`, and block until Ctrl-C or SIGTERM.

    - auth: names a way to sign in (see `SeedData.auth_of`).
    - expose: allows a host that other machines can reach.
    - save: a state file that gets the keys at the end.
    - named_profile: what the target file names as the profile, if that is not the argument `profile`.
    - options: further arguments of `Emulator`.

    Raises `ValueError` for an unknown dialect, profile or `auth`, or for a state file that cannot be used. Without
    `expose`, raises `ValueError` for a host other than loopback. Raises `OSError` if the port is in use.
    """
    if not expose and not _is_loopback(host):
        raise ValueError(
            f"The emulator on {host} would be reachable from other machines, and its credentials are public. "
            "Use 127.0.0.1, or allow other hosts with --expose."
        )
    emulator = Emulator(dialect, host=host, **options)
    # The signal handler is installed before the target file is written, because its reader may send SIGTERM at once.
    with emulator, stoppable() as wait:
        target = emulator.target(auth) | ({} if named_profile is None else {"profile": named_profile})
        write(_with_variables(target, emulator))
        wait()
        if save is not None:
            emulator.save(save)


def _with_variables(target: Mapping[str, Any], emulator: Emulator) -> str:
    """The target file, after comments that set the environment variables of the vendor's SDKs."""
    lines = [f"# export {name}={shlex.quote(value)}" for name, value in emulator.environment.items()]
    lines += [f"# {emulator.set_in_code}"] if emulator.set_in_code else []
    if emulator.authority is not None:
        clock = f"--data '{{\"advance_seconds\": 0}}' {emulator.base_url}{CONTROL_PATH}"
        lines.append(f"# curl --cacert {shlex.quote(str(emulator.authority))} {clock}")
    return "\n".join((*lines, yaml.safe_dump(target, sort_keys=False)))


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
