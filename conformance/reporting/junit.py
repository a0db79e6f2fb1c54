"""JUnit: one suite a target, one case a check, red exactly where the exit code is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

from conformance.reporting.failure import render as render_failure
from conformance.reporting.page import TargetPage, pages
from conformance.reporting.text import capped, counted, one_line, printable

if TYPE_CHECKING:
    from conformance.reporting.model import Report
    from conformance.results import CheckResult

Sign = Literal["failure", "error", "skipped"]
_TITLE = 200
_TEXT = 20_000


@dataclass(frozen=True)
class _Mark:
    """What stands against a check; the first line of `text` says it all, for systems that show no more."""

    sign: Sign
    type: str
    text: str


def render(report: Report) -> str:
    """The document, for GitHub, GitLab and Jenkins.

    A case is a failure where a MUST does not hold, and an error where one could not be judged: both end the run with a
    code that is not 0. What is waived, and what concerns a SHOULD or a MAY alone, does not; it is skipped, with its
    text, and neither green nor red. No case names a file: a requirement is no line of anybody's source.
    """
    root = ET.Element("testsuites", name="kms-conformance")
    for page in pages(report):
        root.append(_suite(page))
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
    marks = Counter[str]()
    names = Counter[tuple[str, str]]()
    for check in page.report.checks:
        mark = _mark(page, check)
        names[check.family, check.title] += 1
        suite.append(_case(page, check, mark, names[check.family, check.title]))
        marks[mark.sign if mark else ""] += 1
    for case in _not_tested(page):
        suite.append(case)
        marks["error"] += 1
    cases = sum(marks.values())
    counts = {"tests": cases, "failures": marks["failure"], "errors": marks["error"], "skipped": marks["skipped"]}
    for name, number in counts.items():
        suite.set(name, str(number))
    suite.set("time", f"{sum(check.seconds for check in page.report.checks):.3f}")
    return suite


def _case(page: TargetPage, check: CheckResult, mark: _Mark | None, nth: int) -> ET.Element:
    title = one_line(check.title) + ("" if nth == 1 else f" ({nth})")
    case = ET.Element("testcase", classname=_class(page, check.family), name=title, time=f"{check.seconds:.3f}")
    _properties(case, [("check", check.check), *(("requirement", name) for name in check.declared)])
    if mark is not None:
        first = capped(one_line(mark.text.split("\n", 1)[0]), _TITLE)[0]
        child = ET.SubElement(case, mark.sign, message=first, type=mark.type)
        child.text = capped(printable(mark.text), _TEXT)[0]
    return case


def _mark(page: TargetPage, check: CheckResult) -> _Mark | None:
    if check.failures:
        deciding = [f for f in check.failures if _became(page, f.requirement) == ("MUST", "failed")]
        texts = [
            _failure(page, check, index) for index, f in enumerate(check.failures) if not deciding or f in deciding
        ]
        if deciding:
            return _Mark("failure", "MUST", "\n\n".join(texts))
        level, became = _became(page, check.failures[0].requirement)
        return _Mark("skipped", became if became == "waived" else level, "\n\n".join(texts))
    if check.outcome != "inconclusive":
        return None
    text = "\n".join(filter(None, (check.reason or "It could not be judged.", check.hint)))
    decides = any(_became(page, name)[0] == "MUST" for name in check.inconclusive or check.declared)
    return _Mark("error" if decides else "skipped", "inconclusive", text)


def _failure(page: TargetPage, check: CheckResult, index: int) -> str:
    """The clause first, and whether it decides."""
    failure = check.failures[index]
    requirement = page.requirement(failure.requirement)
    entry = page.entries.get(failure.requirement)
    level, became = _became(page, failure.requirement)
    waived = f"Waived: {entry.reason} · " if entry is not None and became == "waived" else ""
    said = requirement.statement if requirement else "not in this version's catalogue"
    clause = f"{waived}{failure.requirement} ({level}): {said}".replace("\n", " ")
    return f"{clause}\n\n{render_failure(failure, requirement, check.exchanges)}"


def _not_tested(page: TargetPage) -> Iterator[ET.Element]:
    """Without a case of their own, requirements that no check came to would leave all green."""
    musts = [entry for entry in page.verdict.with_verdict("not_tested") if entry.level == "MUST"]
    if not musts:
        return
    case = ET.Element("testcase", classname=_class(page, "not tested"), name="every MUST is tested", time="0.000")
    said = f"{counted(len(musts), 'MUST requirement')} could not be judged: the run did not get to them."
    error = ET.SubElement(case, "error", message=said, type="not tested")
    error.text = "\n".join([said, *(f"{entry.id}: {entry.reason}" for entry in musts)])
    yield case


def _class(page: TargetPage, family: str) -> str:
    """Jenkins reads what stands before the last dot as a package: the target."""
    return f"{one_line(page.verdict.name)}.{one_line(family).replace('.', '_')}"


def _became(page: TargetPage, requirement: str) -> tuple[str, str]:
    """Level and verdict of a requirement; empty for one that the verdict does not have."""
    entry = page.entries.get(requirement)
    return ("", "") if entry is None else (entry.level, entry.verdict)


def _properties(parent: ET.Element, values: Iterable[tuple[str, str]]) -> None:
    element = ET.SubElement(parent, "properties")
    for name, value in values:
        ET.SubElement(element, "property", name=name, value=one_line(value))
