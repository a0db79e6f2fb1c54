"""The table of `benchmarks.peer` for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from benchmarks.score import Figures, Line, Result, lines

_MISSING = "-"


def table(results: Sequence[Result]) -> Table:
    """Both tools side by side, with one line for each class, severity and dialect, and one for all."""
    shown = Table(title="Deliberate faults: ours (tier smoke) and Schemathesis, side by side", title_justify="left")
    shown.add_column("faults", overflow="fold")
    for heading in ("runs", "ours", "peer", "peer, any report"):
        shown.add_column(heading, justify="right")
    for heading in ("ours: sent", "seconds", "peer: sent", "seconds"):
        shown.add_column(heading, justify="right")
    classes = {result.fault_class for result in results}
    before: Line | None = None
    for line in lines(results):
        if before is not None and before.title in classes and line.title not in classes:
            shown.add_section()
        shown.add_row(*cells(line))
        before = line
    shown.caption = (
        "Sent (requests) and seconds: medians from the start of the command to the first report of the fault."
    )
    return shown


def cells(line: Line) -> tuple[str, ...]:
    """The cells of a line, as text."""
    counts = (line.faults, line.ours.found, line.peer.found, line.peer.anything)
    return (line.title, *map(str, counts), *_medians(line.ours), *_medians(line.peer))


def _medians(figures: Figures) -> tuple[str, str]:
    if figures.requests is None or figures.seconds is None:
        return _MISSING, _MISSING
    return f"{figures.requests:.0f}", f"{figures.seconds:.1f}"
