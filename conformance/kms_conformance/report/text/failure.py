"""The explanation of one failed judgement: requirement, source, expected and received, exchanges, next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kms_conformance.core.text import one_line, printable, wrapped
from kms_conformance.report.text.exchange import ExchangeView, Message, view
from kms_conformance.report.text.hints import look_next

if TYPE_CHECKING:
    from kms_conformance.catalogue.requirements import Requirement, Source
    from kms_conformance.client.judge import Judgement

WIDTH = 100
# The number of characters that the terminal shows of a body, some 12 lines. The page and results.json hold more.
_TEXT_BODY = 1200
_TEXT_CURL = 2000
# The largest number of exchanges that are shown. Most judgements cite a request and the reads that show its effect; the
# lifecycle model cites more.
_MOST_EXCHANGES = 4
_ON_CREDENTIALS = "auth."
_WRONG_ON_PURPOSE = (
    "The credentials of this request are wrong on purpose, as the note says, and the variables hide them."
    " kms-conformance replay makes them again; an endpoint that does not look at them takes any text."
)
_UNKNOWN = "Not in the catalogue of this version: the report was made by another version."


@dataclass(frozen=True)
class FailureView:
    """The explanation of a failed judgement; its texts may have several lines.

    - `note`: a remark of the check that judged.
    - `left_out`: the number of cited exchanges that are not shown.
    - `next`: the next step for the developer of the endpoint.
    """

    requirement: str
    level: str
    statement: str
    sources: tuple[Source, ...]
    expected: str
    received: str
    note: str
    exchanges: tuple[ExchangeView, ...]
    left_out: int
    next: str
    id: str = ""


def explain(
    judgement: Judgement,
    requirement: Requirement | None,
    records: Sequence[Mapping[str, Any]],
    *,
    body_limit: int = _TEXT_BODY,
    name: str = "",
) -> FailureView:
    """Build the explanation of a failed judgement.

    - `requirement`: the judged requirement; None if the catalogue does not have it.
    - `records`: stored exchanges, with those that the judgement cites among them.
    - `body_limit`: the number of characters that are shown of a body.
    - `name`: the id of the failure (`CheckResult.failure_id`).

    If the judgement cites more than 4 exchanges, the first one and the last 3 are shown.
    """
    by_number = {record["number"]: record for record in records}
    cited = [by_number[number] for number in judgement.exchanges if number in by_number]
    shown = cited if len(cited) <= _MOST_EXCHANGES else [cited[0], *cited[1 - _MOST_EXCHANGES :]]
    exchanges = tuple(_of_failure(view(record, body_limit), judgement.requirement) for record in shown)
    return FailureView(
        requirement=judgement.requirement,
        level=requirement.level if requirement else "",
        statement=requirement.statement if requirement else _UNKNOWN,
        sources=requirement.sources if requirement else (),
        expected=printable(judgement.expected),
        received=printable(judgement.received),
        note=one_line(judgement.hint),
        exchanges=exchanges,
        left_out=len(cited) - len(shown),
        next=look_next(judgement.requirement, exchanges),
        id=name,
    )


def _of_failure(exchange: ExchangeView, requirement: str) -> ExchangeView:
    """The exchange as a failure shows it: who signs a request with wrong credentials again has another request."""
    if exchange.needs and requirement.startswith(_ON_CREDENTIALS):
        return replace(exchange, needs=_WRONG_ON_PURPOSE)
    return exchange


def render(
    judgement: Judgement,
    requirement: Requirement | None,
    records: Sequence[Mapping[str, Any]],
    *,
    width: int = WIDTH,
    name: str = "",
) -> str:
    """The failure as plain text, for terminals, pytest and Allure; only curl lines and URLs may exceed `width`."""
    return "\n".join(_lines(explain(judgement, requirement, records, name=name), width))


def compared(expected: str, received: str, width: int = WIDTH, indent: str = "  ") -> list[str]:
    """The aligned lines `expected` and `received` of a failed judgement, wrapped at `width`."""
    return [
        *wrapped(printable(expected) or "nothing", width, f"{indent}expected  "),
        *wrapped(printable(received) or "nothing", width, f"{indent}received  "),
    ]


def _lines(failure: FailureView, width: int) -> Iterator[str]:
    yield " · ".join(filter(None, (failure.requirement, failure.level, failure.id)))
    yield from wrapped(failure.statement, width, "  ")
    for number, source in enumerate(failure.sources):
        yield from wrapped(str(source), width, "  source  " if number == 0 else "          ")
        yield f"          {source.document.url}"
    yield ""
    yield from compared(failure.expected, failure.received, width)
    if failure.note:
        yield from wrapped(failure.note, width, "  note      ")
    for position, exchange in enumerate(failure.exchanges):
        if position == 1 and failure.left_out:
            yield ""
            yield f"  ({failure.left_out} exchanges between are in results.json)"
        yield ""
        yield from exchange_lines(exchange, width)
    yield ""
    yield from wrapped(failure.next, width, "  next step: ", "    ")


def exchange_lines(exchange: ExchangeView, width: int = WIDTH) -> Iterator[str]:
    """One exchange as plain text: request, reply, and curl line."""
    took = "" if exchange.milliseconds is None else f" · {exchange.milliseconds:.0f} ms"
    operation = f" · {exchange.operation}" if exchange.operation else ""
    yield f"  exchange {exchange.number}{operation} · {exchange.started}{took}"
    yield from _message(exchange.request, ">", width)
    yield "    |"
    if exchange.reply is None:
        yield from wrapped(f"no reply ({exchange.failure})", width, "    < ")
    else:
        yield from _message(exchange.reply, "<", width)
    if len(exchange.curl) <= _TEXT_CURL:
        yield "  reproduce:"
        yield from (f"    {printable(line)}" for line in exchange.curl.split("\n"))
        if exchange.needs:
            yield from wrapped(f"({exchange.needs})", width, "    ")
    else:
        yield f"  reproduce: see the curl line in index.html; it has {len(exchange.curl):,} characters."


def _message(message: Message, mark: str, width: int) -> Iterator[str]:
    prefix = f"    {mark} "
    # The first line is not wrapped, so that its URL can be clicked or copied.
    yield f"{prefix}{message.line}"
    for name, value in message.headers:
        yield from wrapped(f"{name}: {value}", width, prefix, f"{prefix}  ")
    if message.body:
        yield f"    {mark}"
        yield from wrapped(message.body, width, prefix, prefix)
    if message.body_note:
        yield f"    {mark}"
        yield f"{prefix}({message.body_note})"
