"""Allure's results, one a requirement and target, made from what the run recorded: Allure 2 and 3 read them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from conformance.printable import one_line, printable
from conformance.reporting import allure_about as about
from conformance.reporting.allure import Labels, label
from conformance.reporting.allure_steps import Attachments, milliseconds, steps
from conformance.reporting.markdown import code, link, prose
from conformance.reporting.page import TargetPage, pages
from conformance.reporting.standing import Mark, Sign, of_requirement
from conformance.reporting.text import capped, counted

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.reporting.model import Report
    from conformance.results import CheckResult
    from conformance.stale import StaleWaiver
    from conformance.verdict import RequirementVerdict

_STATUS: Mapping[Sign, str] = {"failure": "failed", "error": "broken", "skipped": "skipped"}
_MESSAGE, _TRACE = 1000, 20_000
_MOST_NAMED = 10


def write(folder: Path, report: Report, environ: Mapping[str, str] = os.environ) -> None:
    """Write the results of a run into a folder of their own; what was there is removed first.

    A result is a requirement, not a check: what a check met by the way must not turn red what it is made for.
    """
    shutil.rmtree(folder, ignore_errors=True)
    # What lies in it is for its owner alone, whatever its mode.
    folder.mkdir(parents=True, mode=0o700)
    for page in pages(report):
        times = _times(page)
        by_requirement = _by_requirement(page)
        for entry in page.verdict.requirements:
            if entry.verdict != "not_applicable":
                _write_one(folder, page, entry, by_requirement.get(entry.id, []), times)
    for found in report.stale:
        _put_result(folder, _stale(found, report.run.started))
    targets = [about.Named(t.verdict.name, t.verdict.dialect, t.verdict.profile) for t in report.targets]
    about.write(folder, targets, report.run.tier, report.run.seed, environ)


def _write_one(
    folder: Path,
    page: TargetPage,
    entry: RequirementVerdict,
    checks: list[CheckResult],
    times: Mapping[str, datetime],
) -> None:
    result = _result(page, entry, checks, times)
    attachments = Attachments(result["uuid"])
    result["steps"] = list(steps(entry, checks, times, attachments))
    for name, text in attachments.texts.items():
        _put(folder / name, text)
    _put_result(folder, result)


def _result(
    page: TargetPage, entry: RequirementVerdict, checks: list[CheckResult], times: Mapping[str, datetime]
) -> dict[str, Any]:
    """A trend follows `historyId`: dialect, target and requirement make it, and nothing that differs between nights."""
    verdict, labels = page.verdict, _labels(page, entry)
    begun = [times[check.check] for check in checks] or [datetime.fromisoformat(verdict.started)]
    seconds = sum(check.seconds for check in checks)
    return {
        "uuid": _id(verdict.started, verdict.name, entry.id),
        "historyId": _id(verdict.dialect, verdict.name, entry.id),
        "testCaseId": _id(verdict.dialect, entry.id),
        "fullName": f"{verdict.dialect}/{one_line(entry.id)}",
        "titlePath": [verdict.dialect, labels.feature],
        "name": labels.title,
        "description": _description(page, entry, checks),
        "stage": "finished",
        "start": milliseconds(min(begun)),
        "stop": milliseconds(min(begun) + timedelta(seconds=seconds)),
        "labels": list(_named(labels)),
        "links": [{"type": "link", "name": name, "url": url} for name, url in labels.links],
        "parameters": [
            {"name": "target", "value": verdict.name},
            {"name": "seed", "value": str(verdict.seed), "excluded": True},
        ],
        **_status(of_requirement(page, entry), entry),
    }


def _status(mark: Mark | None, entry: RequirementVerdict) -> dict[str, Any]:
    if mark is None:
        return {"status": "passed"}
    first, _, rest = mark.text.partition("\n")
    # Of what failed, the reason is what was expected and what came.
    message = f"{first}\n{entry.reason}" if entry.verdict == "failed" else first
    details = {"message": capped(printable(message), _MESSAGE)[0], "trace": capped(printable(rest.strip()), _TRACE)[0]}
    return {"status": _STATUS[mark.sign], "statusDetails": details}


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
    """Markdown: what must hold, who says so, and the checks by the ids that select them."""
    requirement = page.requirement(entry.id)
    lines = [f"**{entry.level}** {code(entry.id)}"]
    if requirement is not None:
        lines += [prose(requirement.statement), *(f"- {link(str(s), s.document.url)}" for s in requirement.sources)]
    judged = counted(entry.judged, "time")
    names = ", ".join(code(check.check) for check in checks[:_MOST_NAMED])
    lines.append(f"Judged {judged}" + (f" by {names}" if names else " on exchanges of all checks") + ".")
    return "\n\n".join(lines)


def _named(labels: Labels) -> Iterator[dict[str, str]]:
    """Behaviours are dialect, family and requirement; suites are target and family."""
    yield {"name": "epic", "value": labels.epic}
    yield {"name": "feature", "value": labels.feature}
    yield from ({"name": "story", "value": story} for story in labels.stories)
    yield {"name": "parentSuite", "value": labels.parent_suite}
    yield {"name": "suite", "value": labels.suite}
    yield {"name": "severity", "value": labels.severity}
    yield {"name": "framework", "value": "kms-conformance"}


def _by_requirement(page: TargetPage) -> Mapping[str, list[CheckResult]]:
    """The checks that are made for each requirement, or found it broken, in the order of the run."""
    found: dict[str, list[CheckResult]] = {}
    for check in page.report.checks:
        for name in dict.fromkeys((*check.declared, *(failure.requirement for failure in check.failures))):
            found.setdefault(name, []).append(check)
    return found


def _times(page: TargetPage) -> Mapping[str, datetime]:
    """When each check began; in files that do not say, one after another."""
    clock = datetime.fromisoformat(page.verdict.started)
    found = {}
    for check in page.report.checks:
        if check.started:
            clock = datetime.fromisoformat(check.started)
        found[check.check] = clock
        clock += timedelta(seconds=check.seconds)
    return found


def _stale(found: StaleWaiver, started: str) -> dict[str, Any]:
    """A waiver that has had its time fails the run, and is no requirement's fault."""
    name, at = one_line(found.waiver.requirement), milliseconds(datetime.fromisoformat(started))
    return {
        "uuid": _id(started, "waiver", name, str(found.waiver.line)),
        "historyId": _id("waiver", name),
        "testCaseId": _id("waiver", name),
        "fullName": f"waivers/{name}",
        "titlePath": ["waivers"],
        "name": f"The waiver of {name} is needed",
        "status": "failed",
        "statusDetails": {"message": f"Stale waiver {name}: {one_line(found.why)}", "trace": one_line(found.next)},
        "stage": "finished",
        "start": at,
        "stop": at,
        "labels": [{"name": "epic", "value": "waivers"}, {"name": "feature", "value": name}],
    }


def _put_result(folder: Path, result: Mapping[str, Any]) -> None:
    _put(folder / f"{result['uuid']}-result.json", json.dumps(result))


def _put(path: Path, text: str) -> None:
    """Thousands of files that can all be made again: each is not forced to the disk."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
