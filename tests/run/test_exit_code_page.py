"""Page of exit codes: it repeats the table of the code, and no other page has such a table."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import click
import pytest

from kms_conformance.cli import _COMMANDS, cli
from kms_conformance.cli.exit_codes import CODES
from kms_conformance.verdict.decide import EXIT_CODES, USAGE_ERROR, WAITING, worst_exit_code

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "exit-codes.md"
ROW = re.compile(r"^\| `([a-z]+)` \| (\d+) \| (.+) \|$", re.MULTILINE)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_page_is_the_table() -> None:
    found = {(command, int(code)): said for command, code, said in ROW.findall(PAGE.read_text())}
    assert found == {(command, code): said for command, codes in CODES.items() for code, said in codes.items()}


def test_every_command_declares_its_codes_and_tells_them_in_its_help() -> None:
    assert set(CODES) == set(_COMMANDS)
    for name, codes in CODES.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.epilog is not None
        assert all(f"  {said}" in command.epilog for said in codes.values())
        assert {0, 2, 3} <= set(codes)


def test_the_codes_are_those_that_a_verdict_gives() -> None:
    assert {*EXIT_CODES.values(), USAGE_ERROR, WAITING} <= set(CODES["run"])
    order = re.search(r"in the order (\d(?: < \d)+)", PAGE.read_text())
    assert order is not None
    codes = [int(code) for code in order[1].split(" < ")]
    for better, worse in itertools.pairwise(codes):
        assert worst_exit_code([better, worse]) == worst_exit_code([worse, better]) == worse


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_other_page_has_a_table_of_its_own(page: Path) -> None:
    text = page.read_text()
    if page != PAGE:
        assert "| exit code | means |" not in text
        assert not re.search(r"[Ee]xit code:? 0\b[^.]*\b1\b[^.]*\b[23]\b", text), "link to exit-codes.md instead"


def test_the_pages_that_speak_of_codes_lead_there() -> None:
    for name in ("certificates", "certify-your-emulator", "compare-runs", "compare-two-endpoints", "run-nightly"):
        assert "exit-codes.md" in (ROOT / "docs" / f"{name}.md").read_text(), name
    assert "docs/exit-codes.md" in (ROOT / "README.md").read_text()
