"""Recorded replies of live services and of vendors' samples pass all judgements of replies.

Forms, types, codes and headers are as they were published; texts and ids are ours. Sources:
- Huawei: the cassette `kms_query` of huaweicloud/cloud-custodian on GitHub, recorded in ap-southeast-1 in March 2025;
  issue 232 of huaweicloud/terraform-provider-huaweicloud; issue 1821 of
  opentelekomcloud/terraform-provider-opentelekomcloud.
- Alibaba: issue 7 of alibaba/acm-sdk-python, a reply of kms.cn-shanghai.aliyuncs.com in 2019; the samples of
  "ScheduleKeyDeletion", "Sample responses" and "Limits" in the help center of Key Management Service.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.answer import Answer
from kms_conformance.client.exchange_rules import ExchangeRules
from kms_conformance.client.judge import Judgement
from kms_conformance.core import specs
from kms_conformance.dialects import adapter
from kms_conformance.wire.messages import Reply, Request

ID = "59a2e407ee471a94573b2510cc6db323"
UUID = "3da5b8cc-8107-40ac-a170-793cd181d7b7"
GATEWAY = {"Server": "api-gateway", "Content-Type": "application/json", "X-Request-Id": ID}
PROFILES = [(dialect, name) for dialect in ("huawei", "alibaba") for name in specs.profile_names(dialect)]


@dataclass(frozen=True)
class Recorded:
    """A reply; `operations` may receive it (none: all); `refusal` is its name in our profiles."""

    dialect: str
    status: int
    headers: dict[str, str]
    body: bytes
    operations: tuple[str, ...] = ()
    refusal: str | None = None


def as_json(value: object) -> bytes:
    # A line break at the end, as recorded from the gateway.
    return json.dumps(value).encode() + b"\n"


def listed_key(number: int, alias: str, default: str) -> dict[str, Any]:
    """A listed key, with three undocumented fields and dates in whole seconds."""
    return {
        "multi_region_key_type": "SINGLE",
        "key_id": f"0d0466b0-e727-4d9c-b35d-f84bb474a37{number}",
        "key_alias": alias,
        "default_key_flag": default,
        "key_state": "2",
        "key_spec": "AES_256",
        "key_usage": "ENCRYPT_DECRYPT",
        "key_type": "1",
        "key_description": "",
        "key_rotation_enabled": "false",
        "creation_date": "1716661217000",
        "scheduled_deletion_date": "",
        "expiration_time": "",
        "pending_days": "",
        "origin": "kms",
        "realm": "ap-southeast-1",
        "domain_id": "d0a0000000000000000000000000d0a0",
        "keystore_id": "0",
        "keystore_type": "DEFAULT",
        "sys_enterprise_project_id": "0",
    }


KEYS = [
    listed_key(0, "evs/default", "1"),
    listed_key(1, "kps/default", "1"),
    listed_key(2, "csms/default", "1"),
    listed_key(3, "someone-s", "0"),
]
LIST: dict[str, Any] = {
    "next_marker": "",
    "key_details": KEYS,
    "total": 6,
    "keys": [key["key_id"] for key in KEYS],
    "truncated": "false",
}


def flat(code: str) -> bytes:
    return as_json({"error_msg": "XXX", "error_code": code, "request_id": ID})


def rpc(**fields: object) -> bytes:
    return json.dumps({"RequestId": UUID, "Message": "XXX", **fields}).encode()


JSON = {"Content-Type": "application/json;charset=utf-8"}
XML = {"Content-Type": "application/xml"}
REPLIES = {
    "huawei, live: a list": Recorded("huawei", 200, GATEWAY, as_json(LIST), ("list",)),
    "huawei, live: a wrong signature": Recorded("huawei", 401, GATEWAY, flat("APIGW.0301"), (), "wrong_signature"),
    "huawei, live: no such address": Recorded("huawei", 404, GATEWAY, flat("APIGW.0101"), (), "unknown_path"),
    "huawei, live: a code that no operation of ours lists": Recorded(
        "huawei", 400, GATEWAY, as_json({"error": {"error_msg": "XXX", "error_code": "KMS.2901"}}), ("enable", "cancel")
    ),
    "alibaba, live: a parameter is missing": Recorded(
        "alibaba", 400, JSON, rpc(Code="MissingParameter", HostId="kms.cn-shanghai.aliyuncs.com"), (), "missing_key"
    ),
    "alibaba, sample: throttled": Recorded(
        "alibaba", 429, JSON, rpc(Code="Rejected.Throttling", HttpStatus=429), (), "throttled"
    ),
    "alibaba, sample: out of date": Recorded(
        "alibaba", 400, JSON, rpc(Code="IllegalTimestamp", HttpStatus=400), (), "stale_signature"
    ),
    "alibaba, sample: scheduled": Recorded(
        "alibaba", 200, JSON, json.dumps({"RequestId": UUID}, indent=0).encode(), ("schedule", "cancel", "enable")
    ),
    "alibaba, sample: scheduled, in XML": Recorded(
        "alibaba", 200, XML, f"<KMS>\n      <RequestId>{UUID}</RequestId>\n</KMS>".encode(), ("schedule", "cancel")
    ),
    "alibaba, sample: an error in XML": Recorded(
        "alibaba",
        400,
        XML,
        f"<KMS><HttpStatus>400</HttpStatus><Code>IllegalTimestamp</Code><Message>XXX</Message>"
        f"<RequestId>{UUID}</RequestId></KMS>".encode(),
        (),
        "stale_signature",
    ),
}
CASES = [
    pytest.param(recorded, profile, id=f"{name} [{profile}]")
    for name, recorded in REPLIES.items()
    for dialect, profile in PROFILES
    if dialect == recorded.dialect
]


@cache
def suite(dialect: str, profile_name: str) -> tuple[Profile, Api]:
    """A profile and its operations; cached, as loading takes 0.1 s."""
    profile = Profile.load(dialect, profile_name)
    return profile, Api.load(profile)


def answered(recorded: Recorded, profile_name: str, operation: str) -> tuple[Answer, list[Judgement]]:
    """The reply as the suite decodes it, and all judgements."""
    profile, api = suite(recorded.dialect, profile_name)
    dialect = adapter(profile, "https://kms.example.com", "0" * 32)
    asked = api[operation]
    request = Request(asked.method, "https://kms.example.com/" + ("?Format=XML" if recorded.headers is XML else ""))
    reply = Reply(recorded.status, "", tuple(recorded.headers.items()), recorded.body, 0.1)
    spec = asked.replies.get(reply.status)
    decoded = dialect.decode(reply, spec)
    answer = Answer(
        operation=asked,
        request=request,
        reply=reply,
        spec=spec,
        value=decoded.value,
        problems=decoded.problems,
        error=dialect.error(decoded.value),
        number=1,
        sent_at=datetime.now(UTC),
        documented=tuple(asked.replies),
    )
    return answer, list(ExchangeRules(dialect).judge(answer))


@pytest.mark.parametrize(("recorded", "profile_name"), CASES)
def test_nothing_is_held_against_it(recorded: Recorded, profile_name: str) -> None:
    profile, api = suite(recorded.dialect, profile_name)
    for operation in recorded.operations or api.operations:
        answer, judgements = answered(recorded, profile_name, operation)
        assert [judgement for judgement in judgements if not judgement.passed] == []
        assert answer.spec is not None
        assert answer.spec.violations(answer.value) == ()
        assert recorded.refusal is None or profile.refusal(recorded.refusal).admits(answer.status, answer.code)


def test_the_recorded_list_is_read_whole() -> None:
    profile = Profile.load("huawei", "huawei-cloud")
    page = adapter(profile, "https://kms.example.com", "").page(LIST)
    assert (page.ids, page.cursor) == (tuple(LIST["keys"]), None)


@pytest.mark.parametrize(
    "spoilt",
    [
        {**LIST, "truncated": False},
        {**LIST, "total": "6"},
        {**LIST, "key_details": [{**KEYS[0], "creation_date": 1716661217000}]},
        {**LIST, "key_details": [{**KEYS[0], "key_state": "8"}]},
    ],
)
def test_but_it_is_when_the_same_list_is_spoilt(spoilt: object) -> None:
    for name in specs.profile_names("huawei"):
        recorded = Recorded("huawei", 200, GATEWAY, as_json(spoilt), ("list",))
        _, judgements = answered(recorded, name, "list")
        assert {judgement.requirement for judgement in judgements if not judgement.passed} == {"list.reply"}
