"""Authentication: a request with one thing wrong about its credentials is refused and changes nothing.

Scheduling is judged closely; every other operation is sent with each fault too, in whatever form a request may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from operator import eq

import pytest

from kms_conformance.auth import Sabotage, SignerFactory, sabotages
from kms_conformance.catalogue.api import LISTS_OF_KEY
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.client.patience import ALIAS
from kms_conformance.suite.key_requests import KeyRequests, places
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario

# The faults of credentials that must be refused; `auth.{fault}` is the requirement.
_EVERYWHERE = (
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
# These are sent with scheduling and with a read. One place of a service compares tokens, and the parts of signatures.
_HERE_AND_THERE = ("early", "other-scope", "altered-token")
_FAULTS = (*_EVERYWHERE, *_HERE_AND_THERE)
# After requests with these, what keys have besides their state is compared, and pending keys get all operations.
_THOROUGH = frozenset({"missing", "garbage", "wrong-secret"})
# The operations on keys that are not enabled, whose effects would not show on one that is.
_ON_DISABLED = ("enable", "schedule")
_ON_PENDING = ("enable", "schedule", "disable", "update_description")
_LEFT_FOR_OTHER_STATES = frozenset({"schedule", "enable", "cancel"})
# Some services lock an access key after five wrong signatures in a row. A read of the key follows this many, which is a
# good request and shows that nothing has changed. Tokens have no signature, so more wrong ones may come in a row.
_IN_A_ROW, _TOKENS_IN_A_ROW = 2, 4
_LACKING = "lacking_operation unknown_action unknown_path"


@requirement("auth.{fault}")
@pytest.mark.parametrize("fault", _FAULTS)
@pytest.mark.alone
def test_request_is_refused(kms: Scenario, fault: str) -> None:
    found = _found(kms, fault)
    requirement_id = as_id(f"auth.{fault}")
    key = kms.key(ENABLED)
    before = kms.view(key)
    request = kms.dialect.request("schedule", {"key_id": key, "window": kms.days})
    read = kms.dialect.request("describe", {"key_id": key})
    for sabotage in found:
        with kms.judge.noting(requirement_id, sabotage.wrong):
            answer = kms.client.send(request, kms.client.api["schedule"], sabotage.signer)
            kms.must_be_refused(requirement_id, sabotage.refusal, answer, {key: before})
            if answer.accepted:
                # It is accused; the next request must not be.
                kms.pool.bring(key, before.state)
            if fault in _HERE_AND_THERE:
                reading = kms.client.send(read, kms.client.api["describe"], sabotage.signer)
                kms.must_be_refused(requirement_id, sabotage.refusal, reading)


@requirement("auth.replayed-nonce")
@pytest.mark.alone
def test_replayed_request_is_refused(kms: Scenario) -> None:
    sabotage = next(sabotage for sabotage in _sabotages(kms) if sabotage.name == "replayed_nonce")
    request = kms.dialect.request("describe", {"key_id": kms.key(ENABLED)})
    first = kms.client.send(request, kms.client.api["describe"], sabotage.signer)
    if not first.accepted:
        raise Inconclusive(f"The first request, which is to be replayed, was refused: {first.summary}.")
    second = kms.client.send(request, kms.client.api["describe"], sabotage.signer)
    with kms.judge.noting("auth.replayed-nonce", sabotage.wrong):
        kms.must_be_refused("auth.replayed-nonce", sabotage.refusal, second)


@requirement("auth.{fault}")
@pytest.mark.parametrize("fault", _EVERYWHERE)
@pytest.mark.alone
def test_no_operation_is_served(kms: Scenario, fault: str) -> None:
    found = _found(kms, fault)
    key = kms.key(ENABLED)
    requests = KeyRequests(kms, key, key)
    named = {place.operation: place for place in places(kms)}
    requests.prepare([place for place in named.values() if place.operation == "put_policy"])
    before = kms.read(key)
    requirement_id = as_id(f"auth.{fault}")
    turn = _EVERYWHERE.index(fault)
    shown = _belongings(kms, key) if fault in _THOROUGH else {}
    for number, operation in enumerate(_operations(kms)):
        # Where a fault has several forms, the operations take turns with them.
        sabotage = found[number % len(found)]
        place = named.get(operation)
        arguments = requests.arguments_of(operation) if place is None else requests.arguments(place, key)
        answer = _sent(kms, operation, arguments, sabotage, number // len(found) + turn)
        if _is_lacking(kms, operation, answer):
            continue
        with kms.judge.noting(requirement_id, sabotage.wrong):
            kms.must_be_refused(requirement_id, sabotage.refusal, answer)
            if answer.accepted or _is_read_after(kms, number):
                kms.must_be_unchanged(requirement_id, before, kms.read(key), answer)
        if answer.accepted:
            kms.pool.bring(key, ENABLED)
    kms.must_be_unchanged(requirement_id, before, kms.read(key), answer)
    if fault in _THOROUGH:
        _must_have(kms, requirement_id, key, shown, requests.latest_alias, answer)
    disabled = [(name, found[(turn + number) % len(found)]) for number, name in enumerate(_ON_DISABLED)]
    _must_stay(DISABLED, kms, requirement_id, key, disabled)
    others = [name for name in _ON_PENDING if name in kms.client.api]
    count = len(others) if fault in _THOROUGH else len(found)
    others = [others[(turn + number) % len(others)] for number in range(max(count, len(found)))]
    pending = [
        (name, found[number % len(found)])
        for number, other in enumerate(others)
        for name in (("cancel", other) if number < len(found) else (other,))
    ]
    _must_stay(PENDING, kms, requirement_id, key, pending)


def _must_stay(
    state: str, kms: Scenario, requirement_id: RequirementId, key: str, rows: Sequence[tuple[str, Sabotage]]
) -> None:
    """Judge that no faulty request changes a key in this state. A read follows every second request."""
    before = kms.pool.bring(key, state)
    if before is None:
        raise Inconclusive("The key is gone.")
    for number, (operation, sabotage) in enumerate(rows):
        further: dict[str, dict[str, object]] = {
            "schedule": {"window": kms.days + 2},
            "update_description": {"description": "changed by a check"},
        }
        request = kms.dialect.request(operation, {"key_id": key, **further.get(operation, {})})
        answer = kms.client.send(request, kms.client.api[operation], sabotage.signer)
        with kms.judge.noting(requirement_id, sabotage.wrong):
            if not _is_lacking(kms, operation, answer):
                kms.must_be_refused(requirement_id, sabotage.refusal, answer)
            if _is_read_after(kms, number) or number == len(rows) - 1:
                kms.must_be_unchanged(requirement_id, before, kms.read(key), answer)


def _is_read_after(kms: Scenario, number: int) -> bool:
    """Whether the key is read after the faulty request with this number, counted from 0."""
    in_a_row = _TOKENS_IN_A_ROW if kms.client.target.auth.way == "token" else _IN_A_ROW
    return number % in_a_row == in_a_row - 1


def _is_lacking(kms: Scenario, operation: str, answer: Answer) -> bool:
    """Whether the target answers that it lacks an operation that an installation may lack."""
    may_lack = kms.client.api[operation].beside or operation in kms.profile.may_lack
    return may_lack and kms.is_told(_LACKING, answer)


def _must_have(
    kms: Scenario, requirement_id: RequirementId, key: str, shown: dict[str, object], alias: str, answer: Answer
) -> None:
    """Judge that a key has what it had, and not the alias that a faulty request asked for."""
    for operation, was in shown.items():
        told = f"{operation} shows {was}", lambda now: f"it shows {now}"
        look, fits = partial(_belonging, kms, operation, key), partial(eq, was)
        kms.must_still_show(requirement_id, look, fits, told, answer, operation)
    if alias and "list_aliases" not in kms.client.api:
        given = f"{alias} does not name {key}", lambda named: f"it names {named}"
        kms.must_still_show(
            requirement_id, lambda: kms.key_named(alias, key), lambda named: named != key, given, answer, ALIAS
        )


def _belongings(kms: Scenario, key: str) -> dict[str, object]:
    """What a key has besides its state, by the operation that lists it; without what the target does not tell."""
    shown: dict[str, object] = {}
    for operation in LISTS_OF_KEY:
        if operation in kms.client.api:
            with suppress(Inconclusive):
                shown[operation] = _belonging(kms, operation, key)
    return shown


def _belonging(kms: Scenario, operation: str, key: str) -> object:
    value = kms.done(operation, key_id=key).value
    if operation == "list_tags":
        return kms.dialect.tags(value)
    return kms.dialect.aliases(value) if operation == "list_aliases" else kms.dialect.result(operation, value)


def _operations(kms: Scenario) -> list[str]:
    """The operations that need credentials, but those that are sent to keys in other states, or by another check."""
    api = kms.client.api
    return [name for name in api.operations if name not in _LEFT_FOR_OTHER_STATES and not api.is_public(name)]


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
