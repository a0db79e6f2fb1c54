"""Cancel: a pending deletion can be cancelled, only while it is pending, and only for the named key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.judge import Inconclusive, Lacking
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING, PENDING_IMPORT
from kms_conformance.dialects.base import Raw
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import reserved_key


@requirement("cancel.key-id.missing")
def test_missing_key_id_is_refused(kms: Scenario) -> None:
    bystander = kms.key(PENDING)
    kms.refuses("cancel.key-id.missing", "missing_key", "cancel", unchanged=[bystander])


@requirement("cancel.key-id.type")
@pytest.mark.parametrize("value", [7, None, ["a"], {"a": "b"}], ids=["number", "null", "list", "object"])
def test_key_id_of_another_type_is_refused(kms: Scenario, value: object) -> None:
    bystander = kms.key(PENDING)
    kms.refuses("cancel.key-id.type", "wrong_key_type", "cancel", key_id=Raw(value), unchanged=[bystander])


@requirement(
    "cancel.effect",
    "cancel.uri",
    "cancel.request.content-type",
    "cancel.status",
    "cancel.state-after",
    "cancel.reply-agrees",
    "cancel.reply.key-id",
    "cancel.reply.key-state",
    "cancel.reply.request-id",
    "cancel.date-cleared",
    "lifecycle.sequence",
)
def test_cancelled_key_is_no_longer_pending(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    described = kms.with_marker(key).description
    kms.accepts("schedule.state-after", "schedule", key_id=key, window=kms.days, states=[PENDING])
    _ask_for_other_state(kms, key)
    answer = kms.ask("cancel", key_id=key)
    answer = kms.must_be_accepted(
        ("cancel.effect", "cancel.uri", "cancel.request.content-type", "cancel.status"), answer
    )
    kms.must_echo("cancel", answer, kms.must_read_back("cancel.effect", key, kms.states_after_cancel, answer))
    view = kms.must_read_back("cancel.state-after", key, [kms.profile.after_cancel], answer)
    kept = view.description == described
    kms.judge.that("lifecycle.sequence", kept, f"description {described!r}", f"description {view.description!r}")
    now = kms.time.now()
    stale = view.deletion_at is not None and view.deletion_at > now
    kms.judge.that("cancel.date-cleared", not stale, "no deletion date ahead", view.deletion_at, (answer.number,))


def _ask_for_other_state(kms: Scenario, key: str) -> None:
    """Ask for another state than that after the cancellation, which a pending key refuses and must not remember."""
    operation = "disable" if kms.profile.after_cancel == ENABLED else "enable"
    if operation in kms.client.api and kms.profile.refusal_in(operation, PENDING) is not None:
        kms.ask(operation, key_id=key)
        # Where it is accepted, another check judges that.
        kms.pool.bring(key, PENDING)


@requirement("cancel.request.no-content-type")
def test_request_without_content_type(kms: Scenario) -> None:
    key = kms.key(PENDING)
    before = kms.view(key)
    plain = kms.dialect.request("cancel", {"key_id": key})
    untyped = replace(plain, headers=tuple(pair for pair in plain.headers if pair[0] != "Content-Type"))
    # The request belongs to no documented operation, so the documented statuses do not bind the reply.
    answer = kms.client.send(untyped, None)
    if not kms.must_be_refused("cancel.request.no-content-type", "no_content_type", answer, {key: before}):
        kms.must_read_back("cancel.request.no-content-type", key, kms.states_after_cancel, answer)


@requirement("cancel.state-after.disabled")
def test_cancelled_key_that_was_disabled_before(kms: Scenario) -> None:
    key = kms.key(DISABLED)
    kms.accepts("schedule.from-disabled", "schedule", key_id=key, window=kms.days, states=[PENDING])
    open_states = list(dict.fromkeys([kms.profile.after_cancel, DISABLED]))
    answer = kms.accepts("cancel.effect", "cancel", key_id=key, states=kms.states_after_cancel)
    kms.must_read_back("cancel.state-after.disabled", key, open_states, answer)


@requirement("cancel.not-pending.{state}")
@pytest.mark.parametrize("state", [ENABLED, DISABLED])
def test_key_that_is_not_pending_is_refused(kms: Scenario, state: str) -> None:
    key = kms.key(state)
    kms.refuses(as_id(f"cancel.not-pending.{state}"), "not_pending", "cancel", key_id=key, unchanged=[key])


@requirement("cancel.not-pending.cancelled")
def test_second_cancel_is_refused(kms: Scenario) -> None:
    key = kms.key(PENDING)
    kms.accepts("cancel.effect", "cancel", key_id=key, states=kms.states_after_cancel)
    kms.refuses("cancel.not-pending.cancelled", "not_pending", "cancel", key_id=key, unchanged=[key])


@requirement("cancel.usable-again")
def test_cancelled_key_is_usable_again(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    before = kms.ciphertexts(key)
    kms.accepts("schedule.state-after", "schedule", key_id=key, window=kms.days, states=[PENDING])
    kms.accepts("cancel.effect", "cancel", key_id=key, states=kms.states_after_cancel)
    kms.pool.bring(key, ENABLED)
    if not kms.encrypts:
        kms.accepts("cancel.usable-again", "generate_data_key", key_id=key)
        return
    kms.accepts("cancel.usable-again", "encrypt", key_id=key, plaintext="after")
    answer = kms.accepts("cancel.usable-again", "decrypt", ciphertext=before[0])
    same = kms.dialect.secret_output("decrypt", answer.value) == "text"
    kms.judge.that("cancel.usable-again", same, "what was encrypted", "other text", (answer.number,))


@requirement("cancel.only-named-key")
def test_other_pending_key_stays_pending(kms: Scenario) -> None:
    bystander = kms.key(PENDING)
    key = kms.key(PENDING, bystander)
    before = kms.read(bystander)
    answer = kms.accepts("cancel.effect", "cancel", key_id=key, states=kms.states_after_cancel)
    kms.must_be_unchanged("cancel.only-named-key", before, kms.read(bystander), answer)
    # Nor does it follow from a refused cancel, also if this key was scheduled last.
    kms.pool.bring(bystander, ENABLED)
    kms.pool.bring(bystander, PENDING)
    before = kms.view(bystander)
    answer = kms.ask("cancel", key_id=key)
    kms.must_be_unchanged("cancel.only-named-key", before, kms.read(bystander), answer)


@requirement("cancel.sequence")
def test_sequence_is_optional(kms: Scenario) -> None:
    """Requests with a sequence are carried out as those without one."""
    key = kms.key(PENDING)
    kms.accepts("cancel.effect", "cancel", key_id=key, states=kms.states_after_cancel)
    for operation, state in (("enable", ENABLED), ("disable", DISABLED), ("schedule", PENDING)):
        window = {"window": kms.days} if operation == "schedule" else {}
        name = as_id("schedule.state-after" if window else f"{operation}.reply")
        if kms.view(key).state != state:
            kms.accepts(name, operation, key_id=key, sequence=kms.chance.uuid(), states=[state], **window)
    kms.accepts("cancel.sequence", "cancel", key_id=key, sequence=kms.chance.uuid(), states=kms.states_after_cancel)


@requirement("cancel.bad-sequence")
@pytest.mark.parametrize("sequence", ["short", "x" * 300], ids=["short", "long"])
def test_sequence_of_another_length(kms: Scenario, sequence: str) -> None:
    key = kms.key(PENDING)
    before = kms.view(key)
    answer = kms.ask("cancel", key_id=key, sequence=sequence)
    if kms.must_be_refused("cancel.bad-sequence", "bad_sequence", answer, {key: before}):
        return
    kms.must_read_back("cancel.bad-sequence", key, kms.states_after_cancel, answer)


@requirement("cancel.effect", "schedule.state-after")
@pytest.mark.standard
@pytest.mark.first_process
def test_key_for_signatures(kms: Scenario) -> None:
    """Without a clock that can be moved, this needs one key more than a smoke run may have."""
    if not kms.dialect.lists_signing_keys:
        raise Lacking("Lists leave such keys out, so one whose creation gets no reply could not be found and deleted.")
    key = reserved_key(kms, **kms.dialect.signing_key)
    kms.accepts("schedule.state-after", "schedule", key_id=key, window=kms.days, states=[PENDING])
    kms.accepts("cancel.effect", "cancel", key_id=key, states=kms.states_after_cancel)


@requirement(
    "cancel.imported-key", "schedule.imported-key", "cancel.not-pending.pending-import", "state.pending-import"
)
@pytest.mark.standard
@pytest.mark.first_process
def test_key_without_material(kms: Scenario) -> None:
    key = kms.pool.create_reserved(origin="external")
    waits = kms.pool.read_until(key, lambda view: view.state == PENDING_IMPORT).state == PENDING_IMPORT
    if waits and "state.pending-import" in kms.judge.applicable:
        _must_wait_for_material(kms, key)
    kms.accepts("schedule.imported-key", "schedule", key_id=key, window=kms.days, states=[PENDING])
    kms.accepts("cancel.imported-key", "cancel", key_id=key, states=kms.profile.imported_after_cancel)
    if not waits and "state.pending-import" in kms.judge.applicable:
        raise Inconclusive("The key of an earlier run no longer waits for material, so its refusals were not tested.")


def _must_wait_for_material(kms: Scenario, key: str) -> None:
    """Judge that a key without material is neither cancelled nor used, enabled or disabled."""
    kms.refuses("cancel.not-pending.pending-import", "not_pending", "cancel", key_id=key, unchanged=[key])
    uses: dict[str, dict[str, object]] = {"encrypt": {"plaintext": "text"}, "generate_data_key": {}}
    for operation, arguments in {**uses, "enable": {}, "disable": {}}.items():
        refusal = kms.profile.refusal_in(operation, PENDING_IMPORT)
        if operation in kms.client.api and refusal is not None:
            kms.refuses("state.pending-import", refusal, operation, key_id=key, unchanged=[key], **arguments)
