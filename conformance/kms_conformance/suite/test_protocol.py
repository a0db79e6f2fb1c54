"""Protocol: accepted variations of requests, and refusals of malformed ones."""

from __future__ import annotations

import pytest

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.judge import Stop
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
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


@requirement("protocol.unknown-field", "reply.no-server-error")
def test_unknown_field_of_a_read(kms: Scenario) -> None:
    """An internal error repeats where a request only reads; a change is refused the second time, so it may hide one."""
    change = kms.dialect.protocol_cases["unknown-field"].change
    key = kms.key(ENABLED)
    for operation, arguments in (("describe", {"key_id": key}), ("list", {})):
        answer = kms.client.send(change(kms.dialect.request(operation, arguments)), kms.client.api[operation])
        kms.must_be_refused("protocol.unknown-field", "unknown_field", answer)


@requirement("protocol.every-form")
def test_change_in_each_form_has_its_effect(kms: Scenario) -> None:
    """Whether a form is served at all is judged elsewhere; here, what is answered with success must be done."""
    key = kms.key(ENABLED)
    days = kms.window.minimum + 1
    for form in kms.dialect.forms.values():
        asked_at = kms.time.now()
        request = form(kms.dialect.request("schedule", {"key_id": key, "window": days}))
        answer = kms.client.send(request, kms.client.api["schedule"])
        if answer.accepted:
            view = kms.must_read_back("protocol.every-form", key, [PENDING], answer)
            kms.must_be_date("protocol.every-form", view, asked_at, days, answer)
        elif kms.pool.bring(key, PENDING) is None:
            raise Stop
        answer = kms.client.send(form(kms.dialect.request("cancel", {"key_id": key})), kms.client.api["cancel"])
        if answer.accepted:
            kms.must_read_back("protocol.every-form", key, kms.states_after_cancel, answer)
        kms.pool.bring(key, ENABLED)


@requirement("protocol.sequence")
def test_sequence_changes_no_effect(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    for operation, state in (("disable", DISABLED), ("enable", ENABLED), ("schedule", PENDING)):
        window = {"window": kms.days} if operation == "schedule" else {}
        sequence = kms.chance.uuid()
        kms.accepts("protocol.sequence", operation, key_id=key, sequence=sequence, states=[state], **window)
