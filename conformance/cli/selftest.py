"""`selftest`: the harness on trial, and the figures that come of it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from conformance import __version__
from conformance.reporting import files
from conformance.verdict import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.selftest.plan import Task
    from conformance.selftest.power import Power
    from conformance.selftest.trial import Trial

_ROOT = Path(__file__).parents[2]


@click.command()
@click.option("--all", "complete", is_flag=True, help="Every fault as a whole run, in every dialect; else a sample.")
@click.option("-n", "processes", type=click.IntRange(1), default=os.cpu_count() or 1, help="Runs at a time.")
@click.option("-k", "part", default="", metavar="TEXT", help="Only trials whose name holds this, such as `cancel-`.")
@click.option("--seed", type=int, default=None, help="Draw the same sample again; by default the commit decides.")
@click.option("--smoke-runs", type=click.IntRange(0), default=20, show_default=True, help="With --all: see below.")
@click.option("--standard-runs", type=click.IntRange(0), default=1, show_default=True, help="With --all: see below.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), default=None, help="Write the report as JSON.")
@click.option("--page", "page_path", type=click.Path(path_type=Path), default=None, help="Write it as Markdown.")
def selftest(
    complete: bool,  # noqa: FBT001 - a flag of the command
    processes: int,
    part: str,
    seed: int | None,
    smoke_runs: int,
    standard_runs: int,
    json_path: Path | None,
    page_path: Path | None,
) -> int:
    """Try the suite itself: deliberate faults, conforming variants, and endpoints that are no KMS.

    With --all, --smoke-runs and --standard-runs say at how many endpoints the suite is run in each dialect that conform
    in several ways, drawn at random. Exit code: 0 if the promised figures hold, 1 if not.
    """
    # Late: a fifth of a second that no other command needs.
    from conformance.selftest.page import page  # noqa: PLC0415
    from conformance.selftest.plan import everything, sample  # noqa: PLC0415
    from conformance.selftest.power import Origin, Power  # noqa: PLC0415

    commit = _commit()
    drawn = _seed_of(commit) if seed is None else seed
    tasks = tuple(everything(drawn, smoke_runs, standard_runs)) if complete else sample(drawn)
    tasks = tuple(task for task in tasks if part in str(task))
    if not tasks:
        raise click.UsageError(
            f"No trial has {part!r} in its name. Without -k all are made; each is shown as it fails."
        )
    console = Console()
    trials = tuple(_watched(tasks, processes, console))
    command = f"kms-conformance {' '.join(sys.argv[1:])}".strip()
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    power = Power(Origin(date, commit, __version__, command, drawn, complete and not part), trials)
    if json_path is not None:
        files.write_atomically(json_path, files.to_text(power.to_json()))
    if page_path is not None:
        files.write_atomically(page_path, page(power))
    _show(power, console)
    return EXIT_CODES["nonconformant"] if power.broken_promises() else 0


def _watched(tasks: Sequence[Task], processes: int, console: Console) -> list[Trial]:
    from conformance.selftest.crew import run_tasks  # noqa: PLC0415 - late, see above

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    trials: list[Trial] = []
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("trials", total=len(tasks))
        for trial in run_tasks(tasks, processes):
            trials.append(trial)
            progress.advance(bar)
            if trial.problem:
                progress.console.print(f"{trial.title}: {trial.problem}", style="red", markup=False, highlight=False)
    return trials


def _show(power: Power, console: Console) -> None:
    from conformance.selftest.power import percent  # noqa: PLC0415 - late, see above

    for dialect in power.dialects:
        every, critical = power.faults(dialect), power.faults(dialect, "critical")
        console.print(
            f"{dialect}: {every.killed} of {every.faults} faults killed, {every.right} for the right reason; "
            f"{critical.killed} of {critical.faults} critical ones, "
            f"{percent(critical.at_smoke, critical.faults):.0f} % of them at smoke"
        )
    variants, nulls = power.of("variant"), power.of("null")
    console.print(f"variants: {sum(bool(t.problem) for t in variants)} of {len(variants)} runs not conformant")
    console.print(f"no KMS at all: {sum(bool(t.problem) for t in nulls)} of {len(nulls)} runs not as they should be")
    broken = power.broken_promises()
    for promise in broken:
        console.print(f"does not hold: {promise}", markup=False, highlight=False)
    if not broken:
        console.print("All promised figures hold.")


def _commit() -> str:
    """The commit of the code that runs, with `+` if it has changes; empty outside a repository."""

    def git(*arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["git", "-C", str(_ROOT), *arguments],  # noqa: S607 - the caller's git
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        return f"{commit}+" if commit and git("status", "--porcelain", "--untracked-files=no") else commit
    except OSError:
        return ""


def _seed_of(commit: str) -> int:
    """A seed that changes with the commit, and is the same for the same one."""
    return int(commit.rstrip("+") or "0", 16)
