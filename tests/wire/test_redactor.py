from __future__ import annotations

import base64
import hashlib
import json
import re
import string
import time
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kms_conformance.wire.messages import Reply, Request
from kms_conformance.wire.secrets.redactor import Redactor

SECRET = 'p4/s+s w"ö\\rd&<%41>'
LABELS = {SECRET: "KMS_PASSWORD"}


def json_escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


DISGUISES = {
    "plain": SECRET,
    "percent": quote(SECRET, safe=""),
    "percent, lower case": re.sub("%..", lambda found: found[0].lower(), quote(SECRET, safe="")),
    "percent, with safe characters": quote(SECRET),
    "percent, every character": "".join(f"%{byte:02X}" for byte in SECRET.encode()),
    "percent, twice": quote(quote(SECRET, safe=""), safe=""),
    "form": quote_plus(SECRET),
    "json": json_escaped(SECRET),
    "json, unescaped unicode": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "json, escaped slash": json_escaped(SECRET).replace("/", "\\/"),
    "json, twice": json_escaped(json_escaped(SECRET)),
    "python": repr(SECRET + "'")[1:-3],
    "json of percent": json_escaped(quote(SECRET)),
    "xml": escape(SECRET),
    "xml, numbers": "".join(f"&#{ord(character)};" for character in SECRET),
    "xml, hex numbers": "".join(f"&#x{ord(character):x};" for character in SECRET),
    "hex": SECRET.encode().hex(),
    "HEX": SECRET.encode().hex().upper(),
    **{
        f"base64 after {before} bytes": base64.b64encode(b"A" * before + SECRET.encode() + b"xyz").decode()
        for before in range(4)
    },
    "base64, url-safe": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "base64, percent": quote(base64.b64encode(SECRET.encode()).decode(), safe=""),
    "base64, json": base64.b64encode(SECRET.encode()).decode().replace("/", "\\/"),
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_a_secret_is_found_in_every_disguise(disguise: str, request: pytest.FixtureRequest) -> None:
    redacted = Redactor([SECRET], LABELS).text(f"before {disguise} after")
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")
    assert "[redacted:KMS_PASSWORD]" in redacted
    # Of base64 the characters at the rims stay: they are made of other bytes as well.
    rest = redacted[7:-6].replace("[redacted:KMS_PASSWORD]", "")
    assert len(rest) <= (12 if "base64" in request.node.name else 0)


LONG = "q7Zr2Lw9-Xk4Tn8Vb1Yc6/Hd3Jf5+Ms0Pg"
HALF = len(LONG) // 2
BASE64 = base64.b64encode(LONG.encode()).decode()
NOT_SEARCHED = {
    "percent, three times": quote(quote(quote(LONG, safe=""), safe=""), safe=""),
    "json, three times": json_escaped(json_escaped(json_escaped(LONG.replace("/", '"')))),
    "in halves": json.dumps({"a": LONG[:HALF], "b": LONG[HALF:]}),
    # The key ends with the letter that the first half ends with.
    "in halves, the first of which seems to go on": json.dumps({"first": LONG[:HALF], "xTn8Vb": LONG[HALF:]}),
    "in halves, base64": json.dumps({"a": BASE64[: len(BASE64) // 2], "b": BASE64[len(BASE64) // 2 :]}),
    "in lines of 8": "\n".join(re.findall(".{1,8}", LONG)),
    "in lines of 8, in JSON": json.dumps("\r\n".join(re.findall(".{1,8}", LONG))),
    "base64 in lines of 8": "\n".join(re.findall(".{1,8}", BASE64)),
    "base64 of base64": base64.b64encode(BASE64.encode()).decode(),
    "letter by letter": json.dumps(list(LONG)),
    "hex with colons": ":".join(re.findall("..", LONG.encode().hex())),
    "HEX with blanks": " ".join(re.findall("..", LONG.encode().hex().upper())),
}


@pytest.mark.parametrize("text", NOT_SEARCHED.values(), ids=NOT_SEARCHED)
def test_of_a_text_that_holds_no_whole_value_nothing_is_lost(text: str) -> None:
    redactor = Redactor([LONG, LONG.replace("/", '"')], {LONG: "KEY"})
    assert redactor.text(f"before {text} after") == f"before {text} after"


@settings(deadline=None, database=None)
@given(
    st.text("abdefst019/+%&<\\\"' é", min_size=8, max_size=40),
    st.sampled_from(["raw", "percent", "form", "hex", "base64", "within", "list", "halves"]),
    st.text("abdefst019", max_size=3),
)
def test_a_document_is_the_same_but_for_the_values_that_hold_a_secret(secret: str, form: str, key: str) -> None:
    encoded = base64.b64encode(b"x" * len(key) + secret.encode() + b"yz").decode()
    half = len(secret) // 2
    said = {
        "raw": [secret],
        "percent": [quote(secret, safe="")],
        "form": [quote_plus(secret)],
        "hex": [secret.encode().hex()],
        "base64": [base64.b64encode(secret.encode()).decode()],
        "within": [encoded],
        "list": list(secret),
        "halves": [secret[:half], secret[half:]],
    }[form]
    document = {"first": said[0], key: said[1:], "n": 1, "é": [True, None, "done\n"]}
    for ascii_only in (True, False):
        text = json.dumps(document, ensure_ascii=ascii_only)
        redacted = json.loads(Redactor([secret]).text(text))
        assert {name: value for name, value in redacted.items() if name not in {"first", key}} == {
            name: value for name, value in document.items() if name not in {"first", key}
        }
        assert len(redacted[key]) == len(said) - 1
        if form in {"list", "halves"}:
            assert redacted == document
        else:
            assert "[redacted:SECRET]" in redacted["first"]


def test_what_only_looks_a_little_like_a_secret_stays() -> None:
    assert Redactor([LONG]).text("q7Zr2Lw9-Xk4 is not it") == "q7Zr2Lw9-Xk4 is not it"


def test_bytes_that_are_no_text_keep_all_but_the_secret() -> None:
    redacted = Redactor([SECRET]).data(b"\xff\xfe\x00" + SECRET.encode() + b"\x80")
    assert redacted == b"\xff\xfe\x00[redacted:SECRET]\x80"


def test_a_secret_whose_bytes_were_read_as_latin_1_is_found() -> None:
    """Headers and reason phrases are read so."""
    redactor = Redactor(["pässwört-Zq81kLm"])
    misread = "pässwört-Zq81kLm".encode().decode("latin-1")
    reply = Reply(400, f"No {misread}", (("X-Echo", misread),), b"", 0.1)
    found = redactor.reply(reply)
    assert (found.reason, found.headers) == ("No [redacted:SECRET]", (("X-Echo", "[redacted:SECRET]"),))


@pytest.mark.parametrize(
    "said",
    ['the parameter Signature="abc" is wrong', 'you sent "Signature=abc"', "Signature=abc", 'Signature="a\\b"'],
)
def test_a_document_that_quotes_a_secret_parameter_stays_a_document(said: str) -> None:
    reply = Reply(400, "Bad", (), json.dumps({"Message": said}).encode(), 0.1)
    assert json.loads(Redactor([]).reply(reply).body).keys() == {"Message"}


def test_overlapping_secrets_leave_nothing() -> None:
    assert Redactor(["abcdef", "defghi", "aaaa"]).text("1abcdefghi2aaaaaaa3") == "1[redacted:SECRET]2[redacted:SECRET]3"


def test_short_secrets_are_not_searched_and_counted() -> None:
    redactor = Redactor(["abc", "", "abcd"])
    assert redactor.text("abc abcd") == "abc [redacted:SECRET]"
    assert redactor.too_short == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/?Signature=a%2Bb%3D&KeyId=k", "/?Signature=[redacted:SIGNATURE]&KeyId=k"),
        ("/?A=1&signature=x", "/?A=1&signature=[redacted:SIGNATURE]"),
        ("/?SignatureMethod=HMAC-SHA1&SignatureNonce=1", "/?SignatureMethod=HMAC-SHA1&SignatureNonce=1"),
        (
            "/?AccessKeyId=LTAI&SecurityToken=x#",
            "/?AccessKeyId=[redacted:ACCESSKEYID]&SecurityToken=[redacted:SECURITYTOKEN]#",
        ),
        ('{"Plaintext": "aGk=", "KeyId": "k"}', '{"Plaintext": "[redacted:PLAINTEXT]", "KeyId": "k"}'),
        ('{"plain_text":"a\\"b\\\\"}', '{"plain_text":"[redacted:PLAIN_TEXT]"}'),
        ('"{\\"Plaintext\\":\\"aGk=\\"}"', '"{\\"Plaintext\\":\\"[redacted:PLAINTEXT]\\"}"'),
        ("<Plaintext>aGk=</Plaintext>", "<Plaintext>[redacted:PLAINTEXT]</Plaintext>"),
        ("GET /\r\nX-Auth-Token: abc\r\nHost: h", "GET /\r\nX-Auth-Token: [redacted:X_AUTH_TOKEN]\r\nHost: h"),
        ("Signature=", "Signature="),
    ],
)
def test_values_go_by_the_name_before_them(text: str, expected: str) -> None:
    assert Redactor([]).text(text) == expected


def test_a_request_loses_secrets_in_all_its_parts_and_keeps_its_plaintext() -> None:
    request = Request(
        "POST",
        f"https://h/{quote(SECRET)}?Signature=abc&Plaintext=aGVsbG8%3D",
        (("authorization", "SDK-HMAC-SHA256 Access=A"), ("X-Auth-Token", "t"), ("Cookie", ""), ("X-Other", SECRET)),
        json.dumps({"plain_text": "hello", "x": SECRET}).encode(),
    )
    assert Redactor([SECRET], LABELS).request(request) == Request(
        "POST",
        "https://h/[redacted:KMS_PASSWORD]?Signature=[redacted:SIGNATURE]&Plaintext=aGVsbG8%3D",
        (
            ("authorization", "[redacted:AUTHORIZATION]"),
            ("X-Auth-Token", "[redacted:X_AUTH_TOKEN]"),
            ("Cookie", ""),
            ("X-Other", "[redacted:KMS_PASSWORD]"),
        ),
        b'{"plain_text": "hello", "x": "[redacted:KMS_PASSWORD]"}',
    )


def test_a_reply_loses_secrets_in_all_its_parts() -> None:
    reply = Reply(
        200, f"OK {SECRET}", (("Set-Cookie", "s"), ("X-Subject-Token", "t"), ("A", SECRET)), b"<Plaintext>x<", 0.1
    )
    redacted = Redactor([SECRET]).reply(reply)
    assert (redacted.reason, redacted.body) == ("OK [redacted:SECRET]", b"<Plaintext>[redacted:PLAINTEXT]<")
    assert [value for _, value in redacted.headers] == [
        "[redacted:SET_COOKIE]",
        "[redacted:X_SUBJECT_TOKEN]",
        "[redacted:SECRET]",
    ]


def test_a_token_that_was_fetched_is_known_once_it_was_sent() -> None:
    redactor, token = Redactor([]), "gAAAA-" + "x" * 100
    redactor.request(Request("GET", "https://h/", (("x-auth-token", token), ("X-Security-Token", "short"))))
    assert redactor.text(f"you sent {quote(token)}, short") == "you sent [redacted:TOKEN], short"


def test_what_is_secret_for_one_exchange_is_known_once_it_was_made() -> None:
    """Whatever is said of an exchange before its record is asked for."""
    signature, data_key = "c2lnbmF0dXJlLW9mLW9uZQ==", "cGxhaW4tb2YtYS1kYXRhLWtleS0xMjM0NTY3OA=="
    redactor = Redactor([])
    asked = Request(
        "POST", f"https://h/?Signature={quote(signature, safe='')}", (("Authorization", "A Signature=0123abcd"),)
    )
    reply = Reply(200, "OK", (("X-Subject-Token", "fetched" * 5),), json.dumps({"Plaintext": data_key}).encode(), 0.1)
    redactor.learn(asked, reply)
    for secret in (signature, "0123abcd", "fetched" * 5, data_key):
        assert secret not in redactor.text(f"the server said {secret!r}")


def test_what_a_fuzzer_sends_as_tokens_does_not_pile_up() -> None:
    redactor = Redactor([])
    tokens = [hashlib.sha256(bytes([number])).hexdigest() for number in range(20)]
    for token in tokens:
        redactor.request(Request("GET", "https://h/", (("X-Auth-Token", token),)))
    assert redactor.text(f"{tokens[19]} {tokens[3]}") == f"[redacted:TOKEN] {tokens[3]}"


def test_a_mark_that_an_endpoint_writes_protects_nothing() -> None:
    assert SECRET not in Redactor([SECRET], LABELS).text(f"[redacted:KMS_PASSWORD]{SECRET}[redacted:{SECRET}]")


pieces = st.one_of(
    st.sampled_from(
        [*DISGUISES.values(), "Signature=", "[redacted:", "SECRET]", "redacted", "]", '"plain_text":"', "\\", "%", "="]
    ),
    st.text(max_size=5),
)
secrets = st.lists(st.one_of(st.sampled_from([SECRET, "redacted", "SECRET", "]xyz"]), st.text(min_size=1)), max_size=4)


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(pieces, max_size=8).map("".join), secrets)
def test_twice_is_once_and_no_secret_is_left(text: str, values: list[str]) -> None:
    redactor = Redactor(values)
    once = redactor.text(text)
    assert redactor.text(once) == once
    outside = re.sub(r"\[redacted:[A-Z_]+\]", "\0", once)
    assert not [value for value in values if len(value) >= 4 and "\0" not in value and value in outside]


@settings(max_examples=100, deadline=None, database=None)
@given(st.binary(max_size=60))
def test_any_bytes_pass(data: bytes) -> None:
    assert SECRET.encode() not in Redactor([SECRET]).data(data + SECRET.encode() + data)


@pytest.mark.parametrize(
    "piece",
    [
        b"\\",
        b'"',
        b'\\"',
        b"%25",
        b"%",
        b'"Plaintext":"',
        b'\\"Plaintext\\":\\"\\',
        b"Signature=",
        b"&#37;",
        b"<Plaintext>",
        b"\\u0025",
        b"X-Auth-Token: ",
    ],
)
def test_a_body_that_is_made_to_take_long_does_not(piece: bytes) -> None:
    redactor = Redactor([SECRET, string.ascii_letters])
    clock = time.thread_time()
    redactor.data(piece * (200_000 // len(piece)))
    assert time.thread_time() - clock < 1.5


LONE = "\ud800"


def test_text_that_is_no_unicode_loses_its_secrets_and_nothing_else() -> None:
    redactor = Redactor([SECRET, f"{LONE}secret"])
    assert redactor.text(f"{LONE} {SECRET} {LONE}secret") == f"{LONE} [redacted:SECRET] [redacted:SECRET]"
    clean = Request("GET", f"https://h/{LONE}", (("X-A", LONE),))
    assert redactor.request(clean) == clean
    request = Request("GET", f"https://h/{LONE}", (("X-A", f"{LONE}{SECRET}"), (f"X-{LONE}", "b")))
    assert redactor.request(request).headers == (("X-A", f"{LONE}[redacted:SECRET]"), (f"X-{LONE}", "b"))
    reply = Reply(200, LONE, (("X-A", LONE),), b"", 0.1)
    assert redactor.reply(reply) == reply


def test_what_is_clean_stays_as_it_is() -> None:
    request = Request("POST", "https://h/?KeyId=k", (("Accept", "*/*"), ("X-A", "1")), b"\xff{}")
    reply = Reply(200, "OK", (("Content-Type", "text/plain"), ("X-A", "")), b"\xffabc", 0.1)
    redactor = Redactor([SECRET])
    assert (redactor.request(request), redactor.reply(reply)) == (request, reply)


def test_a_secret_goes_from_the_method_and_from_the_name_of_a_header() -> None:
    request = Request("abcd", "https://h/", (("X-abcd", "v"), ("Accept", "*/*")))
    assert Redactor(["abcd"], {"abcd": "my.name"}).request(request) == Request(
        "[redacted:MY_NAME]", "https://h/", (("X-[redacted:MY_NAME]", "v"), ("Accept", "*/*"))
    )


def test_credentials_in_headers_go_whatever_else_stands_there() -> None:
    headers = (("cookie", "c"), ("X-SUBJECT-TOKEN", "t"), ("x-acs-security-token", "s"), ("Set-Cookie", ""))
    hidden = [
        ("cookie", "[redacted:COOKIE]"),
        ("X-SUBJECT-TOKEN", "[redacted:X_SUBJECT_TOKEN]"),
        ("x-acs-security-token", "[redacted:X_ACS_SECURITY_TOKEN]"),
        ("Set-Cookie", ""),
    ]
    for other, shown in (("x", "x"), ("abcd", "[redacted:SECRET]")):
        reply = Redactor(["abcd"]).reply(Reply(200, "", (*headers, ("X-A", other)), b"", 0.1))
        assert list(reply.headers) == [*hidden, ("X-A", shown)]


def sent(redactor: Redactor, *tokens: str) -> None:
    for token in tokens:
        redactor.request(Request("GET", "https://h/", (("X-Auth-Token", token),)))


def test_tokens_are_known_from_sixteen_characters_on() -> None:
    redactor = Redactor([])
    sent(redactor, "a" * 16, "b" * 15)
    assert redactor.text(f"{'a' * 16} {'b' * 15}") == f"[redacted:TOKEN] {'b' * 15}"


def test_the_last_sixteen_tokens_are_known_and_one_that_is_sent_again_is_not_counted_twice() -> None:
    redactor, tokens = Redactor([]), [hashlib.sha256(bytes([number])).hexdigest() for number in range(17)]
    sent(redactor, tokens[0], *tokens[:16], tokens[3])
    assert redactor.text(" ".join(tokens[:16])) == " ".join(["[redacted:TOKEN]"] * 16)
    sent(redactor, tokens[16])
    assert redactor.text(" ".join(tokens)) == f"{tokens[0]} " + " ".join(["[redacted:TOKEN]"] * 16)


def test_a_secret_that_is_sent_as_a_token_keeps_its_name() -> None:
    redactor = Redactor(["s" * 20], {"s" * 20: "KMS_TOKEN"})
    sent(redactor, "s" * 20)
    assert redactor.text("s" * 20) == "[redacted:KMS_TOKEN]"


@pytest.mark.parametrize("name", ["X-Auth-Token", "X-Security-Token", "x-acs-security-token"])
def test_tokens_are_learnt_from_each_header_by_which_they_travel(name: str) -> None:
    redactor = Redactor([])
    redactor.request(Request("GET", "https://h/", ((name, "t" * 20),)))
    redactor.request(Request("GET", "https://h/", (("X-Other", "u" * 20),)))
    assert redactor.text(f"{'t' * 20} {'u' * 20}") == f"[redacted:TOKEN] {'u' * 20}"


def test_secrets_side_by_side_keep_a_mark_each_and_overlapping_ones_bear_the_first_one_s() -> None:
    redactor = Redactor(["abcd", "efgh", "cdef"], {"abcd": "one", "efgh": "two", "cdef": "three"})
    assert redactor.text("abcdefgh") == "[redacted:ONE]"
    assert redactor.text("abcd,efgh") == "[redacted:ONE],[redacted:TWO]"
    assert redactor.text("efghabcd") == "[redacted:TWO][redacted:ONE]"
    assert Redactor(["abcdef", "abcd"], {"abcdef": "long", "abcd": "short"}).text("abcdef.") == "[redacted:LONG]."


def test_a_secret_with_a_blank_goes_from_a_form_whether_it_was_given_or_sent() -> None:
    assert Redactor(["my secret"]).text("q=my+secret&x=1+2") == "q=[redacted:SECRET]&x=1+2"
    redactor = Redactor([])
    sent(redactor, "a token with blanks")
    assert redactor.text("q=a+token+with+blanks") == "q=[redacted:TOKEN]"


def test_what_is_already_redacted_is_not_redacted_again() -> None:
    redactor = Redactor(["redacted", "SECRET"])
    for text in ("[redacted:SECRET]", "Signature=[redacted:SIGNATURE]&a", "X-Auth-Token: [redacted:X_AUTH_TOKEN]"):
        assert redactor.text(text) == text
    assert redactor.text("redacted [redacted:SECRET] SECRET") == "[redacted:SECRET] [redacted:SECRET] [redacted:SECRET]"
    assert redactor.text("Signature=[redacted:SIGNATURE]more&a") == "Signature=[redacted:SIGNATURE]&a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("xSignature=abc", "xSignature=abc"),
        ("_Signature=abc", "_Signature=abc"),
        ("-SIGNATURE=abc'", "-SIGNATURE=[redacted:SIGNATURE]'"),
        ('"signature" : "a b&c"', '"signature" : "[redacted:SIGNATURE]"'),
        ('{\\"Signature\\" : \\"a b\\"}', '{\\"Signature\\" : \\"[redacted:SIGNATURE]\\"}'),
        ("<SecurityToken>a b</SecurityToken>", "<SecurityToken>[redacted:SECURITYTOKEN]</SecurityToken>"),
        ("x-auth-token:\t abc d\r\nnext", "x-auth-token:\t [redacted:X_AUTH_TOKEN]\r\nnext"),
        ("not X-Auth-Token: abc", "not X-Auth-Token: abc"),
        ("Set-Cookie: a\nCookie: b", "Set-Cookie: [redacted:SET_COOKIE]\nCookie: [redacted:COOKIE]"),
    ],
)
def test_a_value_is_a_secret_only_by_the_whole_of_its_name(text: str, expected: str) -> None:
    assert Redactor([]).text(text) == expected


def learnt(body: bytes, *headers: tuple[str, str], url: str = "https://h/") -> Redactor:
    redactor = Redactor([])
    redactor.learn(Request("POST", url, headers), Reply(200, "OK", (("X-Subject-Token", "t" * 16),), body, 0.1))
    return redactor


def test_what_an_exchange_shows_is_named_after_what_it_is() -> None:
    redactor = learnt(
        b'{"Plaintext": "%s", "plain_text": "%s"}' % (b"p" * 24, b"q" * 24),
        ("X-Auth-Token", "u" * 16),
        ("Authorization", "Signature=sig-12345, B"),
        url="https://h/?Signature=a%2Bb-1234",
    )
    for text, mark in (
        ("t" * 16, "TOKEN"),
        ("u" * 16, "TOKEN"),
        ("p" * 24, "PLAINTEXT"),
        ("q" * 24, "PLAINTEXT"),
        ("sig-12345", "SIGNATURE"),
        ("a+b-1234", "SIGNATURE"),
    ):
        assert redactor.text(f"<{text}>") == f"<[redacted:{mark}]>"


def test_what_is_too_short_to_be_a_secret_is_not_learnt() -> None:
    redactor = learnt(b'{"Plaintext": "%s"}' % (b"p" * 23), ("Authorization", "Signature=sig-123"))
    assert redactor.text(f"{'p' * 23} sig-123") == f"{'p' * 23} sig-123"


def test_a_plaintext_that_is_no_text_is_no_reason_to_stop() -> None:
    redactor = learnt(b'{"Plaintext": "\xff%s", "plain_text": "%s"}' % (b"p" * 24, b"q" * 24))
    assert redactor.text("q" * 24) == "[redacted:PLAINTEXT]"


@pytest.mark.parametrize("text", ["[redacted:ONE]abcd.", ".abcd[redacted:ONE]", "[redacted:ONE]abcd[redacted:ONE]"])
def test_a_secret_right_beside_a_mark_goes_too(text: str) -> None:
    assert Redactor(["abcd"], {"abcd": "one"}).text(text) == text.replace("abcd", "[redacted:ONE]")


def test_a_value_that_is_a_mark_already_keeps_the_name_that_it_bears() -> None:
    for name in ("ONE", "TOKEN", "PLAINTEXT", "COOKIE"):
        text = f"Signature=[redacted:{name}]&a"
        assert Redactor(["abcd"], {"abcd": "one"}).text(text) == text


def test_a_short_secret_with_a_blank_goes_from_a_form() -> None:
    assert Redactor(["my pin"]).text("q=my+pin&x=1+2") == "q=[redacted:SECRET]&x=1+2"
    assert Redactor(["my pin", "abcd"]).text("q=my+pin") == "q=[redacted:SECRET]"


def test_a_signature_goes_as_a_whole_beside_marks_and_half_of_one_is_nobody_s_secret() -> None:
    redactor = learnt(b"", ("Authorization", "A Signature=0123456789abcdefghij"))
    assert redactor.text("[redacted:TOKEN] 0123456789abcdefghij") == "[redacted:TOKEN] [redacted:SIGNATURE]"
    assert redactor.text("0123456789abcdefghij [redacted:TOKEN]") == "[redacted:SIGNATURE] [redacted:TOKEN]"
    assert redactor.text("0123456789abcdefghij 0123456789abcde") == "[redacted:SIGNATURE] 0123456789abcde"


def test_values_go_from_a_text_that_has_every_name() -> None:
    names = [
        "authorization",
        "x-auth-token",
        "x-subject-token",
        "x-security-token",
        "x-acs-security-token",
        "cookie",
        "set-cookie",
    ]
    parameters = ["Signature", "SecurityToken", "AccessKeyId", "Plaintext", "plain_text"]
    text = "\n".join([f"{name}: value" for name in names] + [f"{name}=value" for name in parameters])
    assert "value" not in Redactor([]).text(text)
