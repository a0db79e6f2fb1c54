from __future__ import annotations

from dataclasses import replace

import pytest
import sample_runs as samples
from defusedxml.ElementTree import fromstring
from test_page import HOSTILE, contrast

from kms_conformance.report.ci import badge
from kms_conformance.verdict.model import Verdict

SVG = "{http://www.w3.org/2000/svg}"


def verdict(sample: samples.Decided) -> Verdict:
    return sample[0]


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (samples.conformant(), "conformant 109/109, standard"),
        (samples.nonconformant(), "nonconformant 105/109, standard"),
        (samples.inconclusive(), "inconclusive 0/109, standard"),
    ],
)
def test_both_badges_say_the_result_and_how_much_holds(sample: samples.Decided, message: str) -> None:
    endpoint = badge.endpoint(verdict(sample))
    assert endpoint["schemaVersion"] == 1
    assert (endpoint["label"], endpoint["message"]) == ("key deletion", message)
    assert endpoint["isError"] == (not message.startswith("conformant"))
    root = fromstring(badge.picture(verdict(sample)))
    assert root.findtext(f"{SVG}title") == root.get("aria-label") == f"otc-eu-de: key deletion {message}"
    assert [text.text for text in root.iter(f"{SVG}text")] == ["key deletion", message]
    assert contrast("#ffffff", endpoint["color"]) >= 4.5
    assert contrast("#ffffff", endpoint["labelColor"]) >= 4.5


def test_a_hostile_name_stays_text() -> None:
    root = fromstring(badge.picture(replace(verdict(samples.conformant()), name=HOSTILE)))
    names = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert names == {"svg", "title", "rect", "path", "g", "text"}
