"""Our suite and Schemathesis against the same deliberate faults, side by side: `python -m benchmarks.peer`.

Both are pointed at an emulator in a process of its own with one fault, one after the other, as the commands that their
users would type. What Schemathesis reports of an emulator without a fault is its baseline: a fault is found when it
reports more than that. docs/benchmark-peer.md says how it is set up, and what the figures are worth.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from pathlib import Path

import click
from rich.console import Console

from benchmarks.page import markdown, of_silence
from benchmarks.record import Record, Silence
from benchmarks.runs import FAULTLESS, Peer, ours
from benchmarks.sample import Case, ordered
from benchmarks.score import Result, accepted
from benchmarks.table import table
from kms_conformance.apps.selftest.deviation import BOTH
from kms_conformance.apps.selftest.faults import FAULTS


@click.command()
@click.option("--sample", type=click.IntRange(1), default=60, show_default=True, help="How many faults are asked.")
@click.option("--all", "everything", is_flag=True, help="Every fault in each of its dialects.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which faults, and what both tools generate.")
@click.option("--dialect", "dialects", type=click.Choice(BOTH), multiple=True, default=BOTH, help="May be repeated.")
@click.option("--examples", type=click.IntRange(1), default=100, show_default=True, help="The peer's --max-examples.")
@click.option("--baseline", type=click.IntRange(1), default=3, show_default=True, help="The peer's faultless runs.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Faults at a time; times suffer.")
@click.option("--reports", default="reports/peer", show_default=True, metavar="DIR", help="Continued, if it is there.")
@click.option("--json", "form", flag_value="json", help="Print everything as JSON instead of the table.")
@click.option("--markdown", "form", flag_value="markdown", help="Print a section of a page instead.")
def main(  # noqa: PLR0913, PLR0917 - an option of a command is an argument of its function
    sample: int,
    everything: bool,  # noqa: FBT001 - a flag of the command
    seed: int,
    dialects: Sequence[str],
    examples: int,
    baseline: int,
    jobs: int,
    reports: str,
    form: str | None,
) -> None:
    """Compare the suite with Schemathesis on deliberate faults, and print a table."""
    home = Path(reports).resolve()
    home.mkdir(parents=True, exist_ok=True)
    record = Record.open(home / "results.json", {"examples": examples, "baseline": baseline, "seed": seed})
    peer = Peer(home, examples)
    cases = ordered(FAULTS, BOTH, seed)
    cases = tuple(case for case in cases if case[1] in dialects)[: None if everything else sample]
    # Forked: what both need is imported once.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork")) as executor:
        try:
            _listen(executor, record, peer, [name for name in dialects if name not in record.silence])
            _compare(executor, record, peer, cases)
        except KeyboardInterrupt:
            executor.shutdown(wait=False, cancel_futures=True)
    wanted = {(fault.name, dialect) for fault, dialect in cases}
    results = [result for result in record.results if (result.fault, result.dialect) in wanted]
    if form == "json":
        click.echo(json.dumps(record.to_json(), indent=1))
    elif form == "markdown":
        click.echo(markdown(record, results))
    else:
        console = Console()
        console.print(table(results))
        for dialect, silence in record.silence.items():
            console.print(of_silence(dialect, silence))


def _listen(executor: Executor, record: Record, peer: Peer, dialects: Iterable[str]) -> None:
    runs, seed = record.settings["baseline"], record.settings["seed"]
    for dialect in dialects:
        # Begun anew: a file of other settings would hide what these report.
        (peer.home / f"{dialect}.json").unlink(missing_ok=True)
    started = {executor.submit(listen, peer, dialect, seed, runs): dialect for dialect in dialects}
    for future in as_completed(started):
        silence = record.silence[started[future]] = future.result()
        record.save()
        click.echo(of_silence(started[future], silence), err=True)


def _compare(executor: Executor, record: Record, peer: Peer, cases: Sequence[Case]) -> None:
    runs, seed = record.settings["baseline"], record.settings["seed"]
    left = [case for case in cases if (case[0].name, case[1]) not in record.asked]
    # By turns the seeds of the baseline: what they generate by chance, it knows.
    jobs = [
        executor.submit(compare, peer, fault.name, dialect, seed + number % runs, record.silence[dialect].accepted)
        for number, (fault, dialect) in enumerate(left)
    ]
    for number, future in enumerate(as_completed(jobs), 1):
        result = future.result()
        record.results.append(result)
        record.save()
        click.echo(f"{number}/{len(left)} {_of_result(result)}", err=True)


def listen(peer: Peer, dialect: str, seed: int, runs: int) -> Silence:
    """Both tools at an emulator without a fault: `runs` of the peer for its baseline, then one more of each."""
    baseline = tuple(peer.learn(dialect, seed + number) for number in range(runs))
    once_more = seed + runs
    return Silence(
        baseline=baseline,
        ours=ours(FAULTLESS, dialect, once_more),
        peer=peer.ask(FAULTLESS, dialect, once_more, accepted(baseline)),
    )


def compare(peer: Peer, name: str, dialect: str, seed: int, known: frozenset[str]) -> Result:
    """Both tools at one fault, one after the other; `known` is what the peer reports without it.

    The fault is named: its modifiers are functions, which do not travel to another process.
    """
    fault = next(fault for fault in FAULTS if fault.name == name and dialect in fault.dialects)
    return Result(
        fault=fault.name,
        fault_class=fault.fault_class,
        severity=fault.severity,
        dialect=dialect,
        seed=seed,
        ours=ours(fault, dialect, seed),
        peer=peer.ask(fault, dialect, seed, known),
    )


def _of_result(result: Result) -> str:
    told = {
        name: f"{'found' if run.found else 'missed'} after {run.requests} requests, {run.seconds:.0f} s {run.problem}"
        for name, run in (("ours", result.ours), ("peer", result.peer))
    }
    return f"{result.dialect} {result.fault}: " + "; ".join(f"{name} {text}" for name, text in told.items())


if __name__ == "__main__":
    main()
