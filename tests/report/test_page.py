from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sample_runs as samples
from pagecheck import Page

from kms_conformance.client.judge import Judgement
from kms_conformance.report.html import render as html
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.store import scrubbed
from kms_conformance.wire.exchange_log import Body

TEMPLATES = Path(html.__file__).parent / "templates"
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{ 7 * 7 }}&lt;&#0;\x00\x07\x1b[31mred\x1b[0m"
    "\u202egnp.exe\u200b\ufeff\ud800 \r\n</pre></details><!-- <![CDATA[ ]]> javascript:alert(3)"
)


def page_of(*decided: samples.Decided) -> Page:
    return Page(html.render(scrubbed(Report(tuple(TargetReport.of(*each) for each in decided)))))


@pytest.mark.parametrize("sample", [samples.conformant, samples.nonconformant, samples.inconclusive, samples.mixed])
def test_a_page_is_sound_and_loads_nothing(sample: Any) -> None:
    assert page_of(sample()).problems == []


def test_several_targets_share_a_page() -> None:
    page = page_of(samples.mixed(), samples.conformant(samples.ALI))
    assert page.problems == []
    assert {"target-1", "target-2"} <= page.ids.keys()


def test_the_same_report_gives_the_same_page() -> None:
    report = Report((TargetReport.of(*samples.mixed()),))
    assert html.render(report) == html.render(report)


def test_failures_show_requirement_source_difference_exchange_and_next_step() -> None:
    page = page_of(samples.nonconformant())
    for part in (
        "Nonconformant",
        "4 of 109 MUST requirements that apply do not hold.",
        "Cancelling on an enabled key is refused with 400 KMS.1501 and changes nothing.",
        "400 KMS.1501",
        "POST https://kms.eu-de.otc.example.com/v1.0/",
        "curl -sS",
        "Set $OTC_TOKEN first",
        "request 4c2f9a010014",
        "Failed 3 more times",
    ):
        assert part in page.text, part
    assert "https://support.huaweicloud.com/intl/en-us/ally-visitor-1-api-dew/dew_02_0016.html" in page.links


def test_open_questions_are_grouped_by_reason() -> None:
    text = page_of(samples.mixed()).text
    assert text.count("The waiting period cannot be skipped: the target offers no time_control.") == 1 + 6
    assert "lifecycle::test_walks_as_predicted did not run to the end: It did not run." in text
    assert "Checks that did not run to the end 1" in " ".join(text.split())
    assert "Mended in release 7.2" in text


def test_what_a_target_wrote_stays_text() -> None:
    clean = page_of(samples.nonconformant())
    page = page_of(hostile())
    assert page.problems == []
    assert len(page.scripts) == len(clean.scripts) == 1
    assert "<script>alert(1)</script>" in page.text
    assert "\\x1b[31mred" in page.text
    assert "\\u202egnp" in page.text
    assert "{{ 7 * 7 }}&lt;&#0;" in page.text


def test_hostile_names_of_requirements_and_dialects_stay_text() -> None:
    report = Report((TargetReport.of(*samples.nonconformant()),))
    verdict = report.targets[0].verdict
    entries = tuple(replace(entry, id=f"{entry.id}{HOSTILE}", reason=HOSTILE) for entry in verdict.requirements)
    strange = replace(verdict, dialect="klingon", profile=HOSTILE, base_url=HOSTILE, requirements=entries)
    page = Page(html.render(scrubbed(Report((TargetReport(strange, ()),)))))
    assert [problem for problem in page.problems if not problem.startswith("nothing has the id")] == []
    assert "Not in this version's catalogue." in page.text


def test_long_bodies_are_capped() -> None:
    body = '{"x": "' + "<é\x00" * 50_000 + '"}'
    record = samples.record(14, 400, body, request=body)
    verdict, checks = samples.nonconformant()
    checks = [replace(c, exchanges=(record, *c.exchanges[1:])) if c.failures else c for c in checks]
    text = html.render(Report((TargetReport.of(verdict, checks),)))
    assert "144,009 characters are not shown." in Page(text).text
    # The curl line is whole: a request is to be sent again as it was. Only one of the cards cites this exchange.
    assert len(text) < 1_500_000


def test_another_versions_specs_are_warned_of() -> None:
    report = TargetReport.of(*samples.conformant())
    old = replace(report, verdict=replace(report.verdict, specs_digest="sha256:" + "0" * 64))
    assert "used other specs" in Page(html.render(Report((old,)))).text
    assert "used other specs" not in page_of(samples.conformant()).text


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_colour_of_text_contrasts_with_what_is_behind_it(dark: bool) -> None:
    blocks = re.findall(r":root \{(.*?)\}", (TEMPLATES / "base.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[1 if dark else 0]))
    texts = ["ink", "soft", "link", "passed", "failed", "inconclusive", "not_tested", "waived", "not_applicable"]
    found = {
        (text, behind): contrast(colours[text], colours[behind])
        for text in texts
        for behind in ("paper", "sheet", "tint")
    }
    found |= {(name, "tint"): contrast(colours[name], colours[f"{name}-tint"]) for name in ("passed", "failed")}
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


def contrast(one: str, other: str) -> float:
    """WCAG 2: the ratio of two relative luminances, from 1 to 21; text needs 4.5."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def hostile() -> samples.Decided:
    record = samples.record(
        14,
        400,
        HOSTILE,
        request=HOSTILE,
        url=f"https://x/{HOSTILE}",
        method=HOSTILE,
        operation=HOSTILE,
        reason=HOSTILE,
        request_headers=((HOSTILE, HOSTILE),),
        reply_headers=(("Content-Type", HOSTILE), (f"request-id{HOSTILE}", HOSTILE)),
        reply_body=Body(HOSTILE, "latin-1", cut=True),
    )
    judgement = Judgement("cancel.effect", False, HOSTILE, HOSTILE, (14,), HOSTILE)
    failed = samples.failing(
        samples.OTC,
        "cancel.effect",
        name=f"sample::{HOSTILE}",
        title=HOSTILE,
        failures=(judgement,),
        exchanges=(record,),
    )
    open_ = samples.check(
        samples.OTC,
        "sample::open",
        outcome="inconclusive",
        declared=("cancel.status",),
        inconclusive=("cancel.status",),
        reason=HOSTILE,
        hint=HOSTILE,
    )
    waived = samples.failing(samples.OTC, "cancel.uri")
    others = samples.passing(samples.OTC, ["cancel.effect", "cancel.status", "cancel.uri"])
    return samples.decided(samples.OTC, [*others, failed, open_, waived], [samples.waiver("cancel.uri", HOSTILE)])
