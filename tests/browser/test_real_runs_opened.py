"""Real runs, their statements and what Allure 3 makes of them, in a browser: minutes, so not in every test run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe import faults
from clicking import click_through

from kms_conformance.report.allure import report as allure_report
from tools.real_runs import RUNS, run

pytestmark = pytest.mark.skipif(
    os.environ.get("KMS_CONFORMANCE_BROWSER") != "all", reason="takes a minute: tox run -e browser"
)
EXIT_CODES = {"conformant": 0, "nonconformant": 1, "inconclusive": 3}
# Of Allure 3.18 itself: buttons that are icons have no name, and white on its red is too pale.
ALLURES_OWN = ("button-name", "color-contrast")
FAILED = "Cancelling on an enabled key is refused with 400 KMS.1501"
Visit = Callable[[Path], Any]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The reports folder of each run; Allure's trends are of all of them, one a night."""
    trends = tmp_path_factory.mktemp("trends") / "trends.jsonl"
    found = {}
    for kind in RUNS:
        folder = tmp_path_factory.mktemp(kind) / "reports"
        assert run(kind, folder) == EXIT_CODES[kind]
        if (allure := allure_report.find()) is not None:
            allure_report.build(allure, folder, trends)
        found[kind] = folder
    return found


@pytest.mark.parametrize("kind", RUNS)
def test_a_statement_of_a_real_run_can_be_clicked_through(kind: str, reports: dict[str, Path], visit: Visit) -> None:
    page = visit(reports[kind] / "index.html")
    assert page.locator(".seal").first.inner_text().strip().lower() == kind
    click_through(page, targets=len(RUNS[kind]))
    # What holds has its exchange and its curl line as well.
    proved = page.locator(".row[data-verdict=passed] .curl").count()
    assert proved >= 0.8 * page.locator(".row[data-verdict=passed]").count()
    assert faults(page) == []


@pytest.mark.parametrize("kind", RUNS)
def test_allures_report_of_a_real_run_can_be_clicked_through(kind: str, reports: dict[str, Path], visit: Visit) -> None:
    page = visit(allure_page(reports[kind]))
    page.get_by_text("Metadata").first.wait_for()
    text = page.inner_text("body")
    assert "my-kms" in text
    assert "huawei" in text
    assert faults(page, *ALLURES_OWN) == []
    wanted = {"nonconformant": "Deviation: the target", "inconclusive": "Inconclusive: could not be judged"}
    if kind in wanted:
        page.locator("button", has_text="Categories").first.click()
        page.get_by_text(wanted[kind]).first.wait_for()


def test_a_failure_in_allure_shows_clause_checks_exchanges_and_curl(reports: dict[str, Path], visit: Visit) -> None:
    page = visit(allure_page(reports["nonconformant"]))
    page.get_by_text(FAILED).first.click()
    page.get_by_text("Test body").wait_for()
    text = page.inner_text("body")
    for part in ("expected 400 KMS.1501", "Deviation: the target", "Critical", "cancel-key-deletion → 200"):
        assert part in text, part
    page.get_by_text("Request, reply, curl").first.click()
    page.get_by_text("curl -sS").first.wait_for()
    assert faults(page, *ALLURES_OWN) == []


def test_a_trend_goes_on_in_another_night_at_another_port(reports: dict[str, Path], visit: Visit) -> None:
    """The night before, the first of the three runs, it held."""
    page = visit(allure_page(reports["nonconformant"]))
    page.get_by_text(FAILED).first.click()
    history = page.locator("button", has_text="History").first
    assert history.inner_text().split() == ["History", "1"]
    history.click()
    page.get_by_text("No history information available").wait_for(state="hidden")


def allure_page(folder: Path) -> Path:
    page = folder / "allure-report" / "index.html"
    if not page.is_file():
        pytest.skip("Allure 3 is not here: npm ci --prefix tools/allure")
    return page
