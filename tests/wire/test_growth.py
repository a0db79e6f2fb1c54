"""What an endpoint or a file sends costs time in proportion to its length, whatever it was made of."""

from __future__ import annotations

import base64
import gc
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from urllib.parse import quote

import pytest

from kms_conformance.core import specs
from kms_conformance.recording.placeholders import Placeholders
from kms_conformance.wire.contents import fields
from kms_conformance.wire.messages import Exchange, Reply, Request
from kms_conformance.wire.secrets.redactor import Redactor

TOKEN = "q7Zr2Lw9-Xk4Tn8Vb1Yc6/Hd3Jf5+Ms0Pg"
HALF = len(TOKEN) // 2
ENCODED = base64.b64encode(TOKEN.encode()).decode()
SHAPES = {
    "marks": "[redacted:KEY]",
    "marks, each with a token": f"[redacted:KEY]{TOKEN}",
    "marks between tokens": f"{TOKEN} [redacted:KEY],",
    "a mark that begins": "[redacted:",
    "tokens": TOKEN,
    "tokens apart": f"{TOKEN},",
    "halves": f"{TOKEN[:HALF]} {TOKEN[HALF:]} ",
    "less than halves": f"{TOKEN[:9]} ",
    "percent-encoded": quote(TOKEN, safe=""),
    "percent-encoded letter by letter": "".join(f"%{byte:02X}" for byte in TOKEN.encode()),
    "percent-encoded twice": quote(quote(TOKEN, safe=""), safe=""),
    "percent-encoded four times": quote(quote(quote(quote(TOKEN, safe=""), safe=""), safe=""), safe=""),
    "percent signs": "%25",
    "base64": ENCODED,
    "base64 in lines": f"{ENCODED[:20]}\n{ENCODED[20:]}\n",
    "hex": TOKEN.encode().hex(),
    "hex with colons": TOKEN.encode().hex(":"),
    "spelt out": ",".join(TOKEN) + ",",
    "signatures": "Signature=x&",
    "signatures that are marks": "Signature=[redacted:KEY]&",
    "plaintexts": f'"Plaintext":"{TOKEN}",',
    "plaintexts that do not end": '"Plaintext":"\\',
    "header lines": "X-Auth-Token: a\n",
    "backslashes": "\\",
    "escaped backslashes": "\\u005c",
    "entities": "&#38;",
}


def seconds(act: Callable[[int], object], size: int) -> float:
    """The least time of two, so that a machine that is busy does not decide."""
    times = []
    gc.disable()
    for _ in range(2):
        clock = time.thread_time()
        act(size)
        times.append(time.thread_time() - clock)
    gc.enable()
    return min(times)


def grows_with_its_length(act: Callable[[int], object], size: int) -> None:
    """Four times the length may take eight times as long; a square takes sixteen."""
    short = max(seconds(act, size), 0.002)
    assert seconds(act, 4 * size) < 8 * short


def text_of(piece: str, size: int) -> bytes:
    return (piece * (size // len(piece) + 1))[:size].encode()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_redaction_takes_time_in_proportion_to_the_text(shape: str) -> None:
    redactor = Redactor([TOKEN], {TOKEN: "KEY"})
    grows_with_its_length(lambda size: redactor.data(text_of(shape, size)), 40_000)


def test_a_body_of_two_megabytes_takes_at_most_two_and_a_half_times_as_long_as_one_of_one() -> None:
    """Of five times each the least counts, and the two take turns: a busy machine delays both alike."""
    redactor = Redactor([TOKEN], {TOKEN: "KEY"})
    record = json.dumps({"KeyId": "0" * 36, "Description": "a\\b", "said": TOKEN, "encoded": ENCODED}).encode()
    bodies = [record * ((size << 20) // len(record)) for size in (1, 2)]
    times: list[list[float]] = [[], []]
    for _ in range(5):
        for body, taken in zip(bodies, times, strict=True):
            clock = time.thread_time()
            redacted = redactor.data(body)
            taken.append(time.thread_time() - clock)
            assert TOKEN.encode() not in redacted
            assert ENCODED.encode() not in redacted
    assert min(times[1]) < 2.5 * min(times[0])


PLAINTEXTS = {
    "all different": lambda number: f"{number:032x}",
    "all the same": lambda _: "0123456789abcdef" * 2,
}


@pytest.mark.parametrize("plaintext", PLAINTEXTS.values(), ids=PLAINTEXTS)
def test_what_an_endpoint_decrypted_is_replaced_in_proportion_to_the_text(plaintext: Callable[[int], str]) -> None:
    def record(size: int) -> None:
        body = ",".join(f'{{"Plaintext": "{plaintext(number)}"}}' for number in range(size))
        exchange = Exchange(
            Request("GET", "https://h/"), Reply(200, "", (), body.encode(), 0.1), None, datetime.now(UTC)
        )
        Placeholders().exchange(exchange)

    grows_with_its_length(record, 500)


REPEATING = {
    "one letter": ("a" * 60_000, "a"),
    "one letter, and an end": ("a" * 45_000 + "b" * 15_000, "a"),
    "just less than the whole": ("a" * 1_000, "a" * 999 + "b"),
    "two letters": ("ab" * 20_000, "ab"),
}


@pytest.mark.parametrize(("token", "piece"), REPEATING.values(), ids=REPEATING)
def test_a_token_that_an_endpoint_made_to_take_long_does_not(token: str, piece: str) -> None:
    redactor = Redactor([])
    redactor.learn_from(Reply(200, "", (("X-Subject-Token", token),), b"", 0.1))
    text = text_of(piece, 1 << 18)
    clock = time.thread_time()
    redacted = redactor.data(text)
    assert time.thread_time() - clock < 4
    assert (len(redacted) < len(text)) == (token in text.decode())


def test_a_text_that_repeats_what_repeats_itself_is_taken_for_it_as_a_whole() -> None:
    redactor = Redactor([])
    redactor.learn_from(Reply(200, "", (("X-Subject-Token", "a" * 60_000),), b"", 0.1))
    assert redactor.data(b"a" * (1 << 18)) == b"[redacted:TOKEN]"


LOOSE = {
    "a long word": "a",
    "words": "ab ",
    "words and blanks": "a" + " " * 50,
    "names and colons": "a:",
    "brackets": "a:[",
    "digits": "1a",
    "names with values": "name='value',",
}


@pytest.mark.parametrize("piece", LOOSE.values(), ids=LOOSE)
def test_what_is_no_json_is_searched_for_names_in_proportion_to_its_length(piece: str) -> None:
    number = count()

    def search(size: int) -> None:
        # No two queries are equal, because the fields of a query and a body are kept.
        fields(Request("POST", f"https://h/?{next(number)}", (), b"{" + text_of(piece, size)))

    grows_with_its_length(search, 30_000)


#: The same names and values, found by looking at each letter anew.
SLOW = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)[\"'>]?\s*[:=>]\s*[\"'\[{(]*([^\s\"'<>&,;{}\[\]()]+)")
BODIES = [
    '{"a": "b", c',
    "{<KeyId>k</KeyId> x",
    "{'a-b.c' = 12, d",
    "{9abc: [(x",
    "{one two: three",
    "{a=b=c",
    "{a:",
    "{a> :b",
    "{a>> b, _c = '[{d",
]


@pytest.mark.parametrize("body", BODIES)
def test_the_same_names_are_found_where_there_is_no_json(body: str) -> None:
    found = {(field.name, field.texts) for field in fields(Request("POST", "https://h/", (), body.encode()))}
    assert {(name.lower(), (value,)) for name, value in SLOW.findall(body)} <= found
    assert {texts for name, texts in found if name.isidentifier()} <= {(value,) for _, value in SLOW.findall(body)}


def test_a_mapping_of_many_keys_is_read_in_proportion_to_their_number() -> None:
    def read(count: int) -> None:
        specs.parse_yaml("".join(f"k{number}: 1\n" for number in range(count)))

    grows_with_its_length(read, 5_000)
