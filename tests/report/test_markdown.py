from __future__ import annotations

import pytest

from kms_conformance.report.text import markdown


@pytest.mark.parametrize(
    "text",
    [
        "www.example.org",
        "WWW.example.org/a",
        "see (www.example.org)",
        "https://example.org",
        "someone@example.org",
        "@someone",
        "#12",
        "GH-12",
        "a:b",
    ],
)
def test_no_forge_makes_a_link_or_a_call_of_foreign_text(text: str) -> None:
    shown = markdown.plain(text)
    assert text not in shown
    assert shown.replace("\u200b", "").replace("\\", "") == text


def test_text_without_an_address_stays_as_it_is() -> None:
    assert markdown.plain("www and gh-pages, 7.5") == "www and gh-pages, 7.5"
