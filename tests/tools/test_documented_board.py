"""The board of the documentation is the one of the kept records, and these agree with the expected verdicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.board import RECORDS, SITE, build_site, records

EXPECTED = RECORDS.parent / "expected"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_board_of_the_documentation_is_up_to_date(tmp_path: Path) -> None:
    build_site(tmp_path / "board")
    built, kept = files(tmp_path / "board"), files(SITE)
    assert {name for name in {*built, *kept} if built.get(name) != kept.get(name)} == set(), "python -m tools.board"


@pytest.mark.parametrize("path", sorted(EXPECTED.glob("*.json")), ids=lambda path: path.stem)
def test_a_record_says_what_the_release_is_expected_to_be_found_to_be(path: Path) -> None:
    run = next(found for found in records() if found.target == path.stem)
    expected = json.loads(path.read_text())["tiers"][run.tier]
    # What can be judged of two requests at once is chance, and is not among the expected verdicts.
    recorded = {each.requirement: each.verdict for each in run.cells if not each.requirement.startswith("concurrency.")}
    assert recorded == expected, (
        f"run python tests/third_parties/certifying.py {path.stem} --tier {run.tier} --reports FOLDER, "
        "then python -m tools.board --keep FOLDER"
    )


def test_every_failure_of_a_record_says_what_came() -> None:
    bare = [
        f"{run.target}: {cell.requirement}"
        for run in records()
        for cell in run.cells
        if cell.verdict == "failed" and (cell.failure is None or not cell.failure.received)
    ]
    assert bare == []
