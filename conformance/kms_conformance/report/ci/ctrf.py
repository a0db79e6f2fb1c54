"""CTRF, the Common Test Report Format (https://ctrf.io): the cases of all targets of a run as one JSON document.

The cases are those of the JUnit document. CTRF has no status for errors, so a case that is an error in JUnit is
`failed` here, with `rawStatus: error`: a gate on the number of failed cases then agrees with the exit code.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from kms_conformance import __version__
from kms_conformance.core.text import one_line
from kms_conformance.report import files
from kms_conformance.report.ci.cases import Case, cases_of, waiver_cases

if TYPE_CHECKING:
    from kms_conformance.report.html.page import TargetPage
    from kms_conformance.report.status import StatusKind
    from kms_conformance.verdict.waivers.outdated import StaleWaiver

_SPEC = "1.0.0"
# By the kind of a status in JUnit, the status in CTRF.
_STATUS: dict[StatusKind, Literal["failed", "skipped"]] = {
    "failure": "failed",
    "error": "failed",
    "skipped": "skipped",
}
_STATUSES = ("passed", "failed", "skipped", "pending", "other")
_WAIVERS = "waivers"


def render_pages(shown: tuple[TargetPage, ...], stale: Sequence[StaleWaiver] = ()) -> str:
    """The CTRF document of a run, from the pages of its targets."""
    return files.to_text(document(shown, stale))


def document(shown: tuple[TargetPage, ...], stale: Sequence[StaleWaiver] = ()) -> dict[str, Any]:
    """The CTRF document as JSON values. Equal results give equal documents: nothing is drawn and no clock is read."""
    run = shown[0].verdict
    start = _milliseconds(run.started)
    tests = [_test(page.verdict.name, case) for page in shown for case in cases_of(page)]
    tests += [_test(_WAIVERS, case) for case in waiver_cases(stale)]
    stop = start + round(1000 * max(page.verdict.duration_seconds for page in shown))
    counts = Counter(test["status"] for test in tests)
    return {
        "reportFormat": "CTRF",
        "specVersion": _SPEC,
        "reportId": _id(*(f"{page.verdict.name} {page.verdict.started} {page.verdict.seed}" for page in shown)),
        "generatedBy": f"kms-conformance {__version__}",
        "results": {
            "tool": {"name": "kms-conformance", "version": run.suite_version},
            "summary": {
                "tests": len(tests),
                **{status: counts[status] for status in _STATUSES},
                "suites": len(shown) + bool(stale),
                "start": start,
                "stop": stop,
                "duration": stop - start,
            },
            "tests": tests,
            "extra": {"kms-conformance": {"tier": run.tier, "seed": run.seed, "targets": list(map(_target, shown))}},
        },
    }


def _target(page: TargetPage) -> dict[str, Any]:
    verdict = page.verdict
    return {
        "name": verdict.name,
        "dialect": verdict.dialect,
        "profile": verdict.profile,
        "base_url": verdict.base_url,
        "result": verdict.result,
        "specs": verdict.specs_digest,
    }


def _test(target: str, case: Case) -> dict[str, Any]:
    name, family = one_line(target), one_line(case.family)
    # An empty name is not allowed, and a check of another program may have an empty title.
    test: dict[str, Any] = {
        "testId": _id(target, case.family, case.check.check if case.check else case.name),
        "name": case.name or family,
        "status": "passed" if case.status is None else _STATUS[case.status.kind],
        "duration": round(1000 * case.seconds),
        "suite": [name, family],
    }
    if case.status is not None:
        test |= {"message": case.message, "trace": case.text, "rawStatus": f"{case.status.kind} ({case.status.type})"}
    if case.requirements:
        test["tags"] = [one_line(requirement) for requirement in case.requirements]
    if case.check is not None:
        test |= dict(_of_check(case))
    return test


def _of_check(case: Case) -> Iterator[tuple[str, Any]]:
    assert case.check is not None
    if case.check.started:
        start = _milliseconds(case.check.started)
        yield "start", start
        yield "stop", start + round(1000 * case.seconds)
    failures = [case.check.failure_id(failure) for failure in case.check.failures]
    yield "extra", {"check": one_line(case.check.check), **({"failures": failures} if failures else {})}


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _id(*parts: str) -> str:
    """A UUID that is equal for equal parts."""
    text = "\0".join(parts).encode("utf-8", "backslashreplace").decode()
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://kms-conformance.dev/ctrf/{text}"))
