"""`emulator`: serves the reference emulator."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from kms_conformance.core import specs
from kms_conformance.core.text import say

_STANDARD_ERROR = "-"


@click.command()
@click.option("--dialect", required=True, type=click.Choice(specs.emulated()), help="The protocol to serve.")
@click.option("--port", default=0, show_default="any free port", help="The port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--profile", default="documents", show_default=True, help="The profile to follow.")
@click.option("--expose", is_flag=True, help="Allow a host beyond loopback; the credentials are public.")
@click.option("--fault", default=None, metavar="NAME", help="Serve on 127.0.0.1 with this fault of `selftest`.")
@click.option(
    "--log",
    default=None,
    metavar="FILE",
    help="Append a line for each request to FILE: time, method, path, operation, status, traceparent, tracestate. "
    "`-`: the standard error.",
)
def emulator(
    dialect: str,
    port: int,
    host: str,
    profile: str,
    expose: bool,  # noqa: FBT001 - an option
    fault: str | None,
    log: str | None,
) -> None:
    """Serve the reference emulator until Ctrl-C; prints the target file to use."""
    with _log_to(log) as write_line:
        if fault is not None:
            _serve_fault(fault, dialect, port, write_line)
            return
        from kms_conformance.emulator import serve  # noqa: PLC0415 - the other commands need no server

        if profile not in specs.profile_names(dialect):
            raise click.BadParameter(
                f"{dialect} has no profile {profile!r}. Profiles: {', '.join(specs.profile_names(dialect))}.",
                param_hint="--profile",
            )
        serve(dialect, host=host, port=port, profile=profile, expose=expose, write=say, log=write_line)


@contextlib.contextmanager
def _log_to(name: str | None) -> Iterator[Callable[[str], None] | None]:
    """A function that writes one line of the log; None without a log. Raises `BadParameter` for an unusable file."""
    if name is None:
        yield None
        return
    if name == _STANDARD_ERROR:
        # The standard output has the target file, which is often redirected into a file.
        yield lambda line: say(line, err=True)
        return
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(Path(name).open("a", encoding="ascii", buffering=1))
        except OSError as error:
            raise click.BadParameter(f"{name} cannot be written: {error.strerror}.", param_hint="--log") from error

        def write_line(line: str) -> None:
            file.write(f"{line}\n")

        yield write_line


def _serve_fault(name: str, dialect: str, port: int, log: Callable[[str], None] | None) -> None:
    """Serve the emulator with one deliberate fault; raises `UsageError` for options that cannot be combined with it."""
    from kms_conformance.apps.selftest.faults import FAULTS  # noqa: PLC0415 - needed with --fault only
    from kms_conformance.emulator.serve import stoppable  # noqa: PLC0415 - as above

    context = click.get_current_context()
    for option in ("host", "profile", "expose"):
        if context.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(f"--{option} cannot be combined with --fault. Leave it out.")
    faults = {fault.name: fault for fault in FAULTS if dialect in fault.dialects}
    if name not in faults:
        near = difflib.get_close_matches(name, faults, n=3, cutoff=0.4)
        advice = f"Did you mean {', '.join(near)}?" if near else "The faults are defined in apps/selftest/faults."
        raise click.BadParameter(f"{dialect} has no fault {name!r}. {advice}", param_hint="--fault")
    with faults[name].serving(dialect, port, log)() as target, stoppable() as wait:
        say(target)
        wait()
