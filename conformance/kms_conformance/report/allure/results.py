"""Writes Allure's results, one per requirement and target, for Allure 2 and 3.

The results are objects of Allure's own model, written by its own logger.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from allure_commons import model2 as model
from allure_commons.logger import AllureFileLogger

from kms_conformance.core.text import capped, counted, one_line, printable
from kms_conformance.report.allure import about
from kms_conformance.report.allure.labels import Labels, label
from kms_conformance.report.allure.steps import Attachments, milliseconds, steps
from kms_conformance.report.html.page import TargetPage, pages
from kms_conformance.report.status import Status, StatusKind, requirement_status
from kms_conformance.report.text.markdown import code, link, prose

if TYPE_CHECKING:
    from pathlib import Path

    from kms_conformance.report.model import Report
    from kms_conformance.verdict.model import RequirementVerdict
    from kms_conformance.verdict.results import CheckResult
    from kms_conformance.verdict.waivers.outdated import StaleWaiver

# allure_commons has no types.
_LOGGER: Any = AllureFileLogger
_STATUS: Mapping[StatusKind, str] = {"failure": "failed", "error": "broken", "skipped": "skipped"}
_MESSAGE, _TRACE = 1000, 20_000
_MOST_NAMED = 10


def write(folder: Path, report: Report, environ: Mapping[str, str] = os.environ) -> None:
    """Write the results of a run into a folder, which is emptied first.

    There is one result for each requirement, not for each check, because a check may also find failures of requirements
    that it does not declare.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    files = _Files(folder)
    for page in pages(report):
        times = _times(page)
        by_requirement = _by_requirement(page)
        for entry in page.verdict.requirements:
            if entry.verdict != "not_applicable":
                _write_one(files, page, entry, by_requirement.get(entry.id, []), times)
    for found in report.stale:
        files.put(_stale(found, report.run.started))
    targets = [about.NamedTarget(t.verdict.name, t.verdict.dialect, t.verdict.profile) for t in report.targets]
    about.write(folder, targets, report.run.tier, report.run.seed, environ)


class _Files:
    """Allure's logger, which here writes files that only their owner may read.

    The files are not synchronised to the disk (fsync), because they can be written again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._logger = _LOGGER(folder)

    def put(self, result: model.TestResult) -> None:
        """Write a result into a file named by the result's id. The logger would choose a random name each time."""
        name = f"{result.uuid}-result.json"
        result.file_pattern = name
        self._logger.report_result(result)
        self._folder.joinpath(name).chmod(0o600)

    def attach(self, name: str, text: str) -> None:
        """Write the text of an attachment."""
        self._logger.report_attached_data(text, name)
        self._folder.joinpath(name).chmod(0o600)


def _write_one(
    files: _Files,
    page: TargetPage,
    entry: RequirementVerdict,
    checks: list[CheckResult],
    times: Mapping[str, datetime],
) -> None:
    result = _result(page, entry, checks, times)
    attachments = Attachments(result.uuid)
    result.steps = list(steps(entry, checks, times, attachments))
    for name, text in attachments.texts.items():
        files.attach(name, text)
    files.put(result)


def _result(
    page: TargetPage, entry: RequirementVerdict, checks: list[CheckResult], times: Mapping[str, datetime]
) -> model.TestResult:
    """The result of a requirement. Allure's trends join results with one `historyId`: dialect, target, requirement."""
    verdict, labels = page.verdict, _labels(page, entry)
    begun = [times[check.check] for check in checks] or [datetime.fromisoformat(verdict.started)]
    seconds = sum(check.seconds for check in checks)
    status, details = _status(requirement_status(page, entry), entry)
    return model.TestResult(
        uuid=_id(verdict.started, verdict.name, entry.id),
        historyId=_id(verdict.dialect, verdict.name, entry.id),
        testCaseId=_id(verdict.dialect, entry.id),
        fullName=f"{verdict.dialect}/{one_line(entry.id)}",
        titlePath=[verdict.dialect, labels.feature],
        name=labels.title,
        description=_description(page, entry, checks),
        status=status,
        statusDetails=details,
        stage="finished",
        start=milliseconds(min(begun)),
        stop=milliseconds(min(begun) + timedelta(seconds=seconds)),
        labels=list(_named(labels)),
        links=[model.Link(type="link", name=name, url=url) for name, url in labels.links],
        parameters=[
            model.Parameter(name="target", value=verdict.name),
            model.Parameter(name="seed", value=str(verdict.seed), excluded=True),
        ],
    )


def _status(status: Status | None, entry: RequirementVerdict) -> tuple[str, model.StatusDetails | None]:
    if status is None:
        return "passed", None
    first, _, rest = status.text.partition("\n")
    # The reason of a failure holds the expected and the received value.
    message = f"{first}\n{entry.reason}" if entry.verdict == "failed" else first
    message, trace = capped(printable(message), _MESSAGE)[0], capped(printable(rest.strip()), _TRACE)[0]
    return _STATUS[status.kind], model.StatusDetails(message=message, trace=trace)


def _labels(page: TargetPage, entry: RequirementVerdict) -> Labels:
    requirement = page.requirement(entry.id)
    return label(
        target=page.verdict.name,
        dialect=page.verdict.dialect,
        family=entry.id.partition(".")[0].replace("-", " "),
        title=one_line(requirement.statement if requirement else entry.id),
        check=entry.id,
        requirements=[requirement] if requirement else [],
    )


def _description(page: TargetPage, entry: RequirementVerdict, checks: list[CheckResult]) -> str:
    """The description as Markdown: statement, sources, and the ids of the checks."""
    requirement = page.requirement(entry.id)
    lines = [f"**{entry.level}** {code(entry.id)}"]
    if requirement is not None:
        lines += [prose(requirement.statement), *(f"- {link(str(s), s.document.url)}" for s in requirement.sources)]
    judged = counted(entry.judged, "time")
    names = ", ".join(code(check.check) for check in checks[:_MOST_NAMED])
    lines.append(f"Judged {judged}" + (f" by {names}" if names else " on exchanges of all checks") + ".")
    return "\n\n".join(lines)


def _named(labels: Labels) -> Iterator[model.Label]:
    """Allure's labels: behaviours are dialect, family and requirement; suites are target and family."""
    yield model.Label("epic", labels.epic)
    yield model.Label("feature", labels.feature)
    yield from (model.Label("story", story) for story in labels.stories)
    yield model.Label("parentSuite", labels.parent_suite)
    yield model.Label("suite", labels.suite)
    yield model.Label("severity", labels.severity)
    yield model.Label("framework", "kms-conformance")


def _by_requirement(page: TargetPage) -> Mapping[str, list[CheckResult]]:
    """By requirement, the checks that declare it or found a failure of it, in the order of the run."""
    found: dict[str, list[CheckResult]] = {}
    for check in page.report.checks:
        for name in dict.fromkeys((*check.declared, *(failure.requirement for failure in check.failures))):
            found.setdefault(name, []).append(check)
    return found


def _times(page: TargetPage) -> Mapping[str, datetime]:
    """The start time of each check. If the time is not stored, the end of the previous check is used."""
    clock = datetime.fromisoformat(page.verdict.started)
    found = {}
    for check in page.report.checks:
        if check.started:
            clock = datetime.fromisoformat(check.started)
        found[check.check] = clock
        clock += timedelta(seconds=check.seconds)
    return found


def _stale(found: StaleWaiver, started: str) -> model.TestResult:
    """The failed result for a waiver that is out of date. This result belongs to no requirement."""
    name, at = one_line(found.waiver.requirement), milliseconds(datetime.fromisoformat(started))
    why = f"Waiver out of date, {name}: {one_line(found.why)}"
    return model.TestResult(
        uuid=_id(started, "waiver", name, str(found.waiver.line)),
        historyId=_id("waiver", name),
        testCaseId=_id("waiver", name),
        fullName=f"waivers/{name}",
        titlePath=["waivers"],
        name=f"The waiver of {name} is up to date",
        status="failed",
        statusDetails=model.StatusDetails(message=why, trace=one_line(found.next)),
        stage="finished",
        start=at,
        stop=at,
        labels=[model.Label("epic", "waivers"), model.Label("feature", name)],
    )


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
