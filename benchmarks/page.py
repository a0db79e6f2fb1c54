"""The results of `benchmarks.peer` in Markdown (`--markdown`), for docs/benchmark-peer.md."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.record import Record, Silence
from benchmarks.score import Result, lines
from benchmarks.table import cells

_HEAD = (
    "| faults | runs | ours | peer | peer, any report | ours: requests | seconds | peer: requests | seconds |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
)


def markdown(record: Record, results: Sequence[Result]) -> str:
    """Settings, the table, and the reports of both tools without a fault."""
    settings = record.settings
    said = (
        f"{len(results)} runs (seed {settings['seed']}), Schemathesis {version('schemathesis')} with "
        f"{settings['examples']} examples an operation, on {datetime.now(UTC):%Y-%m-%d} at commit {_commit()}; "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[2]:.0f} when this was printed."
    )
    rows = [f"| {' | '.join(cells(line))} |" for line in lines(results)]
    silences = [f"- {of_silence(dialect, silence)}" for dialect, silence in sorted(record.silence.items())]
    return "\n".join([said, "", *_HEAD, *rows, "", *silences, *_differences(results)])


def of_silence(dialect: str, silence: Silence) -> str:
    """The reports of both tools on a dialect without a fault."""
    requests = " + ".join(str(run.sent) for run in silence.baseline)
    problems = "; ".join(filter(None, (run.problem for run in (*silence.baseline, silence.ours, silence.peer))))
    return (
        f"{dialect}, no fault: the peer's baseline has {len(silence.accepted)} reports, from runs of {requests} "
        f"requests. One run more of each, with another seed: false alarms of ours {len(silence.ours.new)} "
        f"(in {silence.ours.sent} requests), of the peer {len(silence.peer.new)} (in {silence.peer.sent})."
        + (f" Trouble: {problems}." if problems else "")
    )


def _differences(results: Sequence[Result]) -> Iterator[str]:
    """The faults that only the peer found, and the failed runs."""
    for title, chosen in (
        ("Found by the peer and not by us", [r for r in results if r.peer.found and not r.ours.found]),
        ("Runs with trouble of their own", [r for r in results if r.ours.problem or r.peer.problem]),
    ):
        names = ", ".join(f"`{result.fault}` ({result.dialect})" for result in chosen)
        yield f"- {title}: {names or 'none'}."


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - the caller's own git
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"
