"""The blocks of a target's summary on the terminal: failures, waived and unjudged requirements, unfinished checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core.text import counted, one_line, wrapped
from kms_conformance.report.reproduce import replay_command
from kms_conformance.report.text.exchange import asked, view
from kms_conformance.report.text.hints import place
from kms_conformance.report.text.others import OtherKeys
from kms_conformance.report.text.words import not_run_because, open_reason

if TYPE_CHECKING:
    from pathlib import Path

    from kms_conformance.catalogue.requirements import Requirement
    from kms_conformance.client.judge import Judgement
    from kms_conformance.report.model import Report, TargetReport
    from kms_conformance.verdict.model import RequirementVerdict, Verdict
    from kms_conformance.verdict.results import CheckResult

_MOST_FAILURES = 10
_MOST_REASONS = 8
_MOST_NAMES = 3
# The number of lines that are shown of each statement and source, and of what was expected and received. The report has
# all lines.
_MOST_LINES = 2
_MOST_LINES_COMPARED = 4
_MOST_LINES_SENT = 3


def failures(target: TargetReport, directory: Path | None, width: int) -> Iterator[Text]:
    """One block for each failed requirement: statement, source, what was sent and received, and how to repeat it."""
    failed = target.causes_first("failed")
    first: dict[str, tuple[CheckResult, Judgement]] = {}
    times = Counter[str]()
    for check in target.checks:
        for failure in check.failures:
            first.setdefault(failure.requirement, (check, failure))
            times[failure.requirement] += 1
    known = Catalogue.load(target.verdict.dialect).requirements
    for entry in failed[:_MOST_FAILURES]:
        yield Text()
        yield from _failure(entry, *first[entry.id], times[entry.id], known.get(entry.id), directory, width)
    if len(failed) > _MOST_FAILURES:
        yield Text()
        yield Text(f"  … and {counted(len(failed) - _MOST_FAILURES, 'more requirement')} in the report", "dim")


def first_failure(check: CheckResult, dialect: str, width: int) -> Iterator[Text]:
    """A short block for the first failure of a check, while the run goes on."""
    failure = next((each for each in check.failures if _is_must(each, dialect)), check.failures[0])
    requirement = Catalogue.load(dialect).requirements.get(failure.requirement)
    level = "" if requirement is None else f" · {requirement.level}"
    name = f"{failure.requirement}{level} · {check.failure_id(failure)} · the first failure at {check.target}"
    yield from lines(name, width, "  ✗ ", style="red")
    if requirement is not None:
        yield from _brief(requirement.statement, width, "    ")
    yield from _compared(check, failure, width)


def _compared(check: CheckResult, failure: Judgement, width: int) -> Iterator[Text]:
    """What was sent, expected and received, the note of the check, where it was seen, and what to look at next."""
    by_number = {record["number"]: record for record in check.exchanges}
    cited = [by_number[number] for number in failure.exchanges if number in by_number]
    if cited:
        # The first is the request, those behind it are the reads that show its effect.
        yield from _brief(asked(cited[0]), width, "    sent      ", _MOST_LINES_SENT)
    yield from _brief(failure.expected, width, "    expected  ", _MOST_LINES_COMPARED)
    yield from _brief(failure.received, width, "    received  ", _MOST_LINES_COMPARED)
    if failure.hint:
        yield from _brief(failure.hint, width, "    note      ")
    yield from _seen_in(check, failure, width)
    next_step = place(failure.requirement, tuple(view(record, 0) for record in cited))
    yield from _brief(next_step, width, "    next      ", _MOST_LINES_COMPARED)


def _seen_in(check: CheckResult, failure: Judgement, width: int) -> Iterator[Text]:
    """The check, and the operations and statuses of the cited exchanges: the texts of a failure may not name them."""
    cited = [check.asked[number] for number in failure.exchanges if number in check.asked]
    if len(cited) > _MOST_NAMES:
        cited = [cited[0], "…", cited[-1]]
    yield from _brief(" · ".join(filter(None, (check.check, one_line(", ".join(cited))))), width, "    seen in   ")


def _is_must(failure: Judgement, dialect: str) -> bool:
    requirement = Catalogue.load(dialect).requirements.get(failure.requirement)
    return requirement is not None and requirement.level == "MUST"


def waived(verdict: Verdict, width: int) -> Iterator[Text]:
    """The waived requirements, each with the reason, owner and last day of its waiver."""
    entries = verdict.with_verdict("waived")
    if entries:
        yield Text()
        yield Text("  waived:", "magenta")
    for entry in entries:
        yield from lines(f"{entry.id} · {entry.level}", width, "    ")
        yield from lines(one_line(entry.reason), width, "      ", style="dim")


def unjudged(target: TargetReport, width: int) -> Iterator[Text]:
    """The requirements that could not be judged, by reason, each with the next step."""
    entries = [entry for entry in target.verdict.with_verdict("inconclusive") if not entry.not_run]
    reasons = Counter(map(open_reason, entries))
    hints = {check.reason: check.hint for check in reversed(target.checks)}
    not_tested = len(target.verdict.with_verdict("not_tested"))
    if reasons or not_tested:
        yield Text()
        yield Text("  could not be judged:", "yellow")
    shown = reasons.most_common(_MOST_REASONS)
    last = {hints.get(reason): reason for reason, _ in shown}
    # Reasons with one hint stand together, and the hint behind the last of them.
    order = {hint: number for number, hint in enumerate(dict.fromkeys(hints.get(reason) for reason, _ in shown))}
    for reason, count in sorted(shown, key=lambda found: order[hints.get(found[0])]):
        yield from lines(one_line(reason), width, f"  {count:>4}  ")
        hint = hints.get(reason)
        if hint and last[hint] == reason:
            yield from lines(one_line(hint), width, "        → ", style="dim")
    if len(reasons) > _MOST_REASONS:
        yield Text(f"        … and {counted(len(reasons) - _MOST_REASONS, 'more reason')} in the report", "dim")
    if not_tested:
        yield from lines("Not tested: no exchange of the run allowed a judgement.", width, f"  {not_tested:>4}  ")


def unfinished(target: TargetReport, width: int) -> Iterator[Text]:
    """The checks in the plan that did not run to their end, by reason; for each reason, the first checks are named."""
    reasons = not_run_because(target.verdict)
    if reasons:
        yield Text()
        yield Text("  checks that did not run to the end:", "yellow")
    for why, checks in sorted(reasons.items(), key=lambda found: -len(found[1]))[:_MOST_REASONS]:
        yield from lines(one_line(why), width, f"  {len(checks):>4}  ")
        more = f" and {counted(len(checks) - _MOST_NAMES, 'more check')}" if len(checks) > _MOST_NAMES else ""
        yield from lines(f"{', '.join(checks[:_MOST_NAMES])}{more}", width, "        ", style="dim")
    if len(reasons) > _MOST_REASONS:
        yield Text(f"        … and {counted(len(reasons) - _MOST_REASONS, 'more reason')} in the report", "dim")


def isolation(verdict: Verdict, width: int) -> Iterator[Text]:
    """The comparison of the keys of others before and after the run."""
    found = OtherKeys.of(verdict.isolation)
    if found is None:
        return
    yield Text()
    line = f"other keys in the account: {'; '.join(found.sentences)}"
    yield from lines(line, width, "  ", style="yellow" if found.changed else "dim")


def stale(report: Report, width: int) -> Iterator[Text]:
    """The waivers that are out of date and make the run fail, each with the reason and the next step."""
    if report.stale:
        yield Text()
        yield Text("✗ waivers out of date: remove or renew these lines", "bold red")
    for found in report.stale:
        place = f"line {found.waiver.line}: " if found.waiver.line else ""
        yield Text()
        yield from lines(
            f"{place}{found.waiver.requirement}, {one_line(found.waiver.owner)}", width, "  ✗ ", style="red"
        )
        yield from lines(one_line(found.why), width, "    ")
        yield from lines(one_line(found.next), width, "    → ", style="dim")


def lines(text: str, width: int, first: str = "", style: str = "") -> Iterator[Text]:
    """The text wrapped at a width, in one style; `first` is the prefix of the first line, and sets the indent."""
    return (Text(line, style) for line in wrapped(text, width, first))


def _failure(
    entry: RequirementVerdict,
    check: CheckResult,
    failure: Judgement,
    times: int,
    requirement: Requirement | None,
    directory: Path | None,
    width: int,
) -> Iterator[Text]:
    name = check.failure_id(failure)
    level = entry.level if entry.decides else f"{entry.level}, newer than the chosen release, does not decide"
    often = f" · failed {times:,} times" if times > 1 else ""
    yield from lines(f"{entry.id} · {level} · {name}{often}", width, "  ✗ ", style="red")
    if requirement is not None:
        yield from _brief(requirement.statement, width, "    ")
        yield from _brief(str(requirement.sources[0]), width, "    source    ")
    yield from _compared(check, failure, width)
    # The command is not wrapped, so that it can be copied.
    if directory is not None:
        yield Text(f"    repeat    {replay_command(directory, name)}")


def _brief(text: str, width: int, first: str, most: int = _MOST_LINES) -> Iterator[Text]:
    found = wrapped("\n".join(map(one_line, text.splitlines())) or "nothing", width, first)
    yield from map(Text, found[:most] if len(found) <= most else found[: most - 1])
    if len(found) > most:
        yield Text(f"{found[most - 1][: width - 2].rstrip()} …")
