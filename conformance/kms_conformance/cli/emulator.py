"""`emulator`: serve the reference emulator."""

from __future__ import annotations

import click

from kms_conformance.core import specs
from kms_conformance.core.text import say


@click.command()
@click.option("--dialect", required=True, type=click.Choice(specs.dialects()), help="The protocol that it speaks.")
@click.option("--port", default=0, show_default="any free port", help="The port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--profile", default="documents", show_default=True, help="The facts that it keeps to.")
@click.option("--expose", is_flag=True, help="Allow a host beyond loopback: its credentials are public.")
def emulator(dialect: str, port: int, host: str, profile: str, expose: bool) -> None:  # noqa: FBT001 - an option
    """Serve the reference emulator until Ctrl-C; prints the target file to use."""
    from kms_conformance.emulator import serve  # noqa: PLC0415 - the other commands need no server

    if profile not in specs.profile_names(dialect):
        raise click.BadParameter(
            f"{dialect} has no profile {profile!r}; it has {', '.join(specs.profile_names(dialect))}.",
            param_hint="--profile",
        )
    serve(dialect, host=host, port=port, profile=profile, expose=expose, write=say)
