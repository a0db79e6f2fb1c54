from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kms_conformance.core.text import capped, counted, duration, one_line, printable, wrapped

_FAST = settings(max_examples=200, deadline=None, database=None)


@_FAST
@given(st.text(st.characters()))
def test_anything_becomes_printable_and_stays_so(text: str) -> None:
    shown = printable(text)
    assert all(character == "\n" or character.isprintable() for character in shown)
    assert printable(shown) == shown
    assert "\n" not in one_line(text)
    shown.encode()


@_FAST
@given(st.text(st.characters(codec="ascii")), st.integers(20, 120))
def test_wrapped_lines_fit_and_lose_nothing_but_blanks(text: str, width: int) -> None:
    text = printable(text)
    lines = wrapped(text, width, "  expected  ")
    assert all(len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == f"expected{text}".replace(" ", "").replace("\n", "")


def test_characters_that_deceive_are_spelled_out() -> None:
    assert printable("a\tb\r\nc\rd\x00\x7f\x85") == "a    b\nc\\x0dd\\x00\\x7f\\x85"
    assert printable("\u00a0\u00ad\u200b\u202e\u2028\ufeff\ud800") == ("\\xa0\\xad\\u200b\\u202e\\u2028\\ufeff\\ud800")
    assert printable("\U000e0001é 密钥 🔑") == "\\U000e0001é 密钥 🔑"


def test_texts_are_capped() -> None:
    assert capped("abcdef", 4) == ("abcd", 2)
    assert capped("abc", 4) == ("abc", 0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (83.4, "1 min 23 s"), (7800, "2 h 10 min")],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_nouns_follow_their_numbers() -> None:
    assert [counted(number, "check") for number in (0, 1, 2, 1000)] == [
        "0 checks",
        "1 check",
        "2 checks",
        "1,000 checks",
    ]
    assert counted(2, "entry", "entries") == "2 entries"
