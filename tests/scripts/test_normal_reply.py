"""The normal form of replies: what differs from run to run is equal, and every other difference is found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kms_conformance.apps.replay.script.normal import differences, normal, normal_reply
from kms_conformance.apps.replay.script.runtime import AGAIN, Reproduction
from kms_conformance.apps.replay.script.signing import sign_token

AT = 1_796_000_000.0
WEEK = 7 * 86400
KEY, OTHER = "0d0466b0-e727-4d9c-b35d-f84bb474a37f", "1d0466b0-e727-4d9c-b35d-f84bb474a37f"


def body(value: Any, key: str = KEY, at: float = AT) -> Any:
    return normal(value, {key: "key_1"}, at)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"KeyId": KEY}, {"KeyId": OTHER}),
        ({"Arn": f"arn:aws:kms:r:1:key/{KEY}"}, {"Arn": f"arn:aws:kms:r:1:key/{OTHER}"}),
        ({"date": AT + WEEK}, {"date": AT + 500 + WEEK}),
        ({"date": str(int(AT + WEEK) * 1000)}, {"date": str(int(AT + 500 + WEEK) * 1000)}),
        ({"date": "2026-11-30T00:00:00Z"}, {"date": "2026-11-29T10:00:00Z"}),
        ({"message": "one"}, {"message": "another"}),
        (
            {"Keys": [{"KeyId": KEY}, {"KeyId": "a" * 30 + "1"}]},
            {"Keys": [{"KeyId": "b" * 31 + "2"}, {"KeyId": OTHER}]},
        ),
        ({"total": 4}, {"total": 9}),
        ({"Ciphertext": "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA=="}, {"Ciphertext": "YW5vdGhlcg5tYXJvMTIzNDU2Nzg5MA=="}),
    ],
)
def test_what_differs_from_run_to_run_is_equal(then: Any, now: Any) -> None:
    assert differences(body(then), body(now, OTHER, AT + 500)) == []


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"KeyId": KEY}, {"KeyId": "2d0466b0-e727-4d9c-b35d-f84bb474a37f"}),
        ({"KeyState": "PendingDeletion"}, {"KeyState": "Disabled"}),
        ({"date": AT + WEEK}, {"date": AT + WEEK + 3600}),
        ({"date": AT + WEEK}, {"date": AT - WEEK}),
        ({"date": AT + WEEK}, {"date": (AT + WEEK) * 1000}),
        ({"date": AT + WEEK}, {"date": str(int(AT + WEEK))}),
        ({"date": "2027-11-30T00:00:00Z"}, {"date": "2027-11-30T00:00:00"}),
        ({"key_state": "4"}, {"key_state": 4}),
        ({"Enabled": False}, {"Enabled": 0}),
        ({"a": None}, {}),
        ({"Keys": []}, {"Keys": [{"KeyId": KEY}]}),
        ({"Description": "a"}, {"Description": "b"}),
        ({"number": 1.5}, {"number": 2.5}),
        ({"RequestId": "a"}, {"requestId": "b"}),
        ({"number": float("nan")}, {"number": 1.0}),
        ({"Keys": [{"KeyId": KEY, "State": "2"}]}, {"Keys": [{"KeyId": KEY, "State": "4"}]}),
    ],
)
def test_every_other_difference_is_found(then: Any, now: Any) -> None:
    assert differences(body(then), body(now)) != []


def reply(request_id: str, seen: set[str], **changes: Any) -> dict[str, Any]:
    headers = [("Content-Type", "application/json; charset=utf-8"), ("x-amzn-RequestId", request_id)]
    given = {"status": 200, "headers": headers if request_id else headers[:1], "body": b"{}"} | changes
    return normal_reply(given["status"], given["headers"], given["body"], {}, AT, seen)


def test_status_content_type_and_request_id_count() -> None:
    then = reply("a", set())
    assert differences(then, reply("b", set())) == []
    assert differences(then, reply("b", set(), status=400)) != []
    assert (
        differences(then, reply("b", set(), headers=[("Content-Type", "text/plain"), ("x-amzn-RequestId", "b")])) != []
    )
    assert differences(then, reply("", set())) == ['request id: "new" in the run, "missing" now']
    assert differences(then, reply("a", {"a"})) == ['request id: "new" in the run, "seen before" now']


def test_what_is_hidden_in_a_recording_is_not_compared() -> None:
    assert differences(body({"Plaintext": "[redacted:PLAINTEXT]"}), body({"Plaintext": "text"})) == []
    assert differences(body({"Plaintext": "[redacted:PLAINTEXT]"}), body({"Plaintext": 1})) != []
    assert differences(body({"Plaintext": "[redacted:PLAINTEXT]"}), body({})) != []


def test_a_deep_value_is_no_error() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep}
    assert differences(body(deep), body(deep)) == []


def test_xml_and_other_texts_are_compared() -> None:
    xml = [("Content-Type", "text/xml")]
    text = "<Error><RequestId>{}</RequestId><Code>{}</Code></Error>"
    forms = [
        normal_reply(400, xml, text.format(ident, code).encode(), {}, AT, set())
        for ident, code in (("1", "A"), ("2", "A"), ("3", "B"))
    ]
    assert differences(forms[0], forms[1]) == []
    assert differences(forms[0], forms[2]) == ['body.xml.Code: "A" in the run, "B" now']
    assert normal_reply(200, xml, b"<broken", {}, AT, set())["body"] == "<broken"


def test_a_normal_form_is_a_python_literal() -> None:
    form = body({"a": [1.5, None, True, {"b": KEY}], "date": AT + WEEK})
    assert json.loads(json.dumps(form)) == form


def test_the_reply_to_a_creation_is_compared_by_the_id_that_it_gives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["reproduce.py"])
    step = {"name": "CreateKey", "method": "POST", "url": "{{base}}/", "headers": [], "body": "", "signed": False}
    reply = {"status": 200, "type": "", "request id": "missing", "body": {"KeyId": "<key_1>"}}
    step |= {"takes": {"key_1": ["**", "KeyId"]}, "reply": reply}
    plan = {"base_url": "http://h", "fresh": {}, "pause": 0, "steps": [step], "expected": "", "received": ""}

    class Answering(Reproduction):
        def exchange(self, *_: object) -> tuple[int, list[tuple[str, str]], bytes]:
            return 200, [], b'{"KeyId": "11111111-2222-3333-4444-555555555555"}'

    assert Answering(plan, sign_token).steps() == AGAIN
    assert "SEEN AGAIN" in capsys.readouterr().out
