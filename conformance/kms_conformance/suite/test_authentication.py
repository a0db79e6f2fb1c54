"""Authentication: a request with one thing wrong about its credentials is refused and changes nothing.

Scheduling is judged closely; every other operation is sent with each fault too, in whatever form a request may have.
"""

from __future__ import annotations

import pytest

from kms_conformance.auth import Sabotage, SignerFactory, sabotages
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.suite.key_requests import KeyRequests, places
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario

# The faults of credentials that must be refused; `auth.{fault}` is the requirement.
_FAULTS = (
    "missing",
    "incomplete",
    "garbage",
    "expired",
    "other-project",
    "other-region",
    "unknown-access-key",
    "wrong-secret",
    "tampered",
    "stale",
)
# Some services lock an access key after five wrong signatures in a row. A read of the key follows this many, which is a
# good request and shows that nothing has changed.
_IN_A_ROW = 2
_LACKING = "lacking_operation unknown_action unknown_path"


@requirement("auth.{fault}")
@pytest.mark.parametrize("fault", _FAULTS)
def test_request_is_refused(kms: Scenario, fault: str) -> None:
    found = _found(kms, fault)
    key = kms.key(ENABLED)
    before = kms.view(key)
    request = kms.dialect.request("schedule", {"key_id": key, "window": kms.days})
    for sabotage in found:
        answer = kms.client.send(request, kms.client.api["schedule"], sabotage.signer)
        kms.must_be_refused(as_id(f"auth.{fault}"), sabotage.refusal, answer, {key: before})


@requirement("auth.replayed-nonce")
def test_replayed_request_is_refused(kms: Scenario) -> None:
    sabotage = next(sabotage for sabotage in _sabotages(kms) if sabotage.name == "replayed_nonce")
    request = kms.dialect.request("describe", {"key_id": kms.key(ENABLED)})
    first = kms.client.send(request, kms.client.api["describe"], sabotage.signer)
    if not first.accepted:
        raise Inconclusive(f"The first request, which is to be replayed, was refused: {first.summary}.")
    second = kms.client.send(request, kms.client.api["describe"], sabotage.signer)
    kms.must_be_refused("auth.replayed-nonce", sabotage.refusal, second)


@requirement("auth.{fault}")
@pytest.mark.parametrize("fault", _FAULTS)
def test_no_operation_is_served(kms: Scenario, fault: str) -> None:
    found = _found(kms, fault)
    key = kms.key(ENABLED)
    requests = KeyRequests(kms, key, key)
    named = {place.operation: place for place in places(kms)}
    requests.prepare([place for place in named.values() if place.operation == "put_policy"])
    before = kms.read(key)
    requirement_id = as_id(f"auth.{fault}")
    sent: list[Answer] = []
    for sabotage in found:
        for number, operation in enumerate(_operations(kms)):
            place = named.get(operation)
            arguments = requests.arguments_of(operation) if place is None else requests.arguments(place, key)
            answer = _sent(kms, operation, arguments, sabotage, number + _FAULTS.index(fault))
            sent.append(answer)
            may_lack = kms.client.api[operation].beside or operation in kms.profile.may_lack
            if may_lack and kms.is_told(_LACKING, answer):
                continue
            kms.must_be_refused(requirement_id, sabotage.refusal, answer)
            if answer.accepted or len(sent) % _IN_A_ROW == 0:
                kms.must_be_unchanged(requirement_id, before, kms.read(key), answer)
            if answer.accepted:
                kms.pool.bring(key, ENABLED)
    kms.must_be_unchanged(requirement_id, before, kms.read(key), sent[-1])
    _must_stay_pending(kms, requirement_id, key, found)


def _must_stay_pending(kms: Scenario, requirement_id: RequirementId, key: str, found: list[Sabotage]) -> None:
    """Judge that no faulty request cancels a deletion: the key was enabled for the other requests."""
    before = kms.pool.bring(key, PENDING)
    if before is None:
        raise Inconclusive("The key is gone.")
    for sabotage in found:
        request = kms.dialect.request("cancel", {"key_id": key})
        answer = kms.client.send(request, kms.client.api["cancel"], sabotage.signer)
        kms.must_be_refused(requirement_id, sabotage.refusal, answer)
        kms.must_be_unchanged(requirement_id, before, kms.read(key), answer)


def _operations(kms: Scenario) -> list[str]:
    """The operations that need credentials, but `schedule`, which another check sends in every way."""
    api = kms.client.api
    return [name for name in api.operations if name != "schedule" and not api.is_public(name)]


def _sent(kms: Scenario, operation: str, arguments: dict[str, object], sabotage: Sabotage, turn: int) -> Answer:
    """Send a request with a faulty signature. Its documented forms take turns, each operation gets all of them."""
    forms = [None, *kms.dialect.forms.values()]
    form = forms[turn % len(forms)]

    def send(further: dict[str, object]) -> Answer:
        request = kms.dialect.request(operation, {**arguments, **further})
        changed = request if form is None else form(request)
        return kms.client.send(changed, kms.client.api[operation], sabotage.signer)

    if operation != "create":
        return send({})
    return kms.pool.attempt(lambda marker: send(dict(kms.dialect.naming(marker))))[0]


def _sabotages(kms: Scenario) -> tuple[Sabotage, ...]:
    """All faulty signers for the target's way to sign in."""
    return sabotages(kms.client.target, SignerFactory(kms.client.session), kms.client.session.endpoint_now, kms.chance)


def _found(kms: Scenario, fault: str) -> list[Sabotage]:
    """The faulty signers with this fault. Raises `Inconclusive` if the target file gives none."""
    found = [each for each in _sabotages(kms) if each.name.replace("_", "-").startswith(fault)]
    if not found:
        raise Inconclusive(
            f"Not tested: the target file has no credentials for the case {fault!r}.",
            "The case `expired` needs an expired token in `auth.expired_token`.",
        )
    return found
