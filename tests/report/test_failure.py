from __future__ import annotations

import pytest
import sample_runs as samples

from kms_conformance.apps.replay import side_by_side
from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.judge import Judgement
from kms_conformance.report.text.exchange import asked, record_of, view
from kms_conformance.report.text.failure import WIDTH, render
from kms_conformance.wire.exchange_log import Body

CATALOGUE = Catalogue.load("huawei")
REQUIREMENT = CATALOGUE["cancel.not-pending.enabled"]
REPLY = '{"key_id": "0d04", "key_state": "3"}'
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_an_exchange_shows_the_header_by_which_its_log_line_is_found() -> None:
    headers = (("X-Auth-Token", "[redacted:OTC_TOKEN]"), ("traceparent", TRACE), ("tracestate", "kms-conformance=a::b"))
    record = samples.record(14, request_headers=headers)
    shown = view(record, 100)
    assert shown.trace == TRACE
    text = render(failure(), REQUIREMENT, [record])
    assert f"    > traceparent: {TRACE}" in text
    assert f"traceparent {TRACE}" in " ".join(text.split("next step:")[1].split())
    rows = {row.name: (row.then, row.now) for row in side_by_side.rows(record, samples.record(15))}
    assert rows["traceparent"] == (TRACE, "-")


def failure(*exchanges: int, received: str = "200, empty body", expected: str = "400 KMS.1501") -> Judgement:
    return Judgement(REQUIREMENT.id, False, expected, received, exchanges or (14,))


def test_a_failure_is_told_to_a_stranger() -> None:
    text = render(failure(), REQUIREMENT, [samples.record(13), samples.record(14, reply=REPLY)])
    assert text.split("\n") == [
        "cancel.not-pending.enabled · MUST",
        "  Cancelling on an enabled key is refused with 400 KMS.1501 and changes nothing.",
        "  source  Huawei Cloud / Open Telekom Cloud, “Canceling the Scheduled Deletion of a CMK” · Function",
        "          · sentence 2",
        "          https://support.huaweicloud.com/intl/en-us/ally-visitor-1-api-dew/dew_02_0016.html",
        "          Open Telekom Cloud, “Error codes of the Key Management Service” · KMS.1501",
        "          https://docs.otc.t-systems.com/en-us/api/kms/kms_02_8887.html",
        "",
        "  expected  400 KMS.1501",
        "  received  200, empty body",
        "",
        "  exchange 14 · CancelKeyDeletion · 2026-01-15T09:30:15.123+00:00 · 12 ms",
        f"    > POST https://kms.eu-de.otc.example.com/v1.0/{'0' * 32}/kms/cancel-key-deletion",
        "    > Content-Type: application/json",
        "    > X-Auth-Token: [redacted:OTC_TOKEN]",
        "    >",
        f'    > {{"key_id": "{samples.KEY}"}}',
        "    |",
        "    < 200 OK",
        "    < Content-Type: application/json",
        "    < X-Request-Id: 4c2f9a010014",
        "    <",
        f"    < {REPLY}",
        "  reproduce:",
        *[line for line in text.split("\n") if "curl -sS" in line],
        "    (Set $OTC_TOKEN first: secrets are replaced by variables.)",
        "",
        "  next step: Check how the cancel operation reads the key's state, and which state it writes. In the",
        "    log: request 4c2f9a010014, 2026-01-15T09:30:15.123+00:00.",
    ]


def test_only_addresses_and_curl_lines_are_wider_than_the_page() -> None:
    record = samples.record(14, reply="word " * 500)
    for width in (80, WIDTH, 120):
        text = render(failure(received="x" * 500, expected="many words " * 50), REQUIREMENT, [record], width=width)
        wide = [line for line in text.split("\n") if len(line) > width]
        assert all("https://" in line for line in wide)


def test_what_came_cannot_move_the_cursor_or_hide() -> None:
    evil = "\x1b[2J\x1b]0;title\x07\r\x9b31m\u202e\u2066\u200b\ufeff\ud800\x00"
    record = samples.record(14, 400, evil, reply_headers=(("Content-Type", evil),), reason=evil)
    text = render(failure(received=evil, expected=evil), REQUIREMENT, [record])
    assert all(character == "\n" or character.isprintable() for character in text)
    assert "received  \\x1b[2J\\x1b]0;title\\x07\\x0d\\x9b31m\\u202e\\u2066\\u200b\\ufeff\\ud800\\x00" in text


def test_a_large_body_is_capped_and_says_so() -> None:
    text = render(failure(), REQUIREMENT, [samples.record(14, reply="x" * 100_000)])
    assert len(text) < 5000
    assert "(98,800 characters are not shown.)" in text


def test_a_body_that_was_cut_when_it_was_recorded_says_so() -> None:
    record = samples.record(14, reply_body=Body("x" * 10, cut=True))
    assert "(more characters are not shown.)" in render(failure(), REQUIREMENT, [record])
    record = samples.record(14, reply_body=Body("ÿ" * 10, "latin-1"))
    assert "(Not UTF-8: one character per byte.)" in render(failure(), REQUIREMENT, [record])


def test_of_many_exchanges_the_first_and_the_last_are_shown() -> None:
    text = render(failure(*range(1, 41)), REQUIREMENT, [samples.record(number) for number in range(1, 41)])
    assert [number for number in range(1, 41) if f"  exchange {number} ·" in text] == [1, 38, 39, 40]
    assert "(36 exchanges between are in results.json)" in text


def test_a_request_without_a_reply_says_why() -> None:
    text = render(failure(), REQUIREMENT, [samples.record(14, None)])
    assert "    < no reply (timeout: no whole reply in time)" in text
    assert "next step: Check why the endpoint did not reply" in text


def test_an_internal_error_points_to_the_log() -> None:
    text = render(failure(), REQUIREMENT, [samples.record(14, 500, "oops")])
    assert "next step: Read the endpoint's log: the endpoint had an internal error." in text


def test_a_status_that_no_document_has_for_what_is_not_implemented_is_answered_with_what_to_do() -> None:
    text = " ".join(render(failure(), REQUIREMENT, [samples.record(14, 501, "<html>")]).split())
    assert "next step: No document has the status 501. Serve the operation, or refuse it as an unknown one" in text
    assert "name it in `lacks` of a profile of your own" in text


def test_a_request_is_told_in_one_line_without_what_differs_in_every_run() -> None:
    url = "https://h/a%20b/?Action=Decrypt&Signature=x&Timestamp=2026&SignatureNonce=1&KeyId=k"
    assert asked(samples.record(14, url=url, request_body=Body('{"a":\n 1}'))) == (
        'POST /a%20b/?Action=Decrypt&KeyId=k {"a": 1}'
    )
    arn = "arn:aws:kms:eu-central-1:111122223333:key/0d0466b0-e727-4d9c-b35d-f84bb474a37f"
    body = f'{{"CiphertextBlob": "{"AQ/+" * 50}==", "KeyId": "{arn}"}}'
    assert asked(samples.record(14, url="https://h/", request_body=Body(body))) == (
        f'POST / {{"CiphertextBlob": "{"AQ/+" * 10}…", "KeyId": "{arn}"}}'
    )


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ("cancel.key-id.missing", "next step: Check the validation of the key id"),
        ("auth.tampered", "see the profiles of the dialect: docs/certify-your-emulator.md#the-profiles."),
    ],
)
def test_the_next_step_is_that_of_the_narrowest_kind(requirement: str, told: str) -> None:
    assert told in " ".join(render(Judgement(as_id(requirement), False, "a", "b"), None, []).split())


def test_a_key_that_is_not_known_by_its_other_name_is_no_matter_of_its_state() -> None:
    judgement = Judgement("pending.every-name", False, "409 Rejected.PendingDeletion", "404 Forbidden.KeyNotFound")
    text = " ".join(render(judgement, None, []).split())
    assert "next step: Check the look-up of the key: every name that the page lists" in text


def test_a_connection_that_was_closed_before_the_request_does_not_hide_one_closed_by_the_request() -> None:
    closed = {"failure": "reset", "failure_text": "the connection was closed"}
    stale = {"failure": "stale", "failure_text": "a connection that had served before was closed"}
    records = [samples.record(14, None, **closed), samples.record(15, None, **stale)]
    text = " ".join(render(failure(14, 15), REQUIREMENT, records).split())
    assert "next step: Check whether the endpoint's process ended at this time, or an exception" in text
    assert "next step: Check whether the endpoint, or a proxy before it" in " ".join(
        render(failure(15), REQUIREMENT, records).split()
    )


def test_a_note_of_the_check_is_kept_apart_from_the_next_step() -> None:
    judgement = Judgement(REQUIREMENT.id, False, "a", "b", (), "Days are 24 hours.")
    text = render(judgement, REQUIREMENT, [])
    assert "  note      Days are 24 hours." in text
    assert "exchange" not in text
    assert "next step: Check how the cancel operation" in text


def test_an_unknown_requirement_and_a_missing_record_are_no_obstacle() -> None:
    text = render(Judgement("new.one", False, "a", "", (7,)), None, [])
    assert "new.one\n  Not in the catalogue of this version" in text
    assert "received  nothing" in text


def test_every_requirement_has_a_place_to_look_at() -> None:
    default = "The part of the endpoint that serves this request"
    for dialect in ("huawei", "alibaba"):
        for requirement in Catalogue.load(dialect):
            text = render(Judgement(requirement.id, False, "a", "b"), requirement, [])
            assert requirement.id.endswith(".reply") or requirement.id.startswith("list.") or default not in text


def test_signatures_are_not_promised_to_work_again() -> None:
    record = samples.record(14, request_headers=(("Authorization", "[redacted:AUTHORIZATION]"),))
    assert "$AUTHORIZATION is valid for one request and a few minutes" in view(record, 100).needs


def test_who_repeats_a_request_with_wrong_credentials_is_not_told_to_sign_it_rightly() -> None:
    record = samples.record(14, request_headers=(("Authorization", "[redacted:AUTHORIZATION]"),))
    judgement = Judgement("auth.tampered", False, "403 APIGW.0301", "200", (14,), "A blank was added behind the body.")
    text = " ".join(render(judgement, CATALOGUE["auth.tampered"], [record]).split())
    assert "note A blank was added behind the body." in text
    assert "sign the request again" not in text
    assert "(The credentials of this request are wrong on purpose, as the note says," in text


def test_a_request_id_in_the_body_is_found() -> None:
    for body in ('{"RequestId": "3da5b8cc"}', "<Error><RequestId>3da5b8cc</RequestId></Error>"):
        assert view(samples.record(14, reply=body, reply_headers=()), 100).request_id == "3da5b8cc"


def test_a_request_that_http_cannot_carry_has_no_curl_line() -> None:
    record = samples.record(14, None, request_headers=(("X", "€"),), failure="unsendable")
    assert view(record, 100).curl.startswith("#")


def test_records_come_back_as_they_were() -> None:
    raw = samples.record(14, reply=REPLY)
    assert record_of(raw).as_json() == raw
