"""JUnit XML: one suite per target, one case per check. It has a failure or error exactly if the exit code is not 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from kms_conformance.core.text import capped, counted, one_line, printable
from kms_conformance.report.html.page import TargetPage, pages
from kms_conformance.report.status import Status, StatusKind, check_status, requirement_status, undeclared_failures

if TYPE_CHECKING:
    from kms_conformance.report.model import Report
    from kms_conformance.verdict.results import CheckResult
    from kms_conformance.verdict.waivers.outdated import StaleWaiver

_TITLE = 200
_TEXT = 20_000


def render(report: Report) -> str:
    """The JUnit document of a run, for GitHub, GitLab and Jenkins.

    The module `status` decides between failure, error and skipped. Cases have no file attribute, because a requirement
    has no line in the user's source.
    """
    return render_pages(pages(report), report.stale)


def render_pages(shown: tuple[TargetPage, ...], stale: Sequence[StaleWaiver] = ()) -> str:
    """The JUnit document of a run, from the pages of its targets, which other formats share."""
    root = ET.Element("testsuites", name="kms-conformance")
    for page in shown:
        root.append(_suite(page))
    if stale:
        root.append(_waivers(stale))
    suites = list(root)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in suites):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(page: TargetPage) -> ET.Element:
    verdict = page.verdict
    started = verdict.started.removesuffix("Z")
    suite = ET.Element("testsuite", name=one_line(verdict.name), timestamp=started)
    properties = {
        "dialect": verdict.dialect,
        "profile": verdict.profile,
        "base_url": verdict.base_url,
        "result": verdict.result,
        "tier": verdict.tier,
        "seed": str(verdict.seed),
        "suite": f"kms-conformance {verdict.suite_version}",
        "specs": verdict.specs_digest,
    }
    _properties(suite, properties.items())
    statuses = Counter[str]()
    names = Counter[tuple[str, str]]()
    for check in page.report.checks:
        status = check_status(page, check)
        names[check.family, check.title] += 1
        suite.append(_case(page, check, status, names[check.family, check.title]))
        statuses[status.kind if status else ""] += 1
    for case, kind in (*_undeclared(page), *_not_run(page), *_not_tested(page)):
        suite.append(case)
        statuses[kind] += 1
    cases = sum(statuses.values())
    counts = {
        "tests": cases,
        "failures": statuses["failure"],
        "errors": statuses["error"],
        "skipped": statuses["skipped"],
    }
    for name, number in counts.items():
        suite.set(name, str(number))
    suite.set("time", f"{sum(check.seconds for check in page.report.checks):.3f}")
    return suite


def _waivers(stale: Sequence[StaleWaiver]) -> ET.Element:
    """The JUnit suite for waivers that are out of date, which belong to the run and not to a target."""
    size = str(len(stale))
    suite = ET.Element("testsuite", name="waivers", tests=size, failures=size, errors="0", skipped="0", time="0.000")
    for found in stale:
        name = f"{one_line(found.waiver.requirement)}, line {found.waiver.line}"
        case = ET.SubElement(suite, "testcase", classname="waivers.stale", name=name, time="0.000")
        _add(case, Status("failure", "stale waiver", f"Waiver out of date: {found.why}\n{found.next}"))
    return suite


def _case(page: TargetPage, check: CheckResult, status: Status | None, nth: int) -> ET.Element:
    title = one_line(check.title) + ("" if nth == 1 else f" ({nth})")
    case = ET.Element("testcase", classname=_class(page, check.family), name=title, time=f"{check.seconds:.3f}")
    _properties(case, [("check", check.check), *(("requirement", name) for name in check.declared)])
    if status is not None:
        _add(case, status)
    return case


def _add(case: ET.Element, status: Status) -> None:
    first = capped(one_line(status.text.split("\n", 1)[0]), _TITLE)[0]
    child = ET.SubElement(case, status.kind, message=first, type=status.type)
    child.text = capped(printable(status.text), _TEXT)[0]


def _undeclared(page: TargetPage) -> Iterator[tuple[ET.Element, StatusKind]]:
    """One case for each failed requirement that no failed check declares.

    Most such requirements are judged on every exchange, whichever check sends the request.
    """
    for entry in undeclared_failures(page):
        status = requirement_status(page, entry)
        family = entry.id.partition(".")[0]
        case = ET.Element("testcase", classname=_class(page, family), name=one_line(entry.id), time="0.000")
        _properties(case, [("requirement", entry.id)])
        if status is not None:
            _add(case, status)
            yield case, status.kind


def _not_run(page: TargetPage) -> Iterator[tuple[ET.Element, StatusKind]]:
    """One error case for each planned check without a result; without these, CI would show a partial run as passed."""
    known = {check.check for check in page.report.checks}
    for found in page.verdict.unfinished:
        if found.check not in known:
            family, _, name = found.check.partition("::")
            case = ET.Element("testcase", classname=_class(page, family), name=one_line(name), time="0.000")
            _add(case, Status("error", "did not run", f"{one_line(found.check)} did not run: {found.why}"))
            yield case, "error"


def _not_tested(page: TargetPage) -> Iterator[tuple[ET.Element, StatusKind]]:
    """One error case for all MUST requirements that were not tested; without it, CI would show the run as passed."""
    musts = [entry for entry in page.verdict.with_verdict("not_tested") if entry.weight == "MUST"]
    if not musts:
        return
    case = ET.Element("testcase", classname=_class(page, "not tested"), name="every MUST is tested", time="0.000")
    message = f"{counted(len(musts), 'MUST requirement')} not tested in this run."
    error = ET.SubElement(case, "error", message=message, type="not tested")
    error.text = "\n".join([message, *(f"{entry.id}: {entry.reason}" for entry in musts)])
    yield case, "error"


def _class(page: TargetPage, family: str) -> str:
    """The class name, made of target and family. Jenkins shows the part before the last dot as a package."""
    return f"{one_line(page.verdict.name)}.{one_line(family).replace('.', '_')}"


def _properties(parent: ET.Element, values: Iterable[tuple[str, str]]) -> None:
    element = ET.SubElement(parent, "properties")
    for name, value in values:
        ET.SubElement(element, "property", name=name, value=one_line(value))
