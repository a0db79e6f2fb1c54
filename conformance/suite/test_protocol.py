"""Protocol: how requests may be written, and how malformed ones are refused."""

from __future__ import annotations

import pytest

from conformance.judge import Inconclusive
from conformance.oracle import ENABLED, PENDING
from conformance.suite.marks import requirement
from conformance.suite.scenario import Scenario


@requirement("protocol.{case}")
@pytest.mark.parametrize(
    "case",
    [
        "get",
        "post",
        "form",
        "json-default",
        "xml-error",
        "wrong-method",
        "unknown-path",
        "malformed-json",
        "empty-body",
        "unknown-field",
        "unknown-action",
        "missing-action",
        "unknown-version",
    ],
)
def test_way_of_writing_a_request(kms: Scenario, case: str) -> None:
    """A variation is served like the plain request; a departure is refused, and the key is as it was."""
    spec = kms.dialect.protocol_cases[case]
    requirement_id = f"protocol.{case}"
    key = kms.key(ENABLED)
    before = kms.read(key)
    arguments: dict[str, object] = {"key_id": kms.dialect.unknown_key() if spec.of_unknown_key else key}
    if spec.operation == "schedule":
        arguments["window"] = kms.days
    plain = kms.dialect.request(spec.operation, arguments)
    answer = kms.client.send(spec.change(plain), None if spec.nameless else kms.client.api[spec.operation])
    if spec.refusal is None:
        kms.must_be_accepted(requirement_id, answer, key)
        found = kms.dialect.key(answer.value).id
        kms.judge.that(requirement_id, found == key, f"the key {key}", f"the key {found}", (answer.number,))
    elif not kms.must_be_refused(requirement_id, spec.refusal, answer, {key: before}):
        kms.must_read_back(requirement_id, key, [PENDING], answer)


@requirement("reply.no-server-error")
def test_hostile_bodies_meet_no_server_error(kms: Scenario) -> None:
    """Bodies that break parsers: whatever the answer, it is no internal error, and the key is as it was."""
    key = kms.key(ENABLED)
    before = kms.read(key)
    for body in (b"[]", b"null", b"\xff\xfe", b'{"a":' * 2000, b'{"key_id": 1e999}', b"\x00"):
        plain = kms.dialect.request("cancel", {"key_id": key})
        answer = kms.client.send(kms.dialect.with_body(plain, body), kms.client.api["cancel"])
        if answer.accepted:
            raise Inconclusive(f"A request whose body is {body[:20]!r} was carried out.")
        kms.must_be_unchanged("refused.changes-nothing", before, kms.read(key), answer)
