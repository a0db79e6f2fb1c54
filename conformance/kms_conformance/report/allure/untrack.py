"""Takes the tracking out of an Allure report, whose pages tell Google who reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kms_conformance.report.files import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

# Allure 2.46 heeds ALLURE_NO_ANALYTICS; the plugins of Allure 3.18 do not, and have no option.
_SCRIPT = re.compile(rb"[ \t]*<script\b[^>]*>", re.IGNORECASE)
_END = b"</script>"
_TRACKING = re.compile(rb"googletagmanager\.com|google-analytics\.com|\bgtag\(")
# The scripts that track have some 400 bytes; a page that is one file has an application of megabytes, which stays.
_MOST_BYTES = 2000


def remove_tracking(report: Path) -> tuple[Path, ...]:
    """Remove the scripts that load or call Google's tag manager from all pages below a folder; returns those changed.

    Raises `ReportError` where a page cannot be read.
    """
    changed = []
    for path in sorted(report.rglob("*.html")):
        content = read_bytes(path)
        cleaned = without_tracking(content)
        if cleaned != content:
            # In place: the page keeps its owner and mode, which whoever publishes it has chosen.
            path.write_bytes(cleaned)
            changed.append(path)
    return tuple(changed)


def without_tracking(page: bytes) -> bytes:
    """The same page without those scripts."""
    kept, last = [], 0
    for found in _SCRIPT.finditer(page):
        end = page.find(_END, found.end(), found.end() + _MOST_BYTES)
        if found.start() >= last and end >= 0 and _TRACKING.search(page, found.start(), end):
            kept.append(page[last : found.start()])
            last = end + len(_END)
    return b"".join([*kept, page[last:]])
