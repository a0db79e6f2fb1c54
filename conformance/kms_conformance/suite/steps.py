"""Steps that several families judge: the effect of a change, what an alias names, what can still be decrypted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lacking
from kms_conformance.client.oracle import ENABLED, KeyModel, Prediction
from kms_conformance.client.patience import ALIAS
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.scenario import Scenario
from kms_conformance.wire.messages import Request

#: An encryption context.
CONTEXT = {"purpose": "conformance"}
# Longer than what is encrypted in one piece by many services, and short enough for a URL.
_LONG_TEXT = "text" * 300


def must_have_effect(
    kms: Scenario,
    key: str,
    was: KeyModel,
    operation: str,
    prediction: Prediction,
    answer: Answer,
    asked_at: datetime,
    window: int | None,
) -> tuple[KeyModel, KeyView]:
    """Judge the effect of an accepted change; returns the model of the key, and the key as it reads back.

    - was: the model of the key before the change.
    - asked_at: the time for keys before the request.
    - window: the window in days of a request to `schedule`.

    Raises `Stop` if the key reads back in another state.
    """
    name = _effect(was, operation)
    if operation == "cancel":
        view = kms.must_read_back("cancel.effect", key, kms.states_after_cancel, answer)
        if view.state in prediction.states:
            kms.judge.holds(name)
        else:
            view = kms.must_read_back(name, key, prediction.states, answer)
    else:
        view = kms.must_read_back(name, key, prediction.states, answer)
    if operation == "schedule" and window is not None:
        view = kms.must_be_date("schedule.window.start", view, asked_at, window, answer)
        kms.pool.settle(key, view, "schedule.window.start")
    after = prediction.after
    return KeyModel(view.state, after.before, after.deletion_at), view


def _effect(was: KeyModel, operation: str) -> RequirementId:
    """The requirement on the state after an accepted operation."""
    if operation == "cancel":
        return "cancel.state-after" if was.before == ENABLED else "cancel.state-after.disabled"
    return "schedule.state-after" if operation == "schedule" else "lifecycle.sequence"


def must_name(kms: Scenario, requirement: RequirementId, alias: str, key: str, answer: Answer) -> bool:
    """Judge that an alias names a key; returns whether it does. `answer` is that to the request before."""
    told = f"{alias} names {key}", lambda named: f"it names {named or 'no key'}"
    named = kms.must_show(
        requirement, lambda: kms.key_named(alias, key), lambda named: named == key, told, answer, ALIAS
    )
    return bool(named == key)


def reserved_key(kms: Scenario, **arguments: object) -> str:
    """A key of a special kind, made with these arguments. Raises `Lacking` if the target does not make one now."""
    try:
        return kms.pool.create_reserved(**arguments)
    except Inconclusive as problem:
        raise Lacking(f"No key of this kind was created: {problem.reason}") from problem


def in_context(kms: Scenario) -> dict[str, object]:
    """The argument of a use in the context `CONTEXT`; none if an installation may lack encryption contexts."""
    return {} if "encryption_context" in kms.profile.may_lack else {"context": CONTEXT}


def long_in_context(kms: Scenario) -> dict[str, object]:
    """Arguments of `encrypt` with which a service may take another way, on which it does not look at the state."""
    return {"plaintext": _LONG_TEXT, **in_context(kms)}


def must_decrypt(
    kms: Scenario,
    requirement: RequirementId,
    ciphertexts: Sequence[str],
    expected: str = "what was encrypted before is decrypted",
) -> None:
    """Judge that what an enabled key encrypted before can be decrypted; holds if there are no ciphertexts."""
    for ciphertext in ciphertexts:
        kms.must_show(
            requirement,
            partial(kms.ask, "decrypt", ciphertext=ciphertext),
            lambda answer: answer.accepted,
            (expected, lambda answer: answer.summary),
            what="decrypt",
        )
    if not ciphertexts:
        kms.judge.holds(requirement)


def served_forms(kms: Scenario, key: str) -> tuple[Callable[[Request], Request], ...]:
    """The documented forms of a request; a form that a conforming target need not serve is left out if it does not.

    Whether it serves such a form is judged by the requirement on that form.
    """
    describe = kms.client.api["describe"]
    found = []
    for name, change in kms.dialect.forms.items():
        case = kms.judge.catalogue.requirements.get(f"protocol.{name}")
        optional = case is not None and case.level != "MUST"
        request = change(kms.dialect.request("describe", {"key_id": key}))
        if not optional or kms.client.send(request, describe).accepted:
            found.append(change)
    return tuple(found)
