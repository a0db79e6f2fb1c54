"""Placeholders of plaintexts that endpoints decrypt for us, in all places and encodings."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kms_conformance.recording.placeholders import Placeholders
from kms_conformance.wire.messages import Exchange, Reply, Request

NOW = datetime(2026, 2, 1, tzinfo=UTC)
URL = "https://kms.example.com/kms"


def said(body: bytes) -> Reply:
    return Reply(200, "OK", (), body, 0.1)


def exchange(sent: bytes, came: bytes, url: str = URL) -> Exchange:
    return Exchange(Request("POST", url, (), sent), said(came), None, NOW)


def placeholder(text: str, *sent: str) -> str:
    made = Placeholders()
    for each in sent:
        made.learn(Request("POST", URL, (), json.dumps({"plain_text": each}).encode()))
    return str(json.loads(made.reply_body(json.dumps({"plain_text": text}).encode()))["plain_text"])


def test_what_we_had_encrypted_ourselves_stands_for_itself() -> None:
    assert placeholder("some text", "some text") == "some text"
    assert placeholder("some text", "other") != "some text"
    made = Placeholders()
    made.learn(Request("POST", "https://h/?Plaintext=dGV4dA%3D%3D"))
    body = b'{"Plaintext": "dGV4dA\\u003d\\u003d"}'
    assert made.reply_body(body) == body


@settings(deadline=None)
@given(st.binary(min_size=8, max_size=80))
def test_a_placeholder_has_the_form_of_what_it_stands_for(data: bytes) -> None:
    assert re.fullmatch(f"[0-9a-f]{{{2 * len(data)}}}", placeholder(data.hex()))
    encoded = base64.b64encode(data).decode()
    if not re.fullmatch("[0-9a-f]+|[0-9A-F]+", encoded):
        made = base64.b64decode(placeholder(encoded), validate=True)
        assert len(made) == len(data)
        assert base64.b64encode(made).decode() == canonical_base64(made)


def canonical_base64(data: bytes) -> str:
    """The canonical encoding of some bytes; strict decoders accept no other."""
    return base64.b64encode(data).decode()


def test_the_same_plaintext_has_the_same_placeholder_within_a_run_and_another_in_the_next() -> None:
    body = b'{"plain_text": "00112233445566778899aabbccddeeff"}'
    one, other = Placeholders(), Placeholders()
    assert one.reply_body(body) == one.reply_body(body) != other.reply_body(body)


def test_a_short_plaintext_is_replaced_where_its_name_stands_and_nowhere_else() -> None:
    made = Placeholders()
    body = made.reply_body(b'{"plain_text": "a\\u00e9c", "note": "a\\u00e9c"}')
    assert json.loads(body)["note"] == "a\u00e9c"
    assert json.loads(body)["plain_text"] != "a\u00e9c"


# --- places and encodings ---------------------------------------------------------------------------------------------

#: Encodings of a plaintext, from its text and its bytes.
ENCODINGS: dict[str, Callable[[str, bytes], str]] = {
    "as it is": lambda text, _: text,
    "percent-encoded": lambda text, _: quote(text, safe=""),
    "its characters in hex": lambda text, _: text.encode().hex(),
    "its characters in base64": lambda text, _: base64.b64encode(text.encode()).decode(),
    "in hex": lambda _, data: data.hex(),
    "in upper-case hex": lambda _, data: data.hex().upper(),
    "in base64": lambda _, data: base64.b64encode(data).decode(),
    "in base64url": lambda _, data: base64.urlsafe_b64encode(data).decode().rstrip("="),
}
PLAIN: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "upper-case hex": lambda data: data.hex().upper(),
    "base64": lambda data: base64.b64encode(data).decode(),
}
READ: dict[str, Callable[[str], bytes]] = {
    "hex": bytes.fromhex,
    "upper-case hex": bytes.fromhex,
    "base64": base64.b64decode,
}
PLACE = st.tuples(st.sampled_from(sorted(ENCODINGS)), st.text("abcXYZ019-_.", max_size=9), st.integers(0, 3))


@settings(deadline=None)
@given(
    data=st.binary(min_size=24, max_size=48),
    form=st.sampled_from(sorted(PLAIN)),
    places=st.lists(PLACE, min_size=1, max_size=5),
)
# All but one of the digits of these values are `/`: a placeholder that keeps `/` equals one value in four.
@example(data=b"\xff" * 25, form="base64", places=[("as it is", "", 0), ("its characters in base64", "", 1)])
@example(data=b"\xff" * 25, form="base64", places=[("percent-encoded", "", 2), ("in base64url", "", 3)])
@example(data=b"\xff" * 26, form="base64", places=[("in hex", "", 1), ("in base64", "", 3)])
def test_every_form_of_a_hidden_value_has_its_placeholder(
    data: bytes, form: str, places: list[tuple[str, str, int]]
) -> None:
    """In its own reply, in a later reply, and in the body and the URL of a later request."""
    text = PLAIN[form](data)
    # The case of hex digits cannot be seen from decimal digits alone, nor whether they are hex.
    assume(re.search("[a-f]", data.hex()) and re.search("[g-zG-Z]", base64.b64encode(data).decode()))
    # Parts of a value in these encodings are too short to be searched for.
    written = [f"{before}|{ENCODINGS[how](text, data)}|" for how, before, _ in places]
    first, later, sent, asked = (
        " ".join(value for value, (_, _, at) in zip(written, places, strict=True) if at == where) for where in range(4)
    )
    made = Placeholders()
    one = made.exchange(exchange(b"{}", json.dumps({"plain_text": text, "cipher_text": first}).encode()))
    two = made.exchange(
        exchange(
            json.dumps({"cipher_text": sent}).encode(),
            json.dumps({"cipher_text": later}).encode(),
            f"{URL}?CiphertextBlob={quote(asked, safe='')}",
        )
    )
    assert one.reply is not None
    assert two.reply is not None
    other = json.loads(one.reply.body)["plain_text"]
    assert other != text
    there = READ[form](other)
    assert len(there) == len(data)
    expected = [f"{before}|{ENCODINGS[how](other, there)}|" for how, before, _ in places]
    first, later, sent, asked = (
        " ".join(value for value, (_, _, at) in zip(expected, places, strict=True) if at == where) for where in range(4)
    )
    assert json.loads(one.reply.body)["cipher_text"] == first
    assert json.loads(two.reply.body)["cipher_text"] == later
    assert json.loads(two.request.body)["cipher_text"] == sent
    assert two.request.url == f"{URL}?CiphertextBlob={quote(asked, safe='')}"


# Random keys do not repeat a pattern; with a pattern, the start in other bytes would be ambiguous.
@settings(deadline=None)
@given(
    data=st.binary().map(lambda seed: hashlib.sha256(seed).digest()),
    before=st.binary(max_size=8),
    after=st.binary(max_size=8),
)
def test_a_ciphertext_that_is_its_plaintext_between_other_bytes_is_one_of_the_placeholder(
    data: bytes, before: bytes, after: bytes
) -> None:
    blob = base64.b64encode(before + data + after).decode()
    body = {"Plaintext": base64.b64encode(data).decode(), "CiphertextBlob": blob}
    found = json.loads(Placeholders().reply_body(json.dumps(body).encode()))
    whole = base64.b64decode(found["CiphertextBlob"])
    # The first and last bits share a base64 character with neighbouring bytes.
    assert whole[len(before) + 1 : len(before) + 31] == base64.b64decode(found["Plaintext"])[1:31]
    assert data[1:31] not in whole
    assert (whole[: len(before)], whole[len(before) + 32 :]) == (before, after)


@pytest.mark.parametrize("spelt", ["{0[0]}-{0[1]}-{0[2]}", "{0[0]}\\n{0[1]}\\n{0[2]}"])
def test_a_plaintext_in_pieces_is_not_searched_and_nothing_of_its_text_is_lost(spelt: str) -> None:
    text = bytes(range(40)).hex()
    note = spelt.format((text[:30], text[30:50], text[50:]))
    found = Placeholders().reply_body(json.dumps({"plain_text": text, "note": "#"}).replace("#", note).encode())
    assert json.loads(found)["note"] == note.replace("\\n", "\n")
    assert json.loads(found)["plain_text"] != text
