"""The statement of a run as Markdown, for pull requests and job summaries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kms_conformance.core.text import capped, counted, duration
from kms_conformance.report.html.page import Card, TargetPage, pages
from kms_conformance.report.text import answers
from kms_conformance.report.text.markdown import block, code, details, link, plain, prose, table, with_code
from kms_conformance.report.text.words import RESULT_SIGNS, VERDICT_WORDS
from kms_conformance.verdict.model import VERDICTS

if TYPE_CHECKING:
    from kms_conformance.report.model import Report
    from kms_conformance.verdict.waivers.outdated import StaleWaiver

# The limit of GitHub for the summary of one step, in bytes.
SUMMARY_LIMIT = 1024 * 1024
# The number of bytes that are reserved for the line about omitted parts.
_LINE = 400
_SHOWN = 1500
_MOST_ROWS = 300

# The ranks of blocks, most important first. If not all blocks fit, blocks of the last rank are left out first.
_ESSENTIAL, _FAILURE, _OPEN, _MORE = range(4)


@dataclass(frozen=True)
class _Block:
    rank: int
    text: str


def render(report: Report, limit: int | None = None) -> str:
    """The statement as Markdown, at most `limit` bytes of UTF-8; the last line names the number of omitted parts."""
    return render_pages(pages(report), report.stale, limit)


def render_pages(shown: tuple[TargetPage, ...], stale: Sequence[StaleWaiver] = (), limit: int | None = None) -> str:
    """The statement as Markdown, from the pages of the targets, which other formats share."""
    blocks = list(_blocks(shown, stale))
    kept = blocks if limit is None else _fitting(blocks, limit)
    left_out = len(blocks) - len(kept)
    if left_out:
        parts = counted(left_out, "part does", "parts do")
        kept.append(_Block(_ESSENTIAL, f"*{parts} not fit in here: see index.html for the whole statement.*"))
    return "\n\n".join(each.text for each in kept) + "\n"


def _fitting(blocks: list[_Block], limit: int) -> list[_Block]:
    """The blocks that fit into `limit` bytes, in the same order; the most important blocks are kept."""
    left = limit - _LINE
    kept = set()
    for position, each in sorted(enumerate(blocks), key=lambda pair: (pair[1].rank, pair[0])):
        size = len(each.text.encode()) + 2
        if size <= left:
            kept.add(position)
            left -= size
    return [each for position, each in enumerate(blocks) if position in kept]


def _blocks(shown: tuple[TargetPage, ...], stale: Sequence[StaleWaiver]) -> Iterator[_Block]:
    if len(shown) > 1:
        yield _Block(_ESSENTIAL, "# Conformance of key deletion\n\n" + _overview(shown))
    for found in stale:
        requirement = code(found.waiver.requirement)
        reason = f"{with_code(found.why)} {with_code(found.next)}"
        yield _Block(_FAILURE, f"**Waiver out of date** {requirement}: {reason}")
    for page in shown:
        yield _Block(_ESSENTIAL, _head(page, "##" if len(shown) > 1 else "#"))
        yield from _cards(page.failed, "Failures")
        yield from _open(page)
        yield from _not_run(page)
        yield from _cards(page.waived, "Waived failures")
        yield _Block(_MORE, _requirements(page))
        if page.documents:
            yield _Block(_MORE, _documents(page))
        if page.open_choices:
            yield _Block(_MORE, _open_choices(page))
        if page.answers is not None:
            yield _Block(_MORE, answers.markdown(page.answers))
        lines = "\n".join(f"# {command.title}\n{command.line}" for command in page.commands)
        yield _Block(_OPEN, details("Repeat the run", block(lines, "sh")))


def _overview(shown: Iterable[TargetPage]) -> str:
    rows = [
        (
            plain(page.verdict.name),
            plain(f"{page.verdict.dialect}, {page.verdict.profile}"),
            f"{RESULT_SIGNS[page.verdict.result]} {page.verdict.result}",
            *(str(page.totals.get(name, 0)) for name in VERDICTS),
        )
        for page in shown
    ]
    return table(("Target", "Dialect, profile", "Result", *VERDICT_WORDS.values()), rows)


def _head(page: TargetPage, level: str) -> str:
    verdict = page.verdict
    counts = " · ".join(f"{number} {VERDICT_WORDS[name]}" for name, number in page.totals.items())
    about = [
        code(verdict.base_url),
        plain(f"{verdict.dialect}, profile {verdict.profile}"),
        f"tier {verdict.tier}, seed {verdict.seed}",
        verdict.started.replace("T", " ").replace("Z", " UTC"),
        f"checks took {duration(verdict.duration_seconds)}",
        counted(verdict.requests, "request"),
        f"kms-conformance {plain(verdict.suite_version)}, specs {code(verdict.specs_digest)}",
    ]
    title = f"{level} {RESULT_SIGNS[verdict.result]} {plain(verdict.name)}: {verdict.result} (tier {verdict.tier})"
    shown = [title, page.sentence, counts, " · ".join(about)]
    if page.other_keys is not None:
        shown.append(f"Other keys in the account: {plain('; '.join(page.other_keys.sentences))}.")
    if page.documents:
        shown.append(f"Documents: {plain(page.evidence_age)}")
    return "\n\n".join(shown)


def _cards(cards: tuple[Card, ...], title: str) -> Iterator[_Block]:
    if cards:
        yield _Block(_FAILURE, f"### {title} ({len(cards)})")
    for card in cards:
        yield _Block(_FAILURE, _card(card))


def _card(card: Card) -> str:
    failure = card.failure
    lines = [f"**{code(failure.requirement)}** · {card.verdict.level} · {prose(failure.statement)}"]
    if failure.sources:
        named = (
            f"{link(s.document.title, s.document.url)} {plain(' · '.join(filter(None, (s.section, s.row))))}"
            for s in failure.sources
        )
        lines.append("; ".join(named))
    if card.verdict.verdict == "waived":
        lines.append(f"Waived: {with_code(card.verdict.reason)}")
    lines.append(block(f"expected  {_short(failure.expected)}\nreceived  {_short(failure.received)}"))
    if failure.note:
        lines.append(f"Note: {plain(failure.note)}")
    if failure.exchanges:
        first = failure.exchanges[0]
        # The command is shown whole or not at all, because a part of it would be another command.
        if len(first.curl) <= 2 * _SHOWN:
            lines.append(details("Repeat the request", f"{block(first.curl, 'sh')}\n\n{plain(first.needs)}"))
        if first.trace:
            lines.append(f"In the log of the endpoint: {code(first.trace)}")
    if failure.id:
        lines.append(f"Repeat and compare the replies: {code(f'kms-conformance replay DIR {failure.id}')}")
    if card.elsewhere:
        lines.append(f"Failed {counted(len(card.elsewhere), 'more time')}.")
    return "\n\n".join(lines)


def _short(text: str) -> str:
    shown, left_out = capped(text or "nothing", _SHOWN)
    return shown if not left_out else f"{shown} … ({left_out:,} more characters)"


def _open(page: TargetPage) -> Iterator[_Block]:
    if page.open:
        yield _Block(_OPEN, f"### Could not be judged ({sum(group.size for group in page.open)})")
    for group in page.open:
        names = ", ".join(code(entry.id) for entry in group.requirements)
        hint = f"\n\n{with_code(group.hint)}" if group.hint else ""
        yield _Block(_OPEN, f"{with_code(group.reason)}{hint}\n\n{details(counted(group.size, 'requirement'), names)}")


def _not_run(page: TargetPage) -> Iterator[_Block]:
    if page.not_run:
        yield _Block(_OPEN, f"### Checks that did not run to the end ({len(page.verdict.unfinished)})")
    for why, checks in page.not_run.items():
        names = details(counted(len(checks), "check"), ", ".join(map(code, checks)))
        yield _Block(_OPEN, f"{with_code(why)}\n\n{names}")


def _requirements(page: TargetPage) -> str:
    rows = [
        (
            VERDICT_WORDS[entry.verdict],
            code(entry.id),
            entry.level,
            prose(found.statement).replace("|", "\\|") if (found := page.requirement(entry.id)) else "",
        )
        for group in page.groups
        for entry in (row.verdict for row in group.rows)
    ]
    shown = table(("Verdict", "Requirement", "Level", "Statement"), rows[:_MOST_ROWS])
    return details(f"All {counted(len(rows), 'requirement')}", shown)


def _documents(page: TargetPage) -> str:
    rows = [
        (link(cited.document.title, cited.document.url), cited.dated, cited.read, str(cited.requirements))
        for cited in page.documents
    ]
    return details(
        f"Dates of the {counted(len(rows), 'document')}", table(("Document", "Dated", "Read", "Requirements"), rows)
    )


def _open_choices(page: TargetPage) -> str:
    rows = [
        (code(choice.requirement), ", ".join(map(code, choice.given)), ", ".join(map(code, choice.others)))
        for choice in page.open_choices
    ]
    return details(
        f"Requirements with several accepted answers: {len(rows)}",
        table(("Requirement", "Received", "Also accepted"), rows),
    )
