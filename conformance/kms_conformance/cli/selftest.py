"""`selftest`: tests the suite with deliberate faults and prints the figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kms_conformance import __version__
from kms_conformance.report import files
from kms_conformance.report.text.screen import Screen
from kms_conformance.verdict.decide import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kms_conformance.apps.selftest.plan import Task
    from kms_conformance.apps.selftest.power import Power
    from kms_conformance.apps.selftest.trial import Trial

_ROOT = Path(__file__).parents[3]

_FILES = ("--again", "--json", "--page")
_AGAIN = "A report: run only the trials that failed or are missing in it; keep the others."


@click.command()
@click.option("--all", "chosen", flag_value="all", help="Run every fault in every dialect; default: a sample.")
@click.option("--blind", "chosen", flag_value="blind", help="Run the sets whose authors did not know the suite.")
@click.option("-n", "processes", type=click.IntRange(1), default=os.cpu_count() or 1, help="Runs at a time.")
@click.option("-k", "part", default="", metavar="TEXT", help="Only trials whose name contains TEXT, such as `cancel-`.")
@click.option("--seed", type=int, default=None, help="Draw the same sample again; default: derived from the commit.")
@click.option(
    "--runs", nargs=2, type=click.IntRange(0), default=(20, 1), show_default=True, help="With --all: see above."
)
@click.option("--pairs", type=click.IntRange(0), default=60, show_default=True, help="With --all: see above.")
@click.option("--again", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=_AGAIN)
@click.option("--json", "json_path", type=click.Path(path_type=Path), default=None, help="Write the report as JSON.")
@click.option("--page", "page_path", type=click.Path(path_type=Path), default=None, help="Write it as Markdown.")
def selftest(  # noqa: PLR0913, PLR0917 - an option each
    chosen: str | None,
    processes: int,
    part: str,
    seed: int | None,
    runs: tuple[int, int],
    pairs: int,
    again: Path | None,
    json_path: Path | None,
    page_path: Path | None,
) -> int:
    """Test the suite itself: run it on emulators with deliberate faults, on variants, and on endpoints that are no KMS.

    A variant is an emulator that conforms to the documents in another way. With --all, random combinations of variants
    are tested too: --runs gives their number for each dialect, first at tier smoke, then at tier standard. So are pairs
    of a fault and a lag, drawn by the seed: --pairs gives their number for each dialect.

    With --blind, the rates of the first runs are printed beside today's. No rate is promised, so the exit code is 0.

    Ctrl-C ends the test early and reports the trials so far.
    """
    # These modules are imported here because they take 0.2 s, which no other command needs.
    from kms_conformance.apps.selftest.page import page  # noqa: PLC0415
    from kms_conformance.apps.selftest.plan import everything, sample, written_blind  # noqa: PLC0415
    from kms_conformance.apps.selftest.power import Origin, Power  # noqa: PLC0415

    if chosen == "blind" and page_path:
        raise click.UsageError("The page has the promised figures, of which --blind measures none: leave --page out.")
    commit = _commit()
    drawn = _seed_of(commit) if seed is None else seed
    plans = {"all": everything(drawn, *runs, pairs), "blind": written_blind()}
    tasks = tuple(plans[chosen]) if chosen else sample(drawn)
    tasks = tuple(task for task in tasks if part in str(task))
    if not tasks:
        raise click.UsageError(
            f"No trial has {part!r} in its name. Leave -k out to run all trials; each failed trial is printed."
        )
    screen = Screen()
    kept = _kept_trials(again, tasks)
    fresh = _run_with_progress([task for task in tasks if task not in kept], processes, screen)
    trials = (*kept.values(), *fresh)
    command = " ".join(("kms-conformance", *_without_files(sys.argv[1:])))
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    whole = chosen == "all" and not part and len(trials) == len(tasks)
    power = Power(Origin(date, _commits(again, commit), __version__, command, drawn, whole), trials)
    if json_path is not None:
        files.write_atomically(json_path, files.to_text(power.to_json()))
    if page_path is not None:
        files.write_atomically(page_path, page(power))
    if chosen == "blind":
        _show_blind(trials, screen)
        return 0
    _show(power, screen)
    return EXIT_CODES["nonconformant"] if power.broken_promises() else 0


def _run_with_progress(tasks: Sequence[Task], processes: int, screen: Screen) -> list[Trial]:
    from kms_conformance.apps.selftest.plan import run_tasks  # noqa: PLC0415 - late, as in `selftest`

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    trials: list[Trial] = []
    # The bar is refreshed with each trial: automatic refresh would use a thread, beside which forking is unsafe.
    with Progress(*columns, console=screen, transient=True, auto_refresh=False) as progress:
        bar = progress.add_task("trials", total=len(tasks))
        # Ctrl-C ends the loop, so that the trials so far are reported.
        with suppress(KeyboardInterrupt):
            for trial in run_tasks(tasks, processes):
                trials.append(trial)
                progress.update(bar, advance=1, refresh=True)
                if trial.problem:
                    line = f"{trial.title}: {trial.problem}"
                    progress.console.print(line, style="red", markup=False, highlight=False)
    return trials


def _kept_trials(again: Path | None, tasks: Sequence[Task]) -> dict[Task, Trial]:
    """The trials of an earlier report that had no problem and need not run again, by their tasks."""
    if again is None:
        return {}
    kept = {trial.key: trial for trial in _loaded(again).trials if not trial.problem}
    return {task: kept[task.key] for task in tasks if task.key in kept}


def _commits(again: Path | None, commit: str) -> str:
    """The commits that a report covers: those of the earlier report, and the current one."""
    if again is None:
        return commit
    earlier = _loaded(again).origin.commit
    return commit if commit in earlier.split(", ") else f"{earlier}, {commit}"


def _loaded(report: Path) -> Power:
    from kms_conformance.apps.selftest.power import Power  # noqa: PLC0415 - late, as in `selftest`

    try:
        return Power.from_json(json.loads(report.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError(
            f"{report} is not a power report of this version: {error}. Leave --again out to run all trials."
        ) from error


def _show(power: Power, screen: Screen) -> None:
    from kms_conformance.apps.selftest.power import percent  # noqa: PLC0415 - late, as in `selftest`

    for dialect in power.dialects:
        every, critical = power.faults(dialect), power.faults(dialect, "critical")
        screen.write_line(
            f"{dialect}: {every.killed} of {every.faults} faults detected, {every.right} with the expected requirement "
            f"named; {critical.killed} of {critical.faults} critical faults, "
            f"{percent(critical.at_smoke, critical.faults):.0f} % of them at smoke"
        )
        pairs = power.faults(dialect, kind="pair")
        if pairs.faults:
            screen.write_line(f"{dialect}: {pairs.killed} of {pairs.faults} faults of lagging emulators detected")
    variants, nulls = power.of("variant"), power.of("null")
    screen.write_line(f"variants: {sum(bool(t.problem) for t in variants)} of {len(variants)} runs not conformant")
    screen.write_line(
        f"not a KMS: {sum(bool(t.problem) for t in nulls)} of {len(nulls)} runs with an unexpected verdict"
    )
    broken = power.broken_promises()
    for promise in broken:
        screen.write_line(f"does not hold: {promise}")
    if not broken:
        screen.write_line("All promised figures hold.")


def _show_blind(trials: Sequence[Trial], screen: Screen) -> None:
    from kms_conformance.apps.selftest.blind.first_look import first_look, rate_of  # noqa: PLC0415 - late, as above

    for dialect in sorted({trial.subject.dialect for trial in trials}):
        of_dialect = [trial for trial in trials if trial.subject.dialect == dialect]
        faults = rate_of(trial.killed for trial in of_dialect if trial.subject.kind == "fault")
        variants = rate_of(not trial.problem for trial in of_dialect if trial.subject.kind == "variant")
        for now, then, told in (
            (faults, first_look("faults").rate(dialect), "faults written blind detected"),
            (variants, first_look("variants").rate(dialect), "variants written blind left alone"),
        ):
            if now[1]:
                screen.write_line(f"{dialect}: {now[0]} of {now[1]} {told}; at first look {then[0]} of {then[1]}")


def _without_files(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments without the options that name files: local paths do not belong in a published report."""
    rest = iter(arguments)
    for argument in rest:
        if argument in _FILES:
            next(rest, None)
        elif argument.partition("=")[0] not in _FILES:
            yield argument


def _commit() -> str:
    """The commit of the running code, with `+` if files differ from the commit; "" outside a repository."""

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
    """A seed derived from the commit."""
    return int(commit.rstrip("+") or "0", 16)
