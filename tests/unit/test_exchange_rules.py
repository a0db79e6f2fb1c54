"""What every exchange is judged by: of a good reply everything holds, and each thing wrong is named as itself."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from exchanges import answered, dialect_of

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.answer import Answer
from kms_conformance.client.exchange_rules import ExchangeRules
from kms_conformance.client.judge import Judgement
from kms_conformance.dialects import adapter

ALIBABA = dialect_of("alibaba")
HUAWEI = dialect_of("huawei")
CANCELLED = {"RequestId": "r-1"}
ON_EVERY_REPLY = {"reply.answered", "reply.status", "reply.no-server-error", "reply.content-type", "reply.encoding"}


def judged(answer: Answer, rules: ExchangeRules | None = None) -> list[Judgement]:
    return list((rules or ExchangeRules(ALIBABA)).judge(answer))


def broken(answer: Answer, rules: ExchangeRules | None = None) -> list[tuple[str, str, str]]:
    found = judged(answer, rules)
    return [(each.requirement, each.expected, each.received) for each in found if each.passed is False]


def test_of_a_good_reply_every_requirement_holds_and_cites_its_exchange_alone() -> None:
    answer = answered(ALIBABA, "cancel", 200, CANCELLED, number=7)
    found = judged(answer)
    assert ON_EVERY_REPLY | answer.spec.requirements | {"reply.request-id"} == {each.requirement for each in found}
    assert {(each.passed, each.expected, each.received, each.exchanges) for each in found} == {(True, "", "", (7,))}


@pytest.mark.parametrize("status", [413, 414, 431, 494])
def test_a_request_refused_for_its_size_is_not_judged(status: int) -> None:
    assert judged(answered(ALIBABA, "cancel", status, b"too large", content_type="text/html")) == []


def test_an_undocumented_status_is_named_and_nothing_else_can_be_judged_of_it() -> None:
    answer = answered(ALIBABA, "cancel", 202, CANCELLED)
    documented = ", ".join(map(str, answer.documented))
    assert broken(answer) == [("reply.status", f"one of {documented}", "202")]
    assert {each.requirement for each in judged(answer)} == {"reply.answered", "reply.status", "reply.no-server-error"}


def test_an_internal_error_is_one_whether_or_not_it_is_documented() -> None:
    answer = answered(ALIBABA, "cancel", 500, {"RequestId": "r", "Code": "InternalFailure", "Message": "m"})
    assert ("reply.no-server-error", "no internal error", "500 InternalFailure") in broken(answer)
    assert "reply.no-server-error" not in {
        name for name, _, _ in broken(answered(ALIBABA, "cancel", 503, {"RequestId": "r", "Code": "c", "Message": "m"}))
    }


def test_another_content_type_is_one_finding_and_the_body_is_judged_all_the_same() -> None:
    answer = answered(ALIBABA, "cancel", 200, CANCELLED, content_type="text/plain")
    found = broken(answer)
    assert [name for name, _, _ in found] == ["reply.content-type"]
    assert all(found[0])
    assert "reply.request-id" in {each.requirement for each in judged(answer)}


def test_of_an_unreadable_body_nothing_is_said_but_that_it_is_unreadable() -> None:
    answer = answered(ALIBABA, "cancel", 200, b'{"RequestId": "r", "RequestId": "r"} x')
    assert len(answer.problems) >= 1
    assert broken(answer) == [("reply.encoding", "one well-formed document", "; ".join(answer.problems))]
    assert {each.requirement for each in judged(answer)} == ON_EVERY_REPLY


def test_several_problems_of_encoding_are_one_finding() -> None:
    answer = dataclasses.replace(answered(ALIBABA, "cancel", 200, CANCELLED), problems=("one", "two"))
    assert [received for _, _, received in broken(answer)] == ["one; two"]


def test_a_wrong_body_breaks_what_speaks_of_the_wrong_part_and_leaves_the_rest() -> None:
    key = {"key_id": "k", "key_state": "9", "creation_date": 5}
    answer = answered(HUAWEI, "describe", 200, {"key_info": key})
    found = {each.requirement: each for each in judged(answer, ExchangeRules(HUAWEI))}
    (wrong,) = [found[name] for name in answer.spec.requirements if found[name].passed is False]
    # All that is wrong with one reply is one failure, a line each.
    assert 'key_info/key_state: "9"' in wrong.received.split("\n")
    assert "key_info/creation_date: a string, milliseconds since 1970, 13 digits" in wrong.expected.split("\n")
    assert {"E-H-dates", "E-H-key-states"} <= set(re.findall(r"E-[A-Za-z-]+", wrong.hint))
    assert all(found[name].passed for name in ON_EVERY_REPLY)


def test_a_finding_quotes_no_more_than_a_page_shows() -> None:
    answer = answered(ALIBABA, "cancel", 500, b"x" * 1000)
    assert max(len(received) for _, _, received in broken(answer)) <= 500
    long = dataclasses.replace(answered(ALIBABA, "cancel", 200, CANCELLED), problems=("y" * 900,))
    assert [len(received) for _, _, received in broken(long)] == [500]


def test_a_request_id_may_not_come_twice_be_blank_or_be_missing() -> None:
    rules = ExchangeRules(ALIBABA)
    asked = "an id that no reply had before"
    for request_id, received in (
        ("r-1", None),
        ("r-1", "the same as in an earlier reply"),
        ("r-2", None),
        (" ", "' '"),
        (None, "None"),
        ("", "''"),
        ("", "''"),
    ):
        found = broken(answered(ALIBABA, "cancel", 200, {"RequestId": request_id}), rules)
        finding = [each for each in found if each[0] == "reply.request-id"]
        assert finding == ([] if received is None else [("reply.request-id", asked, received)])
    missing = broken(answered(ALIBABA, "cancel", 200, {}), rules)
    assert ("reply.request-id", asked, "None") in missing


def test_a_request_id_that_the_profile_does_not_require_may_be_missing_but_not_come_twice() -> None:
    profile = Profile.load("alibaba")
    facts = profile.facts | {"request_id": {"field": "RequestId", "required": False}}
    dialect = adapter(dataclasses.replace(profile, facts=facts), "http://127.0.0.1:1", "")
    rules = ExchangeRules(dialect)
    without = answered(dialect, "cancel", 200, json.dumps({}).encode())
    for _ in range(2):
        assert "reply.request-id" not in {each.requirement for each in judged(without, rules)}
    judged(answered(dialect, "cancel", 200, CANCELLED), rules)
    assert "reply.request-id" in {name for name, _, _ in broken(answered(dialect, "cancel", 200, CANCELLED), rules)}


def test_a_media_type_is_judged_with_all_that_is_known_of_reply_and_request(monkeypatch: pytest.MonkeyPatch) -> None:
    dialect, asked = dialect_of("alibaba"), []
    monkeypatch.setattr(dialect, "media_type_problem", lambda *given: asked.append(given))
    answer = answered(dialect, "cancel", 200, CANCELLED)
    assert broken(answer, ExchangeRules(dialect)) == []
    assert asked == [(answer.reply, answer.request, answer.spec)]


def key_of_huawei(state: object, key: str = "0d0466b0-e727-4d9c-b35d-f84bb474a37f") -> dict[str, object]:
    return {
        **dict.fromkeys(("domain_id", "key_alias", "realm", "key_description", "scheduled_deletion_date"), ""),
        "key_id": key,
        "key_state": state,
        "creation_date": "1472442386000",
        "default_key_flag": "0",
        "key_type": "1",
    }


@pytest.mark.parametrize(
    ("ours", "state", "found"),
    [
        (True, "9", ["describe.reply"]),
        (False, "9", []),
        (True, "7", []),
        (False, 9, ["describe.reply"]),
        (False, None, ["describe.reply"]),
    ],
)
def test_lists_of_values_bind_our_keys_and_types_bind_every_key(ours: bool, state: object, found: list[str]) -> None:
    rules = ExchangeRules(HUAWEI, lambda _: ours)
    answer = answered(HUAWEI, "describe", 200, {"key_info": key_of_huawei(state)})
    assert [name for name, _, _ in broken(answer, rules)] == found


def test_in_a_list_each_key_is_judged_as_ours_or_not() -> None:
    ours, other = "1" * 8 + "-1111-1111-1111-" + "1" * 12, "2" * 8 + "-2222-2222-2222-" + "2" * 12
    page = {"keys": [other, ours], "next_marker": "", "truncated": "false", "total": 2}
    rules = ExchangeRules(HUAWEI, lambda key: key == ours)
    for states, expected in ((("9", "2"), []), (("9", "9"), [("list.reply", 'key_details/1/key_state: "9"')])):
        details = [key_of_huawei(state, key) for state, key in zip(states, (other, ours), strict=True)]
        answer = answered(HUAWEI, "list", 200, {**page, "key_details": details})
        assert [(name, received) for name, _, received in broken(answer, rules)] == expected


def test_the_id_of_a_key_has_its_form_whoever_owns_it() -> None:
    rules = ExchangeRules(HUAWEI, lambda _: False)
    answer = answered(HUAWEI, "describe", 200, {"key_info": key_of_huawei("2", "NO-ID")})
    assert [name for name, _, _ in broken(answer, rules)] == ["describe.reply"]
