"""Terminal output of `run --via sdk`: a table of steps by client, then the findings, then each known trap once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from kms_conformance.apps.sdk.vendor_clients import clients
from kms_conformance.core.text import capped, counted, one_line, wrapped

if TYPE_CHECKING:
    from pathlib import Path

    from kms_conformance.apps.sdk.results import ClientResult, SdkReport, StepResult, StepVerdict
    from kms_conformance.report.text.screen import Screen

_CELLS: Mapping[StepVerdict, tuple[str, str]] = {
    "passed": ("passed", "green"),
    "known_trap": ("known trap of the client", "magenta"),
    "client": ("the client's fault", "magenta"),
    "target": ("the target's fault", "bold red"),
    "open": ("left open by the documents", "cyan"),
    "inconclusive": ("inconclusive", "yellow"),
    "absent": ("no such call", "dim"),
}
_RESULTS = {
    "passed": ("real programs work, as far as these clients show", "bold green"),
    "failed": ("real programs fail", "bold red"),
    "inconclusive": ("not decided whether real programs work", "bold yellow"),
}
_MOST_BODY = 160
_LEAST_WIDTH = 40
_INDENT = 13


def show(report: SdkReport, path: Path, screen: Screen) -> None:
    """Print the results of one target; `path` is its `sdk.json`."""
    screen.write_line()
    screen.write_line(Text(f"{report.target.name}: {_RESULTS[report.result][0]}", _RESULTS[report.result][1]))
    if report.clients:
        screen.print(_table(report))
    for line in _lines(report, path, max(_LEAST_WIDTH, screen.width)):
        screen.write_line(line)


def _table(report: SdkReport) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("step")
    for client in report.clients:
        table.add_column(client.name)
    rows = list(dict.fromkeys(step.title for client in report.clients for step in client.steps))
    for title in rows:
        table.add_row(title, *(_cell(client, title) for client in report.clients))
    return table


def _cell(client: ClientResult, title: str) -> Text:
    found = next((step for step in client.steps if step.title == title), None)
    return Text("not run", "dim") if found is None else Text(*_CELLS[found.verdict])


def _lines(report: SdkReport, path: Path, width: int) -> Iterator[Text]:
    if report.reason:
        yield from _wrapped("reason", report.reason, width)
    for name, why in report.left_out.items():
        yield from _wrapped("left out", f"{name}: {why}", width)
    exchanges = {exchange["number"]: exchange for exchange in report.exchanges}
    for client in report.clients:
        versions = ", ".join(f"{name} {version}" for name, version in client.versions.items())
        for step in client.steps:
            if step.verdict in ("target", "client", "open", "inconclusive"):
                yield Text()
                yield Text(f"{client.name}: {step.title}: {_CELLS[step.verdict][0]}", _CELLS[step.verdict][1])
                yield from _finding(step, exchanges, versions, width)
        yield from _traps(client, report.target.dialect, width)
    yield Text()
    yield Text(f"details: {path}")


def _finding(step: StepResult, exchanges: Mapping[int, Mapping[str, Any]], versions: str, width: int) -> Iterator[Text]:
    where = f", raised at {step.where}" if step.where else ""
    shown = {
        "call": f"{step.call} ({versions})",
        "expected": step.expected,
        "received": f"{step.received}{where}" if step.received else "",
        "reply": "; ".join(_reply(exchanges[number]) for number in step.exchanges[-1:] if number in exchanges),
        "why": step.reason,
        "erratum": step.erratum,
        "breaks": ", ".join(step.requirements),
        "trap": f"{step.trap}: this known fault of the client also fails on such a reply" if step.trap else "",
    }
    for label, text in shown.items():
        if text:
            yield from _wrapped(label, text, width)


def _reply(exchange: Mapping[str, Any]) -> str:
    """A recorded reply in one line: status, content type, body."""
    if exchange["status"] is None:
        return f"none ({exchange['failure']}), exchange {exchange['number']}"
    kind = next((value for name, value in exchange["reply_headers"] if name.lower() == "content-type"), "no type")
    body, more = capped(one_line(exchange["reply_body"]["text"]), _MOST_BODY)
    return f"{exchange['status']}, {kind}: {body or 'empty'}{'…' if more else ''} (exchange {exchange['number']})"


def _traps(client: ClientResult, dialect: str, width: int) -> Iterator[Text]:
    """The known traps that explain steps of a client: each trap once, with the number of its steps."""
    known = {trap.id: trap for each in clients(dialect) if each.name == client.name for trap in each.traps}
    met: dict[str, list[str]] = {}
    for step in client.steps:
        if step.verdict == "known_trap":
            met.setdefault(step.trap, []).append(step.title)
    if not met:
        return
    yield Text()
    yield Text(f"{client.name}: known traps of the client; the target need not change", "magenta")
    for trap, titles in met.items():
        yield from _wrapped("", f"{trap} ({counted(len(titles), 'step')}): {known[trap].tells}", width)


def _wrapped(label: str, text: str, width: int) -> Iterator[Text]:
    first = f"  {label}".ljust(_INDENT) if label else "  "
    for line in wrapped(one_line(text), width, first=first):
        yield Text(line)
