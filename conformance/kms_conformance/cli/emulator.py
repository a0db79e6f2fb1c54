"""`emulator`: serves the reference emulator."""

from __future__ import annotations

import difflib

import click

from kms_conformance.core import specs
from kms_conformance.core.text import say


@click.command()
@click.option("--dialect", required=True, type=click.Choice(specs.emulated()), help="The protocol to serve.")
@click.option("--port", default=0, show_default="any free port", help="The port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--profile", default="documents", show_default=True, help="The profile to follow.")
@click.option("--expose", is_flag=True, help="Allow a host beyond loopback; the credentials are public.")
@click.option("--fault", default=None, metavar="NAME", help="Serve on 127.0.0.1 with this fault of `selftest`.")
def emulator(
    dialect: str,
    port: int,
    host: str,
    profile: str,
    expose: bool,  # noqa: FBT001 - an option
    fault: str | None,
) -> None:
    """Serve the reference emulator until Ctrl-C; prints the target file to use."""
    if fault is not None:
        _serve_fault(fault, dialect, port)
        return
    from kms_conformance.emulator import serve  # noqa: PLC0415 - the other commands need no server

    if profile not in specs.profile_names(dialect):
        raise click.BadParameter(
            f"{dialect} has no profile {profile!r}. Profiles: {', '.join(specs.profile_names(dialect))}.",
            param_hint="--profile",
        )
    serve(dialect, host=host, port=port, profile=profile, expose=expose, write=say)


def _serve_fault(name: str, dialect: str, port: int) -> None:
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
    with faults[name].serving(dialect, port)() as target, stoppable() as wait:
        say(target)
        wait()
