"""`python -m benchmarks` compares the cost of the suite with the same work without it; results: docs/speed.md."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console

from benchmarks import finding, growth, money, overhead, parallel, rate, startup
from benchmarks.kept import document, worse
from benchmarks.measure import Figure, Result
from benchmarks.shown import markdown, table
from kms_conformance.core import specs

_Part = Callable[[int], Iterator[Result]]

# The dialect with the fewest requests and the one with the most; a third would take longer and show nothing else.
_COMPARED = ("huawei", "aws")


def _overhead(rounds: int) -> Iterator[Result]:
    yield from overhead.on_canned_bytes(rounds)
    for dialect in _COMPARED:
        yield from overhead.on_the_emulator(dialect, rounds)


def _growth(_: int) -> Iterator[Result]:
    yield from growth.examples("huawei")
    yield from growth.targets()
    yield from growth.foreign_keys()


def _parallel(_: int) -> Iterator[Result]:
    yield from parallel.workers("standard", 1)
    for dialect in _COMPARED:
        yield from parallel.one_target(dialect, "standard", 1)


def _counts(_: int) -> Iterator[Result]:
    yield from startup.imported_modules()
    yield from money.sample()


# In the order of measurement.
_PARTS: Mapping[str, _Part] = {
    "start-up": startup.start_up,
    "overhead": _overhead,
    "fuzzing": lambda rounds: rate.fuzzing("huawei", rounds),
    "drawing": lambda rounds: rate.drawing(specs.dialects(), rounds),
    "growth": _growth,
    "parallel": _parallel,
    "money": lambda _: money.costs(specs.dialects(), ("smoke", "standard")),
    "nightly": lambda _: money.costs(specs.dialects(), ("nightly",)),
    "counts": _counts,
    "ratios": overhead.on_canned_bytes,
}
# Parts that take a few seconds.
_QUICK = frozenset({"counts", "ratios"})
_USUAL = ("start-up", "overhead", "fuzzing", "drawing", "growth", "parallel", "money")


@click.command()
@click.option(
    "--part", "parts", type=click.Choice([*_PARTS, "finding"]), multiple=True, default=_USUAL, help="May be repeated."
)
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="Rounds of measurement for each pair."
)
@click.option("--faults", type=click.IntRange(1), default=20, show_default=True, help="Faults in the part `finding`.")
@click.option(
    "--npm", type=click.Path(path_type=Path, exists=True), default=None, help="Folder with Portman and Newman."
)
@click.option("--json", "to", type=click.Path(path_type=Path), default=None, help="Write the results to this file.")
@click.option("--against", type=click.Path(path_type=Path, exists=True), default=None, help="Results to compare with.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table in Markdown.")
def main(
    parts: Sequence[str],
    rounds: int,
    faults: int,
    npm: Path | None,
    to: Path | None,
    against: Path | None,
    as_markdown: bool,  # noqa: FBT001 - a flag of the command
) -> None:
    """Measure start-up, overhead, fuzzing, growth, parallel runs and costs; both sides of a pair in turn.

    With --against, exit code 1 means that a ratio or a count is worse than in that file by more than its tolerance.
    Seconds are not compared, because they depend on the machine.
    """
    results: list[Result] = []
    if set(parts) - _QUICK:
        # Fills caches, so that the first measured side is not slower.
        rate.warm_up()
    for name in parts:
        click.echo(f"{name} …", err=True)
        if name == "finding":
            results += finding.first_reports(faults, npm, Path("reports/finding").resolve())
        else:
            results += _PARTS[name](rounds)
    written = document(results, shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]))
    if to is not None:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    # Counts by operation are only written to the file; the table has their sums.
    shown = [result for result in results if not _is_detail(result)]
    if as_markdown:
        click.echo(markdown(shown))
    else:
        Console(width=None if sys.stdout.isatty() else 180).print(table(shown))
    click.echo(f"{written['machine']}; load average {os.getloadavg()[0]:.1f}, {written['date']}")
    found = [] if against is None else list(worse(against, results))
    for line in found:
        click.echo(f"worse: {line}")
    sys.exit(1 if found else 0)


def _is_detail(result: Result) -> bool:
    return result.part == "money" and isinstance(result, Figure) and not result.name.endswith(("created", ": requests"))


if __name__ == "__main__":
    main()
