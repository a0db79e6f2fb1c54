"""The board in a browser: from a cell to its evidence, search, comparison, narrow, dark, on paper, by keyboard."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from axe import faults

sys.path.insert(0, str(Path(__file__).parent.parent / "board"))
import sample_boards as boards

from kms_conformance.apps.board.build import build
from kms_conformance.cli.sealed import SealedFileOpener

Visit = Callable[[Path], Any]
ALL = os.environ.get("KMS_CONFORMANCE_BROWSER") == "all"
PAGES = (
    "index.html",
    "compare.html",
    "products/beech.html",
    "releases/beech-2.3-huawei.html",
    "families/huawei-cancel.html",
)
DOCS = Path(__file__).parents[2] / "docs" / "board"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A board of six products with 24 releases, and a file that is refused."""
    folder = tmp_path_factory.mktemp("board")
    boards.write(folder / "reports")
    (folder / "reports" / "forged.certificate.zip").write_bytes(b"PK\x03\x04 no archive")
    build([folder / "reports"], folder / "site", SealedFileOpener(), date(2026, 5, 1))
    return folder / "site"


def test_from_a_cell_to_requirement_exchange_curl_and_document(site: Path, visit: Visit) -> None:
    page = visit(site / "index.html")
    assert page.locator("tbody tr").count() == 7
    assert page.get_by_text("Refused:").is_visible()
    page.get_by_role("link", name="beech, cancel: 1 fails").first.click()
    assert page.url.endswith("releases/beech-2.3-huawei.html#family-cancel")
    page.locator("[id='cancel.not-pending.enabled'] summary").click()
    row = page.locator("[id='cancel.not-pending.enabled']")
    assert row.get_by_text("Fails since 2.1; held in 2.0.").is_visible()
    assert row.get_by_text("curl -sS").first.is_visible()
    assert row.locator(".sources a").first.get_attribute("href").startswith("https://")
    # A filter shows as many rows as it says.
    page.get_by_role("button", name="Fails 4").click()
    assert page.locator(".row:visible").count() == 4
    page.locator(".group h3 a:visible").first.click()
    assert "families/huawei-" in page.url
    page.get_by_role("link", name="beech 2.3").first.click()
    assert "releases/beech-2.3-huawei.html#" in page.url
    page.locator("details[open]").wait_for()


def test_search_comparison_and_keyboard(site: Path, visit: Visit) -> None:
    page = visit(site / "index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.get_by_label("Search products and requirements").fill("cancel second time")
    assert page.locator(".found li").count() >= 1
    page.locator(".found a").first.press("Enter")
    assert "families/" in page.url
    page.get_by_role("link", name="Compare two").click()
    page.get_by_label("I leave").select_option("alder-1.10.0-huawei")
    page.get_by_label("for", exact=True).select_option("beech-2.3-huawei")
    assert (
        page.locator("#sentence")
        .inner_text()
        .startswith("From alder 1.10.0 (huawei) to beech 2.3 (huawei): you lose 5, gain 0")
    )
    assert page.locator("#answer section").first.locator("li").count() == 5
    page.get_by_role("button", name="Swap").click()
    assert "you lose 0, gain 5" in page.locator("#sentence").inner_text()
    assert page.url.endswith("#beech-2.3-huawei..alder-1.10.0-huawei")
    page.locator("#answer a.passed").first.click()
    page.locator("details[open]").wait_for()


@pytest.mark.skipif(not ALL, reason="takes a minute: tox run -e browser")
@pytest.mark.parametrize("name", PAGES)
def test_narrow_wide_dark_and_on_paper_it_can_be_read(name: str, site: Path, visit: Visit) -> None:
    page = visit(site / name)
    for width in (390, 900, 1600):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 900})
    assert faults(page) == []
    page.emulate_media(media="print", color_scheme="light")
    assert page.pdf(format="A4", landscape=True).startswith(b"%PDF")


@pytest.mark.skipif(not ALL, reason="the same pages with more content: tox run -e browser")
def test_the_board_of_the_repository_can_be_read(visit: Visit) -> None:
    for name in ("index.html", "compare.html", *(f"products/{path.name}" for path in (DOCS / "products").iterdir())):
        page = visit(DOCS / name)
        assert faults(page) == []
        page.close()
