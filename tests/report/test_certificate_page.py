from __future__ import annotations

from typing import Any

import pytest
import sample_runs as samples
from pagecheck import Page

from kms_conformance.apps.certificate.manifest import SEALED, digest, manifest, page
from kms_conformance.report import layout
from kms_conformance.report.model import TargetReport

ISSUED = "2026-02-01T08:00:00Z"
MEMBERS = {name: name.encode() for name in SEALED}


def shown(decided: Any, partial: list[str], signer: str = "") -> tuple[dict[str, Any], Page]:
    verdict = TargetReport.of(*decided).verdict
    document = manifest(verdict, {"partial": partial}, 266, MEMBERS, ISSUED)
    return document, Page(page(document, verdict, signer))


def test_a_certificate_says_what_was_sealed() -> None:
    document, found = shown(samples.conformant(), [])
    assert found.problems == []
    assert (document["kind"], document["result"]) == ("certificate", "conformant")
    for part in ("Certificate of conformance", "otc-eu-de", "Conformant", "It is not signed", "266 exchanges"):
        assert part in found.text
    for name in SEALED:
        assert digest(MEMBERS[name]) in found.text


def test_a_signer_stands_on_the_page_as_what_it_says_of_itself() -> None:
    _, found = shown(samples.conformant(), [], "0123abcd")
    assert "Claimed signature of the key" in found.text
    assert "0123abcd" in found.text
    assert "It is not signed" not in found.text


@pytest.mark.parametrize(
    ("decided", "partial", "title", "words"),
    [
        (samples.conformant(), ["its tier is smoke"], "Partial result, not a certificate", "its tier is smoke"),
        (samples.nonconformant(), [], "Evidence, not a certificate", "the result is nonconformant"),
        (samples.inconclusive(), ["its tier is smoke"], "Partial evidence, not a certificate", "its tier is smoke"),
    ],
)
def test_nothing_else_can_be_taken_for_a_certificate(decided: Any, partial: list[str], title: str, words: str) -> None:
    document, found = shown(decided, partial)
    assert found.problems == []
    assert title in found.text
    assert words in found.text
    assert "Certificate of conformance" not in found.text
    assert (document["kind"] == "evidence") == ("evidence" in title.lower())


def test_waived_failures_stand_on_the_certificate() -> None:
    reason = "Accepted <b>until</b> \x1b[31m March."
    checks = [*samples.passing(samples.OTC, ["cancel.effect"]), samples.failing(samples.OTC, "cancel.effect")]
    _, found = shown(samples.decided(samples.OTC, checks, [samples.waiver("cancel.effect", reason)]), [])
    assert found.problems == []
    assert "Accepted <b>until</b> \\x1b[31m March." in found.text
    assert "hold, except for 1 failure accepted by a waiver" in found.text


def test_names_say_what_a_file_is() -> None:
    names = [
        layout.sealed_name("otc", partial=partial, evidence=evidence)
        for partial in (False, True)
        for evidence in (False, True)
    ]
    assert names == ["otc.certificate.zip", "otc.evidence.zip", "otc.partial.zip", "otc.partial-evidence.zip"]
    assert all(map(layout.is_sealed, names))
    assert not layout.is_sealed("otc.zip")
