"""The steps of a result in Allure: one step for each check that judged the requirement, with its exchanges as steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from allure_commons import model2 as model

from kms_conformance.core.text import one_line
from kms_conformance.report.text.exchange import view
from kms_conformance.report.text.failure import compared, exchange_lines

if TYPE_CHECKING:
    from kms_conformance.verdict.model import RequirementVerdict
    from kms_conformance.verdict.results import CheckResult

_BODY_LIMIT = 6000
# At most these numbers of checks and exchanges are shown, to keep a result readable; results.json has all of them.
_MOST_CHECKS = 10
_MOST_EXCHANGES = 6


@dataclass
class Attachments:
    """The attachments of a result by file name. An exchange that several steps show is stored once."""

    prefix: str
    texts: dict[str, str] = field(default_factory=dict)

    def add(self, number: int, text: str) -> str:
        """Add the text of an exchange; returns its file name."""
        name = f"{self.prefix}-{number}-attachment.txt"
        self.texts[name] = text
        return name


def steps(
    entry: RequirementVerdict, checks: Sequence[CheckResult], times: Mapping[str, datetime], attachments: Attachments
) -> Iterator[model.TestStepResult]:
    """One step for each check, failed checks first."""
    ranked = sorted(checks, key=lambda check: not _failures(check, entry.id))
    for check in ranked[:_MOST_CHECKS]:
        failures = _failures(check, entry.id)
        status = "failed" if failures else "broken" if entry.id in check.inconclusive else "passed"
        found = [line for expected, received in failures for line in compared(expected, received, indent="")]
        began = times[check.check]
        # A check without failures gets an exchange only if no exchange is shown yet.
        with_exchanges = bool(failures) or not attachments.texts
        yield model.TestStepResult(
            name=f"{one_line(check.title)} ({one_line(check.check)})",
            status=status,
            statusDetails=model.StatusDetails(message="\n".join(found)) if found else None,
            stage="finished",
            start=milliseconds(began),
            stop=milliseconds(began + timedelta(seconds=check.seconds)),
            steps=list(_exchanges(entry.id, check, attachments)) if with_exchanges else [],
        )


def _exchanges(requirement: str, check: CheckResult, attachments: Attachments) -> Iterator[model.TestStepResult]:
    """The exchanges that failures of the check cite; without failures, one exchange that proves the requirement."""
    cited = [number for f in check.failures if f.requirement == requirement for number in f.exchanges]
    wanted = set(cited or check.evidence.get(requirement, ()))
    most = _MOST_EXCHANGES if cited else 1
    for record in [record for record in check.exchanges if record["number"] in wanted][:most]:
        shown = view(record, _BODY_LIMIT)
        began = datetime.fromisoformat(record["started"])
        answer = str(shown.status) if shown.status is not None else shown.failure.partition(":")[0]
        text = "\n".join(line.removeprefix("  ") for line in exchange_lines(shown)) + "\n"
        kept = attachments.add(shown.number, text)
        yield model.TestStepResult(
            name=f"{shown.number} · {shown.operation or 'request'} → {answer}",
            status="failed" if cited else "passed",
            stage="finished",
            start=milliseconds(began),
            stop=milliseconds(began + timedelta(milliseconds=shown.milliseconds or 0)),
            attachments=[model.Attachment(name="Request, reply, curl", source=kept, type="text/plain")],
        )


def _failures(check: CheckResult, requirement: str) -> list[tuple[str, str]]:
    return [(f.expected, f.received) for f in check.failures if f.requirement == requirement]


def milliseconds(moment: datetime) -> int:
    """A time in Allure's form: milliseconds since 1970, UTC."""
    return round(moment.timestamp() * 1000)
