"""Create the screenshots of the documentation: `python -m tools.picture`.

Runs the suite against the emulator, opens the reports in Chromium and takes screenshots of their first screen. Needs
Playwright (`pip install '.[dev]'`) and an installed Chromium; nothing is downloaded.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click
from playwright.sync_api import Browser, sync_playwright

from kms_conformance.report.allure import report as allure_report
from kms_conformance.report.layout import INDEX
from tools.real_runs import run

_IMAGES = Path(__file__).parent.parent / "docs" / "images"
_BOARD = Path(__file__).parent.parent / "docs" / "board" / "index.html"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_MOST_BYTES = 300_000


def browser_here() -> str | None:
    """The path of an installed Chromium, or of the one in `KMS_CONFORMANCE_CHROMIUM`; None if there is none."""
    return os.environ.get("KMS_CONFORMANCE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


def _shoot(
    browser: Browser, page: Path, image: Path, *, height: int, scheme: str = "light", click_on: str = ""
) -> None:
    opened = browser.new_page(viewport={"width": 1180, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    opened.goto(page.resolve().as_uri())
    if click_on:
        opened.get_by_text(click_on).first.click()
    opened.wait_for_load_state("networkidle")
    # Allure's page has fade-in animations.
    opened.wait_for_timeout(1000)
    opened.screenshot(path=image)
    opened.close()
    size = image.stat().st_size
    if size > _MOST_BYTES:
        raise click.ClickException(f"{image} has {size:,} bytes, more than {_MOST_BYTES:,}: reduce its height.")
    click.echo(f"{image}  {size:,} bytes")


@click.command()
@click.option("--images", default=_IMAGES, type=click.Path(path_type=Path), help="The output folder.")
def main(images: Path) -> None:
    """Create the screenshots; that of Allure only if Allure 3 is installed."""
    found = browser_here()
    if found is None:
        raise click.ClickException("No Chromium found. Set KMS_CONFORMANCE_CHROMIUM to the path of one.")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    images.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        reports = Path(folder) / "nonconformant"
        run("nonconformant", reports)
        good = Path(folder) / "conformant"
        run("conformant", good)
        browser = driver.chromium.launch(executable_path=found, args=arguments)
        _shoot(browser, reports / INDEX, images / "report.png", height=1560)
        _shoot(browser, good / INDEX, images / "statement-dark.png", height=1000, scheme="dark")
        _shoot(browser, _BOARD, images / "board.png", height=920)
        page = reports / "allure-report" / "index.html"
        if allure_report.find() is not None and page.is_file():
            _shoot(
                browser, page, images / "allure.png", height=1000, click_on="Cancelling on an enabled key is refused"
            )
        browser.close()


if __name__ == "__main__":
    main()
