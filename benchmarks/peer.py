"""Compare the suite and Schemathesis on the same deliberate faults: `python -m benchmarks.peer`.

The commands of both run one after the other against an emulator with one fault in a separate process. The reports of
Schemathesis on an emulator without a fault are its baseline. Further reports count as finding a fault.
docs/benchmark-peer.md describes the setup and the limits of the comparison.
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
@click.option("--sample", type=click.IntRange(1), default=60, show_default=True, help="Number of faults.")
@click.option("--all", "everything", is_flag=True, help="Every fault in each of its dialects.")
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses the faults, and the seed of both tools.")
@click.option("--dialect", "dialects", type=click.Choice(BOTH), multiple=True, default=BOTH, help="May be repeated.")
@click.option("--examples", type=click.IntRange(1), default=100, show_default=True, help="The peer's --max-examples.")
@click.option("--baseline", type=click.IntRange(1), default=3, show_default=True, help="The peer's faultless runs.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Parallel runs; they distort times.")
@click.option("--reports", default="reports/peer", show_default=True, metavar="DIR", help="Continued if it exists.")
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
    # Forked processes share the imported modules.
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
        # A baseline with other settings would hide reports.
        (peer.home / f"{dialect}.json").unlink(missing_ok=True)
    started = {executor.submit(listen, peer, dialect, seed, runs): dialect for dialect in dialects}
    for future in as_completed(started):
        silence = record.silence[started[future]] = future.result()
        record.save()
        click.echo(of_silence(started[future], silence), err=True)


def _compare(executor: Executor, record: Record, peer: Peer, cases: Sequence[Case]) -> None:
    runs, seed = record.settings["baseline"], record.settings["seed"]
    left = [case for case in cases if (case[0].name, case[1]) not in record.asked]
    # The seeds of the baseline in turn, so that the baseline covers the generated requests.
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
    """Runs without a fault: `runs` of the peer for its baseline, then one of each tool."""
    baseline = tuple(peer.learn(dialect, seed + number) for number in range(runs))
    once_more = seed + runs
    return Silence(
        baseline=baseline,
        ours=ours(FAULTLESS, dialect, once_more),
        peer=peer.ask(FAULTLESS, dialect, once_more, accepted(baseline)),
    )


def compare(peer: Peer, name: str, dialect: str, seed: int, known: frozenset[str]) -> Result:
    """Both tools on one fault, one after the other; `known` are the peer's reports without a fault.

    The fault is passed by name, because its modifiers are functions, which cannot be sent to another process.
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
