"""The statement in a browser: what can be clicked is clicked, in light and dark, narrow and on paper."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe import faults
from clicking import FEWER, click_through

sys.path.insert(0, str(Path(__file__).parent.parent / "report"))
import sample_runs as samples

from kms_conformance.report.store import write

RUNS = {
    "conformant": [samples.conformant()],
    "nonconformant": [samples.nonconformant()],
    "inconclusive": [samples.inconclusive()],
    "several": [samples.mixed(), samples.conformant(samples.ALI)],
}
TEXTS = {
    "conformant": [
        "Conformant",
        "All 109 MUST requirements that apply hold.",
        "Requirements with several accepted answers",
    ],
    "nonconformant": ["Nonconformant", "4 of 109 MUST requirements that apply do not hold.", "Failures", "curl -sS"],
    "inconclusive": ["Inconclusive", "could not be judged", "no connection (Connection refused)", "Next step:"],
    "several": [
        "Waived failures",
        "Mended in release 7.2",
        "lifecycle::test_walks_as_predicted did not run to the end",
    ],
}
EVERYWHERE = [
    "otc-eu-de",
    "Specs",
    "sha256:",
    "Families",
    "All requirements",
    "Not applicable or not covered",
    "Repeat the run",
]
Visit = Callable[[Path], Any]


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("statements")
    for name, runs in RUNS.items():
        write(folder / name, runs)
    return {name: folder / name / "index.html" for name in RUNS}


@pytest.mark.parametrize("name", RUNS)
def test_everything_can_be_clicked_and_says_what_it_should(
    name: str, statements: dict[str, Path], visit: Visit
) -> None:
    page = visit(statements[name])
    text = page.text_content("body")
    assert [wanted for wanted in [*EVERYWHERE, *TEXTS[name]] if wanted.lower() not in text.lower()] == []
    click_through(page, targets=len(RUNS[name]))
    page.evaluate(FEWER)
    assert faults(page) == []


def test_it_can_be_used_with_the_keyboard_alone(statements: dict[str, Path], visit: Visit) -> None:
    page = visit(statements["conformant"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    first = page.locator(".matrix a").first
    first.focus()
    page.keyboard.press("Enter")
    row = page.locator(f'[id="{page.evaluate("location.hash")[1:]}"]')
    assert row.evaluate("row => row.open")
    assert row.locator("pre", has_text="curl -sS").is_visible()
    row.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert not row.evaluate("row => row.open")


def test_a_curl_line_is_copied_or_selected(statements: dict[str, Path], visit: Visit) -> None:
    page = visit(statements["nonconformant"])
    button = page.locator(".card button[data-copy]").first
    button.click()
    # The clipboard answers in its own time.
    page.wait_for_function(
        "button => ['Copied', 'Selected: press Ctrl+C'].includes(button.innerText)", arg=button.element_handle()
    )


def test_dark_narrow_and_on_paper_it_can_be_read(statements: dict[str, Path], visit: Visit) -> None:
    page = visit(statements["nonconformant"])
    page.evaluate("document.querySelectorAll('details').forEach(found => { found.open = true; })")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(BRIGHTNESS) < 60
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate(BRIGHTNESS) > 250
    assert not page.locator(".filters").first.is_visible()
    assert not page.locator("button[data-copy]").first.is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="screen", color_scheme="dark")
    page.evaluate(FEWER)
    assert faults(page) == []


def test_without_its_script_it_says_the_same(statements: dict[str, Path], chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(statements["nonconformant"].resolve().as_uri())
    assert page.locator(".card").count() == 5
    assert not page.locator(".filters").first.is_visible()
    context.close()


BRIGHTNESS = "() => Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number))"
