"""`run`: tests targets, or the built-in emulator if none is given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import click

from kms_conformance import suite
from kms_conformance.apps.sdk.registry import client_names
from kms_conformance.catalogue.frozen import load_frozen
from kms_conformance.cli._common import results_mtime, run_confirmed, run_exit_code
from kms_conformance.cli.events import events_to
from kms_conformance.cli.loop import LoopOptions, loop_options
from kms_conformance.cli.processes import RunKind, processes_for, processes_option
from kms_conformance.cli.seeds import KeptExamples, seed_option
from kms_conformance.cli.shards import ShardedRun, ShardOptions, shard_options
from kms_conformance.core import specs
from kms_conformance.core.errors import refuse_replaced
from kms_conformance.core.signals import Interrupts
from kms_conformance.core.text import say
from kms_conformance.core.tier import TIERS, Tier
from kms_conformance.run.first_checks import FirstChecks
from kms_conformance.run.isolated_pytest import run_pytest
from kms_conformance.target import Target, load_targets
from kms_conformance.verdict.decide import USAGE_ERROR
from kms_conformance.verdict.waivers import load_waivers


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--target", "targets", multiple=True, metavar="FILE", help="A target file; may be repeated.")
@click.option(
    "--reports", default="reports/latest", show_default=True, metavar="DIR", help="The folder to write results to."
)
@click.option("--tier", type=click.Choice(TIERS), default="standard", show_default=True, help="How much is tested.")
@seed_option
@click.option("--no-cache", is_flag=True, help="Generate all requests anew, and keep none for later runs.")
@click.option("--waivers", default=None, metavar="FILE", help="A file of accepted failures, with reasons.")
@click.option(
    "--examples",
    default=None,
    metavar="DIR",
    help="Generated requests that failed; they are asked first. Default: examples/ beside the waivers file.",
)
@click.option(
    "--requirements",
    default=None,
    metavar="RELEASE|FILE",
    help="Judge by the requirement set of an earlier release; newer requirements are only reported.",
)
@click.option("--plant", is_flag=True, help="Leave one key pending deletion, for later runs to observe.")
@click.option("--observe", "--watch", "watch", is_flag=True, help="Only read planted keys; create nothing.")
@click.option(
    "--rescue", is_flag=True, help="Cancel the deletion of the planted key on its last day, and plant it again."
)
@click.option(
    "--events",
    default=None,
    metavar="FILE|-",
    help="Write each check and judgement while it is made, one JSON object a line; - is standard output.",
)
@click.option("--yes", is_flag=True, help="Create keys in accounts that are not on this machine, without asking.")
@click.option(
    "--via",
    type=click.Choice(["wire", "sdk", *client_names()]),
    default="wire",
    show_default=True,
    help="Send our own requests (wire), or use the vendors' SDK clients: all of the dialect (sdk), or the one named.",
)
@processes_option
@loop_options
@shard_options
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST ARGS]")
def run(  # noqa: PLR0913, PLR0917 - an option each
    targets: tuple[str, ...],
    reports: str,
    tier: str,
    seed: int,
    waivers: str | None,
    requirements: str | None,
    yes: bool,  # noqa: FBT001 - an option
    via: str,
    pytest_args: tuple[str, ...],
    **further: Any,  # noqa: ANN401 - see the options above that have no parameter of their own
) -> int:
    """Test each target; write a verdict and a report.

    Without a target, the built-in emulator is tested in every dialect. The verdict of one shard is never conformant;
    `merge` decides the verdict and the exit code of the whole run.
    """
    refuse_replaced()
    shard_choice: ShardOptions = further.pop("shards")
    loop_choice: LoopOptions = further.pop("loop")
    part = shard_choice.part_of(targets, Path(reports).resolve())
    targets, directory = part.targets, part.directory
    loaded = load_targets([Path(target) for target in targets])
    if via != "wire":
        from kms_conformance.cli.via import run_via, via_confirmed  # noqa: PLC0415 - most runs need no client

        _refuse_unused(click.get_current_context())
        only = None if via == "sdk" else via
        consent = yes or via_confirmed(loaded, only)
        return run_via(targets, directory, only, consent=consent)
    nights = tuple(name for name in ("plant", "watch", "rescue") if further[name])
    loop_choice.refuse_together(target=targets, shard=part.shard, events=further["events"], **dict.fromkeys(nights, 1))
    # Errors in the waivers file are reported before pytest starts.
    load_waivers(waivers)
    frozen = None if requirements is None else _frozen(requirements, loaded)
    options = [f"--target={Path(target).resolve()}" for target in targets]
    options += [f"--tier={tier}", *(f"--{name}" for name in nights), *(["--no-cache"] if further["no_cache"] else [])]
    selected = bool(pytest_args or loop_choice.failed or loop_choice.until_fixed)
    kind = RunKind(cast("Tier", tier), selected, part.shard is not None, further["watch"], further["plant"])
    processes = processes_for(further["processes"], loaded, kind)
    if processes.note:
        say(processes.note, err=True)
    options += processes.options()
    options += [] if waivers is None else [f"--waivers={Path(waivers).resolve()}"]
    options += [] if frozen is None else [f"--requirements={frozen}"]

    def run_once(first: FirstChecks, folder: Path, seed: int) -> int:
        # Target files may have changed since the last round, and so may what the owners must agree to. A run that only
        # observes planted keys moves no clock.
        consent = yes or run_confirmed(
            load_targets([Path(target) for target in targets]), cast("Tier", tier), moving=not further["watch"]
        )
        kept = KeptExamples.beside(waivers, further["examples"])
        own = [f"--reports={folder}", *(["--kms-yes"] if consent else []), *part.options(), f"--seed={seed}"]
        code = _run_once([*options, *own, *kept.options], folder, pytest_args, further["events"], part, first)
        kept.tell_new()
        return code

    first = loop_choice.first()
    if not loop_choice.until_fixed:
        return run_once(first, directory, seed)
    from kms_conformance.apps.until_fixed import ROUND, Loop, Restarts  # noqa: PLC0415 - most runs do not wait

    if len(loaded) > 1 and ROUND in {target.name.casefold() for target in loaded}:
        raise click.UsageError(
            f"The folder {ROUND} is that of the rounds: give the target of this name another `name`."
        )

    return Loop(
        directory,
        first,
        lambda first, folder, again: run_once(first, folder, seed if again is None else again),
        lambda: Restarts.of(load_targets([Path(target) for target in targets])),
    ).main()


def _run_once(
    options: list[str],
    directory: Path,
    pytest_args: tuple[str, ...],
    events_file: str | None,
    part: ShardedRun,
    first: FirstChecks,
) -> int:
    """Make one run into a reports folder; returns its exit code."""
    before = results_mtime(directory)
    interrupts = Interrupts()
    with events_to(events_file) as events:
        arguments = [*_FIXED, *options, *events.options, *_outputs(directory), *pytest_args, str(suite.FOLDER)]
        interrupts.watch()
        status = run_pytest(arguments, plugins=[interrupts, first])
        if results_mtime(directory) != before:
            events.finish(directory)
        code = interrupts.exit_code or run_exit_code(directory, before, status)
        if code == USAGE_ERROR and status == 0 and pytest_args:
            say(f"No check was called: with {' '.join(pytest_args)}, pytest ends before. Leave it out.", err=True)
        if part.shard is None:
            from kms_conformance.cli.report import publish_reports  # noqa: PLC0415 - not needed before the run ends

            publish_reports(directory, before, brief=first.brief)
        elif code != USAGE_ERROR:
            part.explain()
    # A loop handles the signals that come between two runs.
    interrupts.restore()
    return interrupts.exit_code or code


def _frozen(name: str, targets: Iterable[Target]) -> str:
    """The requirement set to use: a release, or the absolute path of a file. Raises `FrozenError` if it is unusable."""
    for dialect in {target.dialect for target in targets} or specs.dialects():
        load_frozen(name, dialect)
    return str(Path(name).resolve()) if Path(name).is_file() else name


def _refuse_unused(context: click.Context) -> None:
    """Raise `UsageError` for options that have no effect on the vendors' clients."""
    for name in (
        *("tier", "seed", "no_cache", "waivers", "examples", "requirements", "events", "processes", "shard", "shards"),
        *(*_LOOP, "pytest_args"),
    ):
        given = context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        # Releases of click before 8.3 report an omitted argument as given on the command line, with the value ().
        if given and context.params.get(name) != ():
            option = {"pytest_args": "pytest arguments after --", "processes": "-n"}.get(
                name, f"--{name.replace('_', '-')}"
            )
            raise click.UsageError(
                f"With --via, {option} cannot be used: the steps are the same in every run. Leave it out."
            )


_LOOP = ("failed", "only", "until_fixed")


def _outputs(directory: Path) -> list[str]:
    return ["-o", f"cache_dir={directory / '.pytest_cache'}"]


# `--kms-progress` shows a progress bar instead of pytest's dots.
_FIXED = (*suite.CONFINED, "--kms-progress")
