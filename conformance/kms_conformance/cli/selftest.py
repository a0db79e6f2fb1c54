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

_FILES = ("--again", "--faults", "--json", "--page")
_AGAIN = "A report: run only the trials that failed or are missing in it; keep the others."


@click.command()
@click.option("--all", "chosen", flag_value="all", help="Run every fault in every dialect; default: a sample.")
@click.option("--generated", "chosen", flag_value="generated", help="Run faults that a seed composes.")
@click.option("--faults", "own_path", type=click.Path(path_type=Path), help="Run the faults of your own Python file.")
@click.option("--blind", "chosen", flag_value="blind", help="Run the sets whose authors did not know the suite.")
@click.option("-n", "processes", type=click.IntRange(1), default=os.cpu_count() or 1, help="Runs at a time.")
@click.option("-k", "part", default="", metavar="TEXT", help="Only trials whose name contains TEXT, such as `cancel-`.")
@click.option("--seed", type=int, default=None, help="Draw the same sample again; default: derived from the commit.")
@click.option(
    "--runs", nargs=2, type=click.IntRange(0), default=(20, 1), show_default=True, help="With --all: see above."
)
@click.option("--pairs", type=click.IntRange(0), default=60, show_default=True, help="With --all: see above.")
@click.option(
    "--count", type=click.IntRange(0), default=60, show_default=True, help="With --all or --generated: see above."
)
@click.option("--again", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=_AGAIN)
@click.option("--json", "json_path", type=click.Path(path_type=Path), default=None, help="Write the report as JSON.")
@click.option("--page", "page_path", type=click.Path(path_type=Path), default=None, help="Write it as Markdown.")
def selftest(  # noqa: PLR0913, PLR0917 - an option each
    chosen: str | None,
    own_path: Path | None,
    processes: int,
    part: str,
    seed: int | None,
    runs: tuple[int, int],
    pairs: int,
    count: int,
    again: Path | None,
    json_path: Path | None,
    page_path: Path | None,
) -> int:
    """Test the suite itself: run it on emulators with deliberate faults, on variants, and on endpoints that are no KMS.

    A variant is an emulator that conforms to the documents in another way. With --all, random combinations of variants
    are tested too: --runs gives their number for each dialect, first at tier smoke, then at tier standard. So are pairs
    of a fault and a lag, drawn by the seed: --pairs gives their number for each dialect.

    Generated faults are composed from the facts of each profile, and drawn by the seed: --count gives their number for
    each dialect, with --all or alone with --generated. A fault that is not detected at smoke is tried at standard.

    With --faults, each fault and variant of the file has one run of the whole suite in each of its dialects. The exit
    code is 1 if a fault is not detected or breaks other requirements than its own, or if a variant is accused.

    With --blind, the rates of the first runs are printed beside today's. No rate is promised, so the exit code is 0.

    Ctrl-C ends the test early and reports the trials so far.
    """
    # These modules are imported here because they take 0.2 s, which no other command needs.
    from kms_conformance.apps.selftest import plan  # noqa: PLC0415
    from kms_conformance.apps.selftest.page import page  # noqa: PLC0415
    from kms_conformance.apps.selftest.power import Origin, Power  # noqa: PLC0415
    from kms_conformance.cli import selftest_results  # noqa: PLC0415

    _refuse_combined(chosen, own_path, page_path)
    commit = _commit()
    drawn = _seed_of(commit) if seed is None else seed
    if own_path:
        tasks = tuple(plan.own(own_path))
    elif chosen == "all":
        tasks = (*plan.everything(drawn, *runs, pairs), *plan.generated(drawn, count))
    else:
        others = {"blind": plan.written_blind(), "generated": plan.generated(drawn, count)}
        tasks = tuple(others[chosen]) if chosen else plan.sample(drawn)
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
    if own_path:
        selftest_results.show_own(trials, screen)
        return EXIT_CODES["nonconformant"] if any(trial.problem for trial in trials) else 0
    if chosen in {"blind", "generated"}:
        selftest_results.show_unpromised(chosen, power, screen)
        return 0
    selftest_results.show_power(power, screen)
    return EXIT_CODES["nonconformant"] if power.broken_promises() else 0


def _refuse_combined(chosen: str | None, own_path: Path | None, page_path: Path | None) -> None:
    if own_path and chosen:
        raise click.UsageError(f"--faults runs the faults of a file alone: leave --{chosen} out.")
    if page_path and (own_path or chosen in {"blind", "generated"}):
        given = "--faults" if own_path else f"--{chosen}"
        raise click.UsageError(f"The page has the promised figures, of which {given} measures none: leave --page out.")


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
                    progress.console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
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
