"""The results of `python -m benchmarks` as a table, for a terminal or in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from benchmarks.measure import Ratio, Result, Spread

_HEADINGS = ("part", "what", "against", "ours: least", "middle", "most", "ratio: least", "middle", "most", "target")


def table(results: Sequence[Result]) -> Table:
    """A table with one row for each result."""
    shown = Table(title="Ours and the other, measured in turn", title_justify="left")
    for number, heading in enumerate(_HEADINGS):
        shown.add_column(heading, overflow="fold", justify="left" if number < 3 else "right")
    for result in results:
        shown.add_row(*row(result))
    return shown


def markdown(results: Sequence[Result]) -> str:
    """The table in Markdown."""
    lines = [f"| {' | '.join(_HEADINGS)} |", "|---|---|---|" + "---:|" * (len(_HEADINGS) - 3)]
    return "\n".join([*lines, *(f"| {' | '.join(row(result))} |" for result in results)])


def row(result: Result) -> tuple[str, ...]:
    """The cells of a result."""
    if isinstance(result, Ratio):
        sign = "≥" if result.at_least else "≤"
        values, ratio = _cells(Spread.of(result.ours), result.unit), _cells(result.ratio, "")
        return (result.part, result.name, result.against, *values, *ratio, _target(sign, result.target, result.met))
    spread = Spread.of(result.values)
    values = ("", _written(spread.middle, result.unit), "") if len(result.values) == 1 else _cells(spread, result.unit)
    return (result.part, result.name, "", *values, "", "", "", _target("≤", result.target, result.met))


def _cells(spread: Spread, unit: str) -> tuple[str, str, str]:
    return _written(spread.least, unit), _written(spread.middle, unit), _written(spread.most, unit)


def _written(value: float, unit: str) -> str:
    digits = 0 if unit in {"requests", "keys", "modules", "faults", "MB", "1/s"} else 2
    return f"{value:.{digits}f}{f' {unit}' if unit and unit != 's' else ' s' if unit else ''}"


def _target(sign: str, target: float | None, met: bool | None) -> str:  # noqa: FBT001 - a fact, not an option
    return "" if target is None else f"{sign} {target:g} {'met' if met else 'missed'}"
