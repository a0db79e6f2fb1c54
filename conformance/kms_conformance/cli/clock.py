"""`clock`: starts the user's server with a clock that can be moved."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from kms_conformance.core.text import say

_FAILED = 3


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, 65535),
    show_default="any free port",
    help="The port of the clock's URL.",
)
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    show_default="where packages install it",
    help="The path of libfaketime.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def clock(context: click.Context, port: int, library: Path | None, command: tuple[str, ...]) -> None:
    r"""Start the server COMMAND with a clock that can be moved; prints the lines for its target file.

    All of the server's time moves, by the library libfaketime, which must be installed; nothing is downloaded. A run
    whose target file has these lines judges the end of the waiting period in seconds. Static programs (most written
    in Go), containers and other hosts cannot be moved: a run looks whether the clock moves before it judges.

    The server writes to standard error. It ends with this command, and this command with it.

    \b
    Example:
      kms-conformance clock -- moto_server -H 127.0.0.1 -p 5000
    """
    from kms_conformance.apps.clock.serve import serve  # noqa: PLC0415 - the other commands need no server

    code = serve(command, port=port, named=library, write=say)
    if code:
        say(f"The server ended with {code}: {shlex.join(command)}", err=True)
        say("Its own messages, above, say why. Nothing is served any longer, and the clock is gone with it.", err=True)
        context.exit(_FAILED)
