from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as ET

import sample_runs as samples
from defusedxml.ElementTree import fromstring
from test_page import hostile

from kms_conformance.client.judge import Judgement
from kms_conformance.report.ci import junit
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.store import scrubbed
from kms_conformance.verdict.waivers import Waiver
from kms_conformance.verdict.waivers.outdated import StaleWaiver


def document(*decided: samples.Decided) -> ET.Element:
    return fromstring(junit.render(scrubbed(Report(tuple(TargetReport.of(*each) for each in decided)))))


def signs(root: ET.Element) -> Counter[str]:
    return Counter(child.tag for case in root.iter("testcase") for child in case if child.tag != "properties")


def test_counts_are_those_of_the_cases() -> None:
    root = document(samples.mixed(), samples.conformant(samples.ALI))
    for part in (root, *root):
        found, cases = signs(part), list(part.iter("testcase"))
        assert part.get("tests") == str(len(cases))
        counted = [part.get(name) for name in ("failures", "errors", "skipped")]
        assert counted == [str(found[name]) for name in ("failure", "error", "skipped")]
    assert [suite.get("name") for suite in root] == ["otc-eu-de", "ali-hangzhou"]
    names = Counter((case.get("classname"), case.get("name")) for case in root.iter("testcase"))
    assert max(names.values()) == 1


def test_a_run_is_green_where_its_exit_code_is_0() -> None:
    assert signs(document(samples.conformant())) == {}


def test_the_first_line_of_a_failure_is_its_clause() -> None:
    root = document(samples.nonconformant())
    by_check = {
        case.findtext("failure", "").split("\n")[0]: case.find("failure").get("message")
        for case in root.iter("testcase")
        if case.find("failure") is not None
    }
    statement = "Cancelling on an enabled key is refused with 400 KMS.1501 and changes nothing."
    clause = f"cancel.not-pending.enabled (MUST): {statement}"
    assert by_check[clause] == clause
    # A SHOULD that fails does not decide, and is neither green nor red.
    skipped = root.find(".//testcase/skipped")
    assert skipped.get("message").startswith("cancel.date-cleared (SHOULD): ")


def test_properties_name_check_and_requirements() -> None:
    case = next(c for c in document(samples.conformant()).iter("testcase") if c.get("name") == "cancel effect")
    properties = [(p.get("name"), p.get("value")) for p in case.iter("property")]
    assert properties == [("check", "cancel::test_cancel_effect"), ("requirement", "cancel.effect")]
    assert case.get("classname") == "otc-eu-de.cancel"


def test_what_is_judged_on_every_exchange_turns_no_check_red_but_has_its_own_case() -> None:
    verdict_of = Judgement("error.shape", False, "a field error", "none", (14,))
    met = [
        replace(check, outcome="failed", failures=(verdict_of,)) if check.declared == ("cancel.effect",) else check
        for check in samples.passing(samples.OTC, ["error.shape"])
    ]
    root = document(samples.decided(samples.OTC, met))
    red = [case for case in root.iter("testcase") if case.find("failure") is not None]
    assert [(case.get("classname"), case.get("name")) for case in red] == [("otc-eu-de.error", "error.shape")]


def test_what_is_open_is_an_error_also_where_no_check_came_to_it() -> None:
    assert set(signs(document(samples.inconclusive()))) == {"error", "skipped"}
    root = document(samples.mixed())
    case = next(c for c in root.iter("testcase") if c.get("name") == "test_walks_as_predicted")
    assert "lifecycle::test_walks_as_predicted did not run: It did not run." in case.findtext("error", "")
    waived = [c.find("skipped") for c in root.iter("testcase") if c.find("skipped") is not None]
    assert any(w.get("type") == "waived" and w.get("message").startswith("Waived: Mended in") for w in waived)


def test_whatever_an_endpoint_wrote_it_is_xml() -> None:
    assert document(hostile()).get("failures") == "1"


def test_a_stale_waiver_is_a_failure_of_the_run() -> None:
    waiver = Waiver("cancel.effect", "why", "me", date(2026, 1, 1), line=3)
    found = Report((TargetReport.of(*samples.conformant()),), (StaleWaiver(waiver, "It expired.", "Take it out."),))
    root = fromstring(junit.render(found))
    assert root.get("failures") == "1"
    assert root.find("testsuite[@name='waivers']/testcase/failure").get("message") == "Waiver out of date: It expired."
