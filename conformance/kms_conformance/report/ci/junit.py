"""JUnit XML: one suite per target, one case per check. It has a failure or error exactly if the exit code is not 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from kms_conformance.core.text import one_line
from kms_conformance.report.ci.cases import Case, cases_of, waiver_cases
from kms_conformance.report.html.page import TargetPage, pages

if TYPE_CHECKING:
    from kms_conformance.report.model import Report
    from kms_conformance.verdict.waivers.outdated import StaleWaiver


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
    _add(suite, one_line(verdict.name), cases_of(page))
    suite.set("time", f"{sum(check.seconds for check in page.report.checks):.3f}")
    return suite


def _waivers(stale: Sequence[StaleWaiver]) -> ET.Element:
    """The JUnit suite for waivers that are out of date."""
    suite = ET.Element("testsuite", name="waivers")
    _add(suite, "waivers", waiver_cases(stale))
    suite.set("time", "0.000")
    return suite


def _add(suite: ET.Element, name: str, cases: Sequence[Case]) -> None:
    """Add the cases to a suite, and their numbers."""
    for case in cases:
        suite.append(_case(name, case))
    kinds = Counter(case.status.kind for case in cases if case.status is not None)
    counts = {"tests": len(cases), "failures": kinds["failure"], "errors": kinds["error"], "skipped": kinds["skipped"]}
    for attribute, number in counts.items():
        suite.set(attribute, str(number))


def _case(suite: str, case: Case) -> ET.Element:
    # The class name is made of target and family. Jenkins shows the part before the last dot as a package.
    group = f"{suite}.{one_line(case.family).replace('.', '_')}"
    element = ET.Element("testcase", classname=group, name=case.name, time=f"{case.seconds:.3f}")
    properties = [] if case.check is None else [("check", case.check.check)]
    properties += [("requirement", name) for name in case.requirements]
    if properties:
        _properties(element, properties)
    if case.status is not None:
        child = ET.SubElement(element, case.status.kind, message=case.message, type=case.status.type)
        child.text = case.text
    return element


def _properties(parent: ET.Element, values: Iterable[tuple[str, str]]) -> None:
    element = ET.SubElement(parent, "properties")
    for name, value in values:
        ET.SubElement(element, "property", name=name, value=one_line(value))
