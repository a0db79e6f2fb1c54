from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kms_conformance.wire.decode import MAX_BYTES, Decoded, decode_json, decode_xml

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None, database=None)
@given(json_values, st.booleans(), st.sampled_from([None, 2]))
def test_what_is_json_is_read_without_a_problem(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert decode_json(f"\r\n {text}\t\n".encode()) == Decoded(value)


@pytest.mark.parametrize(
    ("body", "value", "problem"),
    [
        (b"", None, "empty"),
        (b" \n", None, "empty"),
        (b"\xef\xbb\xbf{}", {}, "begins with a byte order mark"),
        (b'"\xe9"', None, "not UTF-8 at byte 1"),
        ('{"a": 1}'.encode("utf-16"), None, "not UTF-8 at byte 0"),
        (b'{"a": 1, "b": {"a": 2, "a": 3}}', {"a": 1, "b": {"a": 3}}, "the key 'a' stands twice in one object"),
        (b"[NaN]", [None], "NaN is no JSON number"),
        (b"[Infinity]", [None], "Infinity is no JSON number"),
        (b"[-Infinity]", [None], "-Infinity is no JSON number"),
        (b"[1e999]", [None], "the number '1e999' is beyond every range"),
        (b"[-1.5E+400]", [None], "the number '-1.5E+400' is beyond every range"),
        (b"[" + b"9" * 5000 + b"]", [None], "a whole number of 5000 digits"),
        (b"[" + b"9" * 309 + b"]", [None], "a whole number of 309 digits"),
        (b'{"\\ud800": "\\udc00 x"}', {"\ufffd": "\ufffd x"}, "half a surrogate pair in a string"),
        (b"[" * 65 + b"]" * 65, None, "nested deeper than 64 levels"),
        (b"[" * 100_000 + b"]" * 100_000, None, "nested deeper than 64 levels"),
        (b"[" + b",".join([b'{"a":1}'] * 20_000) + b"]", None, "more than 30000 values"),
        (b'{"a":' * 100_000, None, "nested deeper than 64 levels"),
        (b"{} {}", None, "not JSON: Extra data, line 1 column 4"),
        (b"{'a': 1}", None, "not JSON: Expecting property name enclosed in double quotes, line 1 column 2"),
        (b'"\x01"', None, "not JSON: Invalid control character at, line 1 column 2"),
        (b"<html>", None, "not JSON: Expecting value, line 1 column 1"),
        (b" " * MAX_BYTES + b"1", None, f"longer than {MAX_BYTES} bytes"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_wrong_with_json_is_said(body: bytes, value: object, problem: str) -> None:
    assert decode_json(body) == Decoded(value, (problem,))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"null", None),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"[1e-999, -0, 1E5]", [0.0, 0, 100000.0]),
        (b"9" * 308, int("9" * 308)),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_odd_but_right_is_no_problem(body: bytes, value: object) -> None:
    assert decode_json(body) == Decoded(value)


def test_only_so_many_problems_are_listed() -> None:
    body = b",".join(b'{"%d": 1, "%d": 2}' % (number, number) for number in range(1000))
    assert len(decode_json(b"[" + body + b"]").problems) == 8


@settings(max_examples=200, deadline=None, database=None)
@given(
    st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789eE+-.\\utrfn <>/a&;#x!?=', max_size=60).map(str.encode)
)
def test_nothing_is_ever_raised(body: bytes) -> None:
    for decode in (decode_json, decode_xml):
        decoded = decode(body)
        assert decoded.value is None or not isinstance(decoded.value, bytes)
        json.dumps(decoded.value, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"<KMS><RequestId>a-b</RequestId></KMS>", {"root": "KMS", "value": {"RequestId": "a-b"}}),
        (b'<?xml version="1.0" encoding="UTF-8"?>\n<KMS>\n  <A/>\n</KMS>\n', {"root": "KMS", "value": {"A": ""}}),
        (
            b"<K><A>1</A><B><C>&lt;&#233;</C></B><A> 2</A></K>",
            {"root": "K", "value": {"A": ["1", " 2"], "B": {"C": "<\xe9"}}},
        ),
        (b"<K/>", {"root": "K", "value": ""}),
        (b"<K a='1'><!-- x --><?p i?><A><![CDATA[<]]></A></K>", {"root": "K", "value": {"A": "<"}}),
        (b"<a>" * 64 + b"</a>" * 64, None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_xml_is_read_as_a_tree(body: bytes, value: object) -> None:
    decoded = decode_xml(body)
    assert decoded.problems == ()
    if value is not None:
        assert decoded.value == value


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf<a/>", "begins with a byte order mark"),
        (b"<a>\xe9</a>", "not UTF-8 at byte 3"),
        ("<a/>".encode("utf-16"), "not UTF-8 at byte 0"),
        (b'<?xml version="1.0" encoding="GB2312"?><a/>', "declares the encoding 'GB2312'"),
        (b"<!DOCTYPE a><a/>", "has a document type"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>', "has a document type"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "has a document type"),
        (b"<a>x<b/>y</a>", "text between the elements of 'a'"),
        (b"<a>" * 65 + b"</a>" * 65, "nested deeper than 64 levels or more than 30000 elements"),
        (b"<a>" * 100_000, "nested deeper than 64 levels or more than 30000 elements"),
        (b"<a>" + b"<b/>" * 50_000 + b"</a>", "nested deeper than 64 levels or more than 30000 elements"),
        (b"<a><b></a></b>", "not XML: mismatched tag: line 1, column 8"),
        (b"<a/><a/>", "not XML: junk after document element: line 1, column 4"),
        (b'{"a": 1}', "not XML: not well-formed (invalid token): line 1, column 0"),
        (b"<a>&x;</a>", "not XML: undefined entity: line 1, column 3"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_wrong_with_xml_is_said(body: bytes, problem: str) -> None:
    assert decode_xml(body).problems == (problem,)


def test_a_billion_laughs_are_not_told() -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    clock = time.monotonic()
    decoded = decode_xml(f'<!DOCTYPE a [<!ENTITY l0 "ha">{entities}]><a>&l9;</a>'.encode())
    assert (decoded.value, decoded.problems) == (None, ("has a document type",))
    assert time.monotonic() - clock < 0.5
