"""Time and size of reports with many results: `python -m benchmarks.many [--results 5000]`.

A real run against the emulator with faults is multiplied in two ways: one target with many checks, and many targets.
Then every report of a run is written and timed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

from kms_conformance.report import layout
from kms_conformance.report.allure import report as allure_report
from kms_conformance.report.allure import results as allure_results
from kms_conformance.report.ci import junit
from kms_conformance.report.consistency import problems_of_report
from kms_conformance.report.html import render as html
from kms_conformance.report.load import load_report
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.text import statement
from tools.real_runs import run

# Limits: seconds for Allure's report and for the statement, bytes of the statement.
ALLURE_SECONDS, STATEMENT_SECONDS, STATEMENT_BYTES = 60.0, 5.0, 5_000_000


@dataclass(frozen=True)
class Figure:
    """One report: its name, seconds to write it, and its size in bytes (0 for several files)."""

    part: str
    seconds: float
    size: int = 0


def as_checks(report: Report, results: int) -> Report:
    """The first target of the report with its checks repeated up to this number."""
    first = report.targets[0]
    times = -(-results // len(first.checks))
    checks = tuple(
        check if nth == 0 else replace(check, check=f"{check.check}#{nth}", title=f"{check.title} {nth}")
        for nth in range(times)
        for check in first.checks
    )
    verdict = first.verdict
    requirements = tuple(
        replace(
            entry,
            tests=tuple(name if nth == 0 else f"{name}#{nth}" for nth in range(times) for name in entry.tests),
            judged=entry.judged * times,
            productive=entry.productive * times,
        )
        for entry in verdict.requirements
    )
    keys = verdict.keys_created * times
    larger = replace(verdict, requirements=requirements, requests=verdict.requests * times, keys_created=keys)
    return Report((TargetReport(larger, checks),))


def as_targets(report: Report, results: int) -> Report:
    """The targets of the report repeated under other names, up to this number of requirements."""
    found: list[TargetReport] = []
    while sum(len(target.verdict.requirements) for target in found) < results:
        for target in report.targets:
            name = f"{target.verdict.name}-{len(found)}"
            checks = tuple(replace(check, target=name) for check in target.checks)
            found.append(TargetReport(replace(target.verdict, name=name), checks))
    return Report(tuple(found))


def measure(report: Report, directory: Path) -> Iterator[Figure]:
    """Write and time each report; Allure's report only if Allure 3 is installed."""
    yield _timed("statement, index.html", lambda: html.render(report))
    yield _timed("statement.md", lambda: statement.render(report))
    yield _timed("statement.md for a job", lambda: statement.render(report, statement.SUMMARY_LIMIT))
    yield _timed("junit.xml", lambda: junit.render(report))
    yield _timed("allure-results", lambda: allure_results.write(directory / layout.ALLURE_RESULTS, report))
    allure = allure_report.find()
    if allure is not None:
        found = allure
        yield _timed("allure-report", lambda: allure_report.build(found, directory))


def _timed(part: str, write: Callable[[], object]) -> Figure:
    started = time.perf_counter()
    made = write()
    seconds = time.perf_counter() - started
    size = len(made.encode()) if isinstance(made, str) else made.stat().st_size if isinstance(made, Path) else 0
    return Figure(part, seconds, size)


def _misses(figure: Figure) -> bool:
    if figure.part.startswith("statement, "):
        return figure.seconds > STATEMENT_SECONDS or figure.size > STATEMENT_BYTES
    return figure.part == "allure-report" and figure.seconds > ALLURE_SECONDS


@click.command()
@click.option("--results", default=5000, show_default=True, help="How many results, at least.")
def main(results: int) -> None:
    """Measure reports with many results; exit code 1 if a limit is exceeded."""
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        run("nonconformant", Path(folder) / "run")
        real = load_report(Path(folder) / "run")
        for name, report in (("checks", as_checks(real, results)), ("targets", as_targets(real, results))):
            problems = list(problems_of_report(report))
            if problems:
                raise click.ClickException(problems[0])
            checks = sum(len(target.checks) for target in report.targets)
            rows = sum(len(target.verdict.requirements) for target in report.targets)
            click.echo(f"as {name}: {checks:,} checks, {rows:,} requirements, {len(report.targets)} targets")
            for figure in measure(report, Path(folder) / name):
                missed |= _misses(figure)
                mark = "  too much" if _misses(figure) else ""
                click.echo(f"  {figure.part:24}{figure.seconds:7.1f} s{figure.size / 1e6:9.2f} MB{mark}")
    raise SystemExit(int(missed))


if __name__ == "__main__":
    main()
