"""Where secrets stand in a text, in every form: what is found, exactly where, and what is left alone."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from kms_conformance.target.ordinary import Public
from kms_conformance.wire.secrets.search import _needles, hides_any, spans, views, views_and_bare


def places(text: bytes, secret: str, *, blanks: bool = False) -> set[bytes]:
    """The parts of the text in which the secret stands; both ways to ask must agree that there are any."""
    found = {text[start:end] for start, end in spans(tuple(views(text, blanks=blanks)), secret)}
    assert hides_any(text, [secret], blanks=blanks) == bool(found)
    return found


def spelt(text: bytes, secret: str) -> set[bytes]:
    """The same where the text is also read without anything but letters and digits, as `hides_any` always does."""
    found = {text[start:end] for start, end in spans(tuple(views_and_bare(text)), secret)}
    assert hides_any(text, [secret]) == bool(found)
    return found


@pytest.fixture(autouse=True)
def nothing_is_known_of_any_secret() -> None:
    """What a test before has had computed must not stand in for what this one asks for."""
    _needles.cache_clear()


def undone(text: bytes, *, blanks: bool = False) -> list[bytes]:
    return [view.text for view in views(text, blanks=blanks)]


@pytest.mark.parametrize(
    ("escaped", "character"),
    [
        (b"%41", b"A"),
        (b"%e4", b"\xe4"),
        (b"%E4", b"\xe4"),
        (b"\\u0041", b"A"),
        (b"\\u00e4", b"\xc3\xa4"),
        (b"\\uD83D\\uDE00", "😀".encode()),
        (b"\\udbff\\udfff", "\U0010ffff".encode()),
        (b"\\ud800\\udc00", "\U00010000".encode()),
        (b"\\ud83d", b"\xed\xa0\xbd"),
        (b'\\"', b'"'),
        (b"\\\\", b"\\"),
        (b"\\/", b"/"),
        (b"\\b", b"\b"),
        (b"\\f", b"\f"),
        (b"\\n", b"\n"),
        (b"\\r", b"\r"),
        (b"\\t", b"\t"),
        (b"&#65;", b"A"),
        (b"&#x41;", b"A"),
        (b"&#X1f600;", "😀".encode()),
        (b"&#1114111;", "\U0010ffff".encode()),
        (b"&#x10FFFF;", "\U0010ffff".encode()),
        (b"&lt;", b"<"),
        (b"&gt;", b">"),
        (b"&amp;", b"&"),
        (b"&quot;", b'"'),
        (b"&apos;", b"'"),
    ],
)
def test_one_escape_is_one_character_wherever_it_stands(escaped: bytes, character: bytes) -> None:
    assert undone(b"a" + escaped + b"b" + escaped)[:2] == [
        b"a" + escaped + b"b" + escaped,
        b"a" + character + b"b" + character,
    ]


@pytest.mark.parametrize("text", [b"100%", b"%4", b"%4g", b"\\x41", b"\\u004", b"&#;", b"&nbsp;", b"&lt", b"a+b", b""])
def test_what_is_no_escape_is_left_alone(text: bytes) -> None:
    assert undone(text) == [text]


@pytest.mark.parametrize("text", [b"&#1114112;", b"&#x110000;", b"&#9999999;"])
def test_a_number_that_no_character_has_stays_as_it_is(text: bytes) -> None:
    assert set(undone(text)) == {text}


def test_escapes_of_escapes_are_undone_four_deep() -> None:
    text = "%"
    for _ in range(5):
        text = quote(text, safe="")
    assert undone(text.encode()) == [b"%2525252525", b"%25252525", b"%252525", b"%2525", b"%25"]


def test_a_plus_is_a_blank_only_where_it_is_asked_for_and_before_escapes_are_undone() -> None:
    assert undone(b"a+b", blanks=True) == [b"a+b", b"a b"]
    assert set(undone(b"a+b%2Bc", blanks=True)) == {b"a+b%2Bc", b"a+b+c", b"a b%2Bc", b"a b+c", b"a b c"}
    assert set(undone(b"a+b%2Bc")) == {b"a+b%2Bc", b"a+b+c"}


@pytest.mark.parametrize(
    ("text", "secret", "found"),
    [
        (b"--abcd--abcd", "abcd", {b"abcd"}),
        (b"x%61bc%64y", "abcd", {b"%61bc%64"}),
        (b"%2561bcd", "abcd", {b"%2561bcd"}),
        (b"x\\u0061b&#99;dy", "abcd", {b"\\u0061b&#99;d"}),
        (b"p\\u00e4ss%20", "päss", {b"p\\u00e4ss"}),
        (b"x 6162636A y", "abcj", {b"6162636A"}),
        (b"6162%36%33%36A", "abcj", {b"6162%36%33%36A"}),
        (b"abce", "abcd", set()),
        (b"ABCD", "abcd", set()),
        (b"", "abcd", set()),
    ],
)
def test_a_secret_is_found_with_all_of_its_escapes_and_no_more(text: bytes, secret: str, found: set[bytes]) -> None:
    assert places(text, secret) == found


def test_every_occurrence_is_found_also_where_they_overlap() -> None:
    text = b"aaaaaa"
    assert sorted(spans(tuple(views(text)), "aaaa")) == [(0, 6)]
    assert sorted(spans(tuple(views(b"abcda abcdabcda")), "abcda")) == [(0, 5), (6, 15)]


def test_a_secret_with_a_blank_is_found_in_a_form() -> None:
    assert places(b"q=my+word&x", "my word", blanks=True) == {b"my+word"}
    assert places(b"q=my+word&x", "my word") == set()
    assert places(b"q=my%2bword&x", "my+word", blanks=True) == {b"my%2bword"}
    assert places(b"q=my+p%69n", "my pin", blanks=True) == {b"my+p%69n"}
    assert places(b"q=my%2Bpin", "my pin", blanks=True) == {b"my%2Bpin"}
    assert not hides_any(b"q=my+pin", ["my pin"])


@pytest.mark.parametrize("depth", range(7))
def test_a_secret_is_found_under_four_layers_of_escapes_however_it_is_asked_for(depth: int) -> None:
    text = "ab/cd"
    for _ in range(depth):
        text = quote(text, safe="")
    assert places(text.encode(), "ab/cd") == ({text.encode()} if depth <= 4 else set())


def test_a_secret_that_looks_escaped_is_found_as_it_is_and_as_it_would_be_read() -> None:
    assert places(b"x%41bcdy", "%41bcd") >= {b"%41bcd"}
    assert places(b"xAbcdy", "%41bcd") == {b"Abcd"}


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("secret", ["~~~???>>>", "p4ssw0rd", "secret"])
def test_in_base64_all_characters_go_that_are_made_of_the_secret_alone(encode, before: int, secret: str) -> None:
    text = encode(b"\x01" * before + secret.encode() + b"\x01\x01\x01")
    (found,) = places(text, secret)
    whole = base64.b64decode(text.translate(bytes.maketrans(b"-_", b"+/")))
    start = text.index(found)
    # The first and the last character that hold bits of other bytes as well may stay; no other of the secret's may.
    first_bit, last_bit = before * 8, (before + len(secret)) * 8
    assert start * 6 - first_bit in range(6)
    assert last_bit - (start + len(found)) * 6 in range(6)
    assert secret.encode() in whole


def test_a_surrogate_that_stands_alone_hides_nothing() -> None:
    secret = "\ud800abcd"
    assert places(secret.encode("utf-8", "surrogatepass"), secret) == {secret.encode("utf-8", "surrogatepass")}
    assert places(b"\\ud800abcd", secret) == {b"\\ud800abcd"}


def test_any_of_several_secrets_is_enough() -> None:
    assert hides_any(b"x efgh", ["abcd", "efgh"])
    assert hides_any(b"x 65666768", ["abcd", "efgh"])
    assert not hides_any(b"x ijkl", ["abcd", "efgh"])
    assert not hides_any(b"x", [])


SIXTEEN = "gH3kLm9pQr5tUv7x"
THIRTY = "gH3kLm9pQr5tUv7xYz2nWs8jKf4GRv"


@pytest.mark.parametrize(("secret", "half"), [(SIXTEEN, 8), (SIXTEEN + "Y", 8), (THIRTY, 15), (THIRTY + "NwX", 16)])
def test_half_of_a_secret_is_found_wherever_it_begins_and_less_than_half_is_not(secret: str, half: int) -> None:
    for start in range(len(secret) - half + 1):
        piece = secret[start : start + half].encode()
        assert places(piece, secret) == places(b"." + piece + b".", secret) == {piece}
        assert places(b"." + piece[1:] + b".", secret) == set()


def test_each_of_several_pieces_is_found_where_it_stands() -> None:
    piece = SIXTEEN[4:12].encode()
    assert set(spans(tuple(views(piece + b" and " + piece)), SIXTEEN)) == {(0, 8), (13, 21)}


def test_of_a_secret_shorter_than_sixteen_only_the_whole_is_one() -> None:
    assert places(SIXTEEN[:15].encode(), SIXTEEN[:15]) == {SIXTEEN[:15].encode()}
    assert places(SIXTEEN[:14].encode(), SIXTEEN[:15]) == set()


def test_half_is_enough_of_punctuation_and_of_hex_too() -> None:
    marks = "#-+.:;,_@~!*()^`"
    assert places(b"a" + marks[4:12].encode() + b"a", marks) == {marks[4:12].encode()}
    digits = SIXTEEN.encode().hex().upper().encode()
    assert places(b"." + digits[7:23] + b".", SIXTEEN) == {digits[7:23]}
    assert places(b"." + digits[7:22] + b".", SIXTEEN) == set()


def test_a_piece_is_taken_no_further_than_text_and_secret_agree() -> None:
    assert places(b"zzzz" + SIXTEEN[3:13].encode() + b"zzzz", SIXTEEN) == {SIXTEEN[3:13].encode()}
    assert places(SIXTEEN[8:].encode() + SIXTEEN[:8].encode(), SIXTEEN) == {
        SIXTEEN[8:].encode(),
        SIXTEEN[:8].encode(),
    }


def test_asked_for_as_a_whole_a_secret_is_not_found_by_halves() -> None:
    text = tuple(views_and_bare(SIXTEEN[:15].encode()))
    assert list(spans(text, SIXTEEN, in_pieces=False)) == []
    assert not hides_any(SIXTEEN[:15].encode(), [SIXTEEN], in_pieces=False)
    assert hides_any(SIXTEEN.encode(), [SIXTEEN], in_pieces=False)


def test_what_is_spelt_out_is_found_from_eight_letters_on_with_all_that_stands_between() -> None:
    assert spelt(b"<a.b.c.d. e.f.g.h>", "abcd-efgh") == {b"a.b.c.d. e.f.g.h"}
    assert spelt(b"<abcdefgh>", "abcd-efgh") == {b"abcdefgh"}
    assert spelt(b"a b c d e f g", "abcd-efg") == set()
    assert spelt("-".join(SIXTEEN[4:12]).encode(), SIXTEEN) == {"-".join(SIXTEEN[4:12]).encode()}
    assert spelt("-".join(SIXTEEN[4:11]).encode(), SIXTEEN) == set()


def test_each_view_is_followed_by_its_letters_and_digits() -> None:
    assert [view.text for view in views_and_bare(b"a+%62")] == [b"a+%62", b"a62", b"a+b", b"ab"]
    assert [view.text for view in views_and_bare(b"a+b", blanks=True)] == [b"a+b", b"ab", b"a b", b"ab"]


PUBLIC = Public.of(["AccessKeyId", "kms-key", "Name"])


def pieces(text: bytes, secret: str, public: Public | None = PUBLIC) -> set[bytes]:
    found = {text[start:end] for start, end in spans(tuple(views_and_bare(text)), secret, public=public)}
    assert hides_any(text, [secret], public=public) == bool(found)
    return found


def test_what_a_secret_has_in_common_with_a_public_word_is_no_piece_of_it() -> None:
    secret = "AccessKeyId-12345678-ab"
    assert pieces(b"?AccessKeyId=LTAI&x", secret) == set()
    assert pieces(b"?AccessKeyId=LTAI&x", secret, None) == {b"AccessKeyId"}
    assert pieces(b"?AccessKeyId-12345678-ab", secret) == {b"AccessKeyId-12345678-ab"}


def test_a_piece_is_found_by_its_own_letters_and_without_the_public_word_at_its_rim() -> None:
    secret = "AccessKeyIdq7Zr2Lw9Xk4Tn8Vb1Y"
    assert pieces(b"?q7Zr2Lw9X&x", secret) == {b"q7Zr2Lw9X"}
    assert pieces(b"?AccessKeyIdq7Zr2Lw9X&x", secret) == {b"q7Zr2Lw9X"}
    assert pieces(b"?AccessKeyIdq7Zr2Lw&x", secret) == set()
    assert pieces(b"q7Zr2Lw9XAccessKeyId", "q7Zr2Lw9XAccessKeyIdXk4Tn8Vb1Y") == {b"q7Zr2Lw9X"}


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("x-AccessKeyId", b"\1\1" + bytes(11)),
        ("ACCESSKxy", bytes(7) + b"\1\1"),
        ("acces", b"\1" * 5),
        ("a name", b"\1\1" + bytes(4)),
        ("kmskey", bytes(6)),
        ("\u0130AccessKeyId", b"\1" * 12),
        ("", b""),
    ],
)
def test_what_of_a_text_belongs_to_public_words(text: str, own: bytes) -> None:
    assert PUBLIC.own(text) == own
