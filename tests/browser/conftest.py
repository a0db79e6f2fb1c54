from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser: pip install '.[dev]'")

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """A browser that is here; none is downloaded."""
    found = os.environ.get("KMS_CONFORMANCE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no chromium on this machine; KMS_CONFORMANCE_CHROMIUM can name one")
    # Chromium's own sandbox does not start for root, as in most CI images.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: object) -> Iterator[object]:
    """Opens a page of ours; what its console says and what it asks of anybody is a failure when the test ends."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})  # type: ignore[attr-defined]
    complaints: list[str] = []

    def opened(path: Path) -> object:
        page = context.new_page()
        page.on("console", lambda said: complaints.append(f"console: {said.text[:200]}") if said.type == "error" else 0)
        page.on("pageerror", lambda error: complaints.append(f"error: {str(error)[:200]}"))
        page.on("request", lambda asked: complaints.extend(_foreign(asked.url)))
        page.goto(path.resolve().as_uri())
        return page

    yield opened
    context.close()
    assert complaints == []


def _foreign(url: str) -> Iterator[str]:
    if not url.startswith(("file:", "data:", "blob:")):
        yield f"asks for {url[:100]}"
