"""Protocol: accepted variations of requests, and refusals of malformed ones."""

from __future__ import annotations

import pytest

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


@requirement("protocol.{case}")
@pytest.mark.parametrize(
    "case",
    [
        "malformed-json",
        "get",
        "post",
        "form",
        "json-default",
        "xml-error",
        "wrong-method",
        "unknown-path",
        "empty-body",
        "unknown-field",
        "charset",
        "unknown-action",
        "missing-action",
        "unknown-version",
    ],
)
def test_way_of_writing_a_request(kms: Scenario, case: str) -> None:
    """A documented variation must be accepted; any other must be refused without an effect on the key."""
    spec = kms.dialect.protocol_cases[case]
    requirement_id = as_id(f"protocol.{case}")
    key = kms.key(ENABLED)
    before = kms.view(key)
    arguments: dict[str, object] = {"key_id": kms.dialect.unknown_key() if spec.of_unknown_key else key}
    if spec.operation == "schedule":
        arguments["window"] = kms.days
    plain = kms.dialect.request(spec.operation, arguments)
    answer = kms.client.send(spec.change(plain), None if spec.nameless else kms.client.api[spec.operation])
    if case == "xml-error":
        kms.must_be_xml(requirement_id, answer)
    if spec.refusal is None:
        kms.must_be_accepted(requirement_id, answer, key)
        found = kms.dialect.key(answer.value).id
        kms.judge.that(requirement_id, found == key, f"the key {key}", f"the key {found}", (answer.number,))
    elif not kms.must_be_refused(requirement_id, spec.refusal, answer, {key: before}):
        kms.must_read_back(requirement_id, key, [PENDING], answer)
