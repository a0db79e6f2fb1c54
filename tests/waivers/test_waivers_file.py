"""A waivers file is read whole, or refused in three lines that name the line and what was probably meant."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from kms_conformance.target import TargetError
from kms_conformance.verdict.waivers import Waiver, load_waivers, parse_waivers

_ENTRY = "  - {requirement: cancel.date-cleared, reason: known, owner: us, expires: 2027-03-31"
_BAD_DAY = "  - {requirement: cancel.effect, reason: a, owner: b, expires: 2027-02-30}"


def test_all_that_a_waiver_can_say_is_read(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(
        "# ours\nwaivers:\n"
        "  - requirement: schedule.window.*\n    reason: >\n      Mended in\n      7.2.\n    owner: storage\n"
        "    expires: 2027-03-31\n    link: https://tracker.example.com/42\n    targets: [otc-*]\n    dialect: huawei\n"
        "    failures: ['1f2e3d', '000000']\n"
        f"{_ENTRY}}}\n"
    )
    long, short = load_waivers(str(path))
    link = "https://tracker.example.com/42"
    assert long == Waiver(
        "schedule.window.*",
        "Mended in 7.2.\n",
        "storage",
        date(2027, 3, 31),
        link,
        ("otc-*",),
        "huawei",
        3,
        ("1f2e3d", "000000"),
    )
    assert (short.line, short.targets, short.dialect, short.link, short.failures) == (13, (), "", "", ())
    assert Waiver.from_json(long.to_json(), 3) == long
    assert load_waivers(None) == ()


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        ("waivers: [", "flow", "- {requirement: "),
        ("cancel.effect: known\n", "Line 1: A list of waivers is expected here.", "- {requirement: "),
        ("- a\n", "Line 1: A list of waivers is expected here.", "- {requirement: "),
        ("", "Line 1: A list of waivers is expected here.", "- {requirement: "),
        ("waivers:\n  - cancel.effect\n", "Line 2: A waiver is expected here.", "- {requirement: "),
        (f"waivers:\n{_ENTRY}, onwer: us}}\n", "Line 2: `onwer` is not a field of a waiver.", "Did you mean `owner`?"),
        (
            "waivers:\n  - requirement: cancel.effect\n    reason: a\n    owner: b\n",
            "Line 2: `expires` is missing.",
            "For example: `expires: 2027-03-31`.",
        ),
        (
            f"waivers:\n{_ENTRY}}}\n  - {{requirement: cancel.efect, reason: a, owner: b, expires: 2027-01-01}}\n",
            "Line 3: No requirement is called `cancel.efect`.",
            "Did you mean `cancel.effect`?",
        ),
        (
            "waivers:\n  - requirement: qq.*\n    reason: a\n    owner: b\n    expires: 2027-01-01",
            "Line 2: No requirement is called `qq.*`.",
            "`kms-conformance requirements` lists them.",
        ),
        (
            "waivers:\n  - {requirement: '*', reason: a, owner: b, expires: 2027-01-01}\n",
            "Line 2: `requirement` must be the id of a requirement, or a glob over several with * and ?.",
            'For example: `requirement: "cancel.date-cleared"`.',
        ),
        (f"waivers:\n\n{_BAD_DAY}\n", "Line 3: `2027-02-30` is not a date.", "Write the date as YYYY-MM-DD."),
        (f"waivers:\n{_ENTRY}, dialect: hauwei}}\n", "Line 2: There is no dialect `hauwei`.", "Did you mean `huawei`?"),
        (f"waivers:\n{_ENTRY}, link: x}}\n", "Line 2: `link` must be the address of", "For example: `link: "),
        (f"waivers:\n{_ENTRY}, reason: b}}\n", "the key 'reason' occurs twice", "- {requirement: "),
        (
            f"waivers:\n{_ENTRY}}}\n{_ENTRY}}}\n",
            "Line 2: `cancel.date-cleared` is waived twice.",
            "Remove one of the two entries.",
        ),
    ],
    ids=[
        "no yaml",
        "the old short form",
        "a list",
        "empty",
        "no mapping",
        "misspelt key",
        "missing key",
        "misspelt requirement",
        "glob over nothing",
        "everything",
        "no such day",
        "misspelt dialect",
        "no address",
        "key twice",
        "waiver twice",
    ],
)
def test_what_is_wrong_is_said_in_three_lines(text: str, why: str, hint: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_waivers(text, "w.yaml")
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    assert lines[0].startswith("The waivers file w.yaml ")
    assert why in lines[1]
    assert hint in lines[2]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="cannot be read"):
        load_waivers(str(tmp_path / "no.yaml"))


def test_a_file_that_cannot_be_read_is_told_in_words(tmp_path: Path) -> None:
    binary = tmp_path / "w.yaml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(TargetError, match="The file is not UTF-8 text"):
        load_waivers(str(binary))
    with pytest.raises(TargetError, match="Is a directory"):
        load_waivers(str(tmp_path))
