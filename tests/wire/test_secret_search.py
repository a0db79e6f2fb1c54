"""Where secrets stand in a text, in every form: what is found, exactly where, and what is left alone."""

from __future__ import annotations

import base64
import json
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kms_conformance.target.ordinary import Public
from kms_conformance.wire.secrets.forms import forms_of
from kms_conformance.wire.secrets.readings import Reading, readings
from kms_conformance.wire.secrets.search import MIN_INDEXED, SecretSearch


def search_for(*secrets: str) -> SecretSearch:
    search = SecretSearch()
    for secret in secrets:
        search.add(secret, "SECRET")
    return search


def places(text: bytes, secret: str) -> set[bytes]:
    """The parts of the text in which the secret stands; both ways to ask must agree that there are any."""
    search = search_for(secret)
    found = {text[start:end] for start, end, _ in search.spans(text)}
    assert search.hides_in(text) == bool(found)
    return found


def undone(text: bytes) -> list[bytes]:
    return [reading.text for reading in readings(text)]


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
        (b"\\'", b"'"),
        (b"\\xe4", b"\xc3\xa4"),
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


@pytest.mark.parametrize("text", [b"100%", b"%4", b"%4g", b"\\x4", b"\\u004", b"&#;", b"&nbsp;", b"&lt", b"a+b", b""])
def test_what_is_no_escape_is_left_alone(text: bytes) -> None:
    assert undone(text) == [text]


@pytest.mark.parametrize("text", [b"&#1114112;", b"&#x110000;", b"&#9999999;"])
def test_a_number_that_no_character_has_stays_as_it_is(text: bytes) -> None:
    assert set(undone(text)) == {text}


def test_percent_encoding_and_backslashes_are_undone_twice_and_entities_once() -> None:
    text = "%"
    for _ in range(3):
        text = quote(text, safe="")
    assert undone(text.encode()) == [b"%252525", b"%2525", b"%25"]
    assert undone(b"\\" * 8 + b"n") == [b"\\" * 8 + b"n", b"\\" * 4 + b"n", b"\\\\n"]
    assert undone(b"&amp;lt;") == [b"&amp;lt;", b"&lt;"]


def test_each_kind_of_escapes_is_undone_by_itself() -> None:
    assert undone(b"%41\\u0042&#67;") == [b"%41\\u0042&#67;", b"A\\u0042&#67;", b"%41B&#67;", b"%41\\u0042C"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "bc", "%41", "%C3%A4", "%2541", "\\u00e4", "&lt;", "%"]), max_size=8))
def test_every_byte_of_a_reading_has_its_place_in_the_text(parts: list[str]) -> None:
    text = "".join(parts).encode()
    for reading in readings(text):
        at = [reading.at(place) for place in range(len(reading.text) + 1)]
        assert at == sorted(at)
        assert (at[0] if text else 0, at[-1]) == (0, len(text))
        for place in range(len(reading.text)):
            if at[place + 1] == at[place] + 1:
                assert text[at[place]] == reading.text[place]


def test_the_text_itself_is_the_first_reading() -> None:
    assert next(readings(b"a%41")) == Reading(b"a%41")


@pytest.mark.parametrize(
    ("text", "secret", "found"),
    [
        (b"--abcd--abcd", "abcd", {b"abcd"}),
        (b"x%61bc%64y", "abcd", {b"%61bc%64"}),
        (b"x%252561bcd", "abcd", set()),
        (b"%2561bcd", "abcd", {b"%2561bcd"}),
        (b"x\\u0061b\\u0063dy", "abcd", {b"\\u0061b\\u0063d"}),
        (b"xab&#99;dy", "abcd", {b"ab&#99;d"}),
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
    assert sorted(search_for("aaaa").spans(b"aaaaaa")) == [(0, 6, "SECRET")]
    assert sorted(search_for("abcda").spans(b"abcda abcdabcda")) == [(0, 5, "SECRET"), (6, 15, "SECRET")]


def test_a_secret_with_a_blank_is_found_in_a_form() -> None:
    assert places(b"q=my+word&x", "my word") == {b"my+word"}
    assert places(b"q=my%2bword&x", "my+word") == {b"my%2bword"}
    assert places(b"q=my+p%69n", "my pin") == {b"my+p%69n"}
    assert places(b"q=my word&x", "my+word") == set()


@pytest.mark.parametrize("depth", range(5))
def test_a_secret_is_found_percent_encoded_up_to_twice(depth: int) -> None:
    text = "ab/cd"
    for _ in range(depth):
        text = quote(text, safe="")
    assert places(text.encode(), "ab/cd") == ({text.encode()} if depth <= 2 else set())


@pytest.mark.parametrize("secret", ["%41bcd", "a\\u0062cd", "ab&lt;cd", "ab%2541"])
def test_a_secret_that_looks_escaped_is_found_as_it_is_and_escaped_once_more(secret: str) -> None:
    assert places(f"x{secret}y".encode(), secret) == {secret.encode()}
    for escaped in (quote(secret, safe=""), json.dumps(secret)[1:-1], escape(secret)):
        assert places(f"x{escaped}y".encode(), secret) == {escaped.encode()}


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("secret", ["~~~???>>>", "p4ssw0rd", "secret"])
def test_in_base64_all_characters_go_that_are_made_of_the_secret_alone(encode, before: int, secret: str) -> None:
    # Bits that the padding of a value by itself would not have.
    text = encode(b"\x01" * before + secret.encode() + b"\xff\xff\xff")
    found = max(places(text, secret), key=len)
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
    assert search_for("abcd", "efgh").hides_in(b"x efgh")
    assert search_for("abcd", "efgh").hides_in(b"x 65666768")
    assert not search_for("abcd", "efgh").hides_in(b"x ijkl")
    assert not search_for().hides_in(b"x")


THIRTY = "gH3kLm9pQr5tUv7xYz2nWs8jKf4GRv"


def test_less_than_the_whole_value_is_none() -> None:
    for form in (THIRTY, THIRTY.encode().hex(), quote("/" + THIRTY, safe="")):
        assert places(form[:-1].encode(), THIRTY) == places(form[-len(THIRTY) + 1 :].encode(), THIRTY) == set()
    assert places("\n".join([THIRTY[:15], THIRTY[15:]]).encode(), THIRTY) == set()


@pytest.mark.parametrize("padding", [b"", b"=", b"=="])
def test_base64_goes_with_its_padding(padding: bytes) -> None:
    secret = {b"": "abcdef", b"=": "abcde", b"==": "abcdefg"}[padding]
    encoded = base64.b64encode(secret.encode())
    assert encoded.endswith(padding)
    assert max(places(b"<" + encoded + b">", secret), key=len) == encoded


def test_a_value_that_encodes_data_is_found_by_its_data_where_that_is_asked_for() -> None:
    data = bytes(range(32))
    for value, others in (
        (data.hex(), [base64.b64encode(data), base64.urlsafe_b64encode(data), data.hex().upper().encode()]),
        (base64.b64encode(data).decode(), [data.hex().encode(), base64.b64encode(b"before" + data)[8:-2]]),
    ):
        search = SecretSearch()
        search.add(value, "PLAINTEXT", decoded=True)
        assert all(search.hides_in(b"it was " + other) for other in others)
        assert not any(search_for(value).hides_in(b"it was " + other) for other in others)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40), st.booleans())
def test_values_of_one_length_and_kind_have_forms_of_the_same_lengths(one: str, other: str, decoded: bool) -> None:
    first, second = one.encode().hex(), other.encode().hex()
    if len(first) == len(second):
        sizes = [[len(form) for form in forms_of(value.encode(), decoded=decoded)] for value in (first, second)]
        assert sizes[0] == sizes[1]


# --- the index of grams -----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.binary(min_size=MIN_INDEXED, max_size=40), st.binary(max_size=60), st.binary(max_size=30))
def test_a_long_value_is_likely_wherever_it_stands(value: bytes, before: bytes, after: bytes) -> None:
    text = value.decode("latin-1")
    search = search_for(text)
    assert [known.text for known in search.likely_in(before + text.encode() + after)] == [text]


@settings(deadline=None)
@given(st.text(min_size=4, max_size=MIN_INDEXED + 2), st.binary(max_size=40))
def test_a_value_of_any_length_is_found_in_every_form(secret: str, before: bytes) -> None:
    search = search_for(secret)
    for form in forms_of(secret.encode()):
        assert search.hides_in(before + form)


def test_a_value_is_found_until_it_is_forgotten() -> None:
    values = [f"{number * 7919:064x}"[::-1] for number in range(1, 100)]
    search = search_for(*values, values[0])
    for value in values:
        assert value in search
        assert search.hides_in(b"it was " + value.encode())
        search.forget(value)
        assert value not in search
        assert not search.hides_in(b"it was " + value.encode())
        search.forget(value)
    assert not search.likely_in(" ".join(values).encode())


def test_values_that_begin_alike_are_told_apart() -> None:
    search = SecretSearch()
    search.add("gAAAAA-the-same-beginning-one", "ONE")
    search.add("gAAAAA-the-same-beginning-two", "TWO")
    assert {label for _, _, label in search.spans(b"gAAAAA-the-same-beginning-two")} == {"TWO"}
    search.forget("gAAAAA-the-same-beginning-one")
    assert {label for _, _, label in search.spans(b"gAAAAA-the-same-beginning-two")} == {"TWO"}


def test_a_value_that_is_added_again_has_its_new_label() -> None:
    search = search_for("abcd")
    search.add("abcd", "OTHER")
    assert list(search.spans(b"abcd")) == [(0, 4, "OTHER")]


# --- public words -----------------------------------------------------------------------------------------------------


PUBLIC = Public.of(["AccessKeyId", "kms-key", "Name"])


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
