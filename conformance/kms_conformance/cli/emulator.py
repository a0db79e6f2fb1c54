"""`emulator`: serves the reference emulator."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from kms_conformance.cli.chosen_profile import chosen_profile
from kms_conformance.core import specs
from kms_conformance.core.spelling import did_you_mean, near
from kms_conformance.core.text import say
from kms_conformance.target.own_profile import is_file

_STANDARD_ERROR = "-"
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--dialect", required=True, type=click.Choice(specs.emulated()), help="The protocol to serve.")
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, 65535),
    show_default="any free port",
    help="The port to listen on.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--profile",
    default="documents",
    show_default=True,
    help="The profile to follow: a name, or a YAML file of your own.",
)
@click.option("--expose", is_flag=True, help="Allow a host beyond loopback; the credentials are public.")
@click.option(
    "--tls", is_flag=True, help="Serve https, with a certificate that is made now and thrown away at the end."
)
@click.option(
    "--tls-ca",
    type=_FILE,
    metavar="FILE",
    help="With --tls: write the certificate of the authority to FILE, which stays, and not to a temporary folder.",
)
@click.option("--fault", default=None, metavar="NAME", help="Serve on 127.0.0.1 with this fault of `selftest`.")
@click.option("--load", type=_FILE, metavar="FILE", help="Begin with the keys in this state file, and no others.")
@click.option("--save", type=_FILE, metavar="FILE", help="Write the keys to this state file at the end.")
@click.option(
    "--log",
    default=None,
    metavar="FILE",
    help="Append a line for each request to FILE: time, method, path, operation, status, traceparent, tracestate. "
    "`-`: the standard error.",
)
def emulator(  # noqa: PLR0913, PLR0917 - an option is an argument
    dialect: str,
    port: int,
    host: str,
    profile: str,
    expose: bool,  # noqa: FBT001 - an option
    tls: bool,  # noqa: FBT001 - an option
    tls_ca: Path | None,
    fault: str | None,
    load: Path | None,
    save: Path | None,
    log: str | None,
) -> None:
    """Serve the reference emulator until Ctrl-C; prints the target file to use."""
    with _log_to(log) as write_line:
        if fault is not None:
            _serve_fault(fault, dialect, port, write_line)
            return
        from kms_conformance.emulator import serve  # noqa: PLC0415 - the other commands need no server
        from kms_conformance.emulator.state_file import StateFileError  # noqa: PLC0415 - as above
        from kms_conformance.emulator.tls import UnwritableAuthority  # noqa: PLC0415 - as above

        if tls_ca is not None and not tls:
            raise click.UsageError("--tls-ca needs --tls: without it no certificate is made. Add --tls.")
        if save is not None and not save.parent.is_dir():
            raise click.BadParameter(f"the folder {save.parent} does not exist.", param_hint="--save")
        try:
            serve(
                dialect,
                host=host,
                port=port,
                profile=chosen_profile(dialect, profile),
                named_profile=str(Path(profile).resolve()) if is_file(profile) else None,
                expose=expose,
                tls=tls_ca or tls,
                state=load,
                save=save,
                log=write_line,
                write=say,
            )
        except StateFileError as error:
            raise click.BadParameter(str(error), param_hint="--load") from error
        except UnwritableAuthority as error:
            raise click.BadParameter(str(error), param_hint="--tls-ca") from error


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
    for option in ("host", "profile", "expose", "tls", "tls_ca", "load", "save"):
        if context.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(f"--{option.replace('_', '-')} cannot be combined with --fault. Leave it out.")
    faults = {fault.name: fault for fault in FAULTS if dialect in fault.dialects}
    if name not in faults:
        advice = did_you_mean(near(name, faults), "The faults are defined in apps/selftest/faults.")
        raise click.BadParameter(f"{dialect} has no fault {name!r}. {advice}", param_hint="--fault")
    with faults[name].serving(dialect, port, log)() as target, stoppable() as wait:
        say(target)
        wait()
