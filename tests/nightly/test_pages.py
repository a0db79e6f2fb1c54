"""Links, anchors, files and packages that the documentation names exist, and README lists every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import ROOT

import kms_conformance

PACKAGE = Path(kms_conformance.__file__).parent
DOCS = ROOT / "docs"
# Written by commands on the day of their measurement: they name modules of that day.
_GENERATED = {"mutation.md", "power.md"}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
# A path in a code span: at least one folder, and no space, placeholder or glob.
_FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|yaml|json|md))`")

# Files of a user's repository or package, such as the `specs/profiles.yaml` of a dialect.
_ELSEWHERE = re.compile(r"(reports|targets|\.github)/|specs/\w+\.yaml$")


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    for link in _LINK.findall(prose(page)):
        name, _, anchor = link.partition("#")
        if name.startswith(("http:", "https:")):
            continue
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in _GENERATED], ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = {name for name in _FILE.findall(prose(page)) if not _ELSEWHERE.match(name)}
    roots = (ROOT, PACKAGE, page.parent)
    assert sorted(name for name in named if not any((root / name).exists() for root in roots)) == []


def test_readme_lists_every_page() -> None:
    listed = re.findall(r"\(docs/([\w-]+\.md)\)", prose(ROOT / "README.md"))
    assert {page.name for page in DOCS.glob("*.md")} <= set(listed)


def test_glossary_names_packages_that_exist() -> None:
    rows = re.findall(r"^\| .+ \| (.+) \|$", prose(DOCS / "glossary.md"), flags=re.MULTILINE)
    cells = [name for cell in rows for name in re.findall(r"`([\w/]+)`", cell)]
    assert len(cells) > 50
    assert sorted({name for name in cells if not (PACKAGE / name).is_dir() and not (ROOT / name).is_dir()}) == []
