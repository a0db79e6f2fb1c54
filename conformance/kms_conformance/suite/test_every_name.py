"""Every name: what a key allows and refuses by its id, it allows and refuses by every other name, in every state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from kms_conformance.catalogue.api import CHANGES, USES
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lacking
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.suite.kept_state import KeptState
from kms_conformance.suite.key_requests import KeyRequests, Place, names_of, places
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.named_key import NAMES, NamedKey
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import served_forms
from kms_conformance.wire.messages import Request

_FORMS: Mapping[str, RequirementId] = {
    ENABLED: "enabled.every-form",
    DISABLED: "disabled.every-form",
    PENDING: "pending.every-form",
}
# The windows of requests in other forms differ so from the usual and the shortest one.
_FURTHER_DAYS = 3
# What would need a key or an alias for each form; `_must_change` tries the changes.
_NOT_IN_EACH_FORM = {*CHANGES, "create", "set_alias", "delete_alias"}


@requirement("enabled.every-name", "disabled.every-name", "pending.every-name")
def test_every_name_means_the_key(kms: Scenario) -> None:
    """One preparation serves all states, because each state of a key is the next one's way."""
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    requests = KeyRequests(kms, key, other)
    # One grant is revoked while the key is disabled, and one while it is pending.
    all_places = requests.prepare(places(kms), grants=2)
    beside = kms.read(other)
    try:
        with names_of(kms, key, all_places) as names:
            known = NamedKey(kms, key, _shown(kms, key, names), requests, kms.view(key))
            known.must_be_known(all_places)
            kms.pool.bring(key, DISABLED)
            known.must_hold_in(DISABLED, all_places)
            known.must_be_scheduled(all_places)
            answer = known.must_hold_in(PENDING, all_places)
        if answer is not None:
            kms.must_be_unchanged("isolation.other-keys", beside, kms.read(other), answer)
    finally:
        requests.clean()
    requests.must_be_complete()


@requirement("disabled.allows")
def test_disabled_key_allows_what_the_table_allows(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    requests = KeyRequests(kms, key, kms.key(ENABLED, key))
    rows = requests.prepare([place for place in places(kms) if _is_allowed(kms, place, DISABLED)])
    try:
        kms.pool.bring(key, DISABLED)
        for place in rows:
            with requests.by_itself(place.operation):
                arguments = requests.arguments(place, key, changing=False)
                answer = kms.must_be_accepted("disabled.allows", kms.ask(place.operation, **arguments))
                requests.must_have_been_given(place, arguments, "disabled.allows", answer)
                requests.note_accepted(place, answer.value)
        kms.must_read_back("disabled.allows", key, [DISABLED], answer)
    finally:
        requests.clean()
    requests.must_be_complete()


def _is_allowed(kms: Scenario, place: Place, state: str) -> bool:
    """Whether the table of key states allows an operation that leaves the state as it is."""
    listed = place.operation in kms.profile.facts["lifecycle"] and place.operation not in CHANGES
    return listed and kms.profile.refusal_in(place.operation, state) is None


@requirement("enabled.every-form", "disabled.every-form", "pending.every-form")
def test_every_form_means_the_request(kms: Scenario) -> None:
    """What is allowed gets one form for each operation at smoke, in turn; what is refused gets all."""
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    forms = served_forms(kms, key)
    requests = KeyRequests(kms, key, other)
    named = {place.operation: place for place in requests.prepare(places(kms))}
    rows = {
        operation: requests.arguments(named[operation], key, changing=False)
        if operation in named
        else requests.arguments_of(operation)
        for operation in kms.client.api.operations
        if not requests.leaves_out(operation)
    }
    for state, requirement_id in _FORMS.items():
        kept = KeptState(kms, key, state, requirement_id, partial(kms.pool.bring, key, state))
        kept.bring_back()
        before, answer = kms.view(key), None
        for number, (operation, arguments) in enumerate(rows.items()):
            for change in _forms_to_ask(kms, forms, operation, state, number):
                request = change(kms.dialect.request(operation, arguments))
                with requests.by_itself(operation):
                    answer = _must_be_answered_as_usual(kept, operation, request, partial(kms.ask, **arguments))
        if answer is not None:
            kept.must_be_unchanged(before, answer)
    beside = kms.read(other)
    for change in forms:
        kms.must_be_unchanged("isolation.other-keys", beside, kms.read(other), _must_change(kms, key, change))
    requests.must_be_complete()


def _forms_to_ask(
    kms: Scenario, forms: Sequence[Callable[[Request], Request]], operation: str, state: str, number: int
) -> Sequence[Callable[[Request], Request]]:
    """The forms of a request to send to a key in this state: what is allowed is asked of enabled keys alone."""
    if not forms or kms.profile.refusal_in(operation, state) is not None:
        return forms
    if state != ENABLED or operation in _NOT_IN_EACH_FORM:
        return ()
    return forms if kms.effort.fuzz_coverage else [forms[number % len(forms)]]


def _must_be_answered_as_usual(
    kept: KeptState, operation: str, request: Request, ask: Callable[[str], Answer]
) -> Answer:
    """Judge that a request in another form is served or refused as the usual one, which `ask` sends."""
    kms, refusal = kept.kms, kept.kms.profile.refusal_in(operation, kept.state)
    answer = _sent(kms, operation, request, refusal)
    fits = answer.accepted if refusal is None else kms.is_told(refusal, answer)
    if not fits and kept.is_restored(served=answer.accepted and operation in CHANGES):
        answer = _sent(kms, operation, request, refusal)
    if operation in kms.profile.may_lack and kms.is_told("lacking_operation", answer):
        return answer
    if refusal is None:
        expected = "it is served as in another form"
        hint = kms.left_out(answer)
        kms.judge.that(kept.requirement, answer.accepted, expected, answer.summary, (answer.number,), hint)
        return answer
    if answer.accepted:
        kept.bring_back()
    else:
        kept.note_refused(operation, answer, partial(ask, operation))
    kms.must_be_refused(kept.requirement, refusal, answer)
    return answer


def _must_change(kms: Scenario, key: str, change: Callable[[Request], Request]) -> Answer:
    """Judge that each change of a key's state is carried out in a form of the request; returns the last answer."""
    for operation, state, states in (
        ("schedule", ENABLED, [PENDING]),
        ("cancel", PENDING, kms.states_after_cancel),
        ("disable", ENABLED, [DISABLED]),
        ("enable", DISABLED, [ENABLED]),
    ):
        if kms.view(key).state != state:
            kms.pool.bring(key, state)
        window = {"window": kms.days + _FURTHER_DAYS} if operation == "schedule" else {}
        asked_at = kms.time.now()
        request = change(kms.dialect.request(operation, {"key_id": key, **window}))
        answer = kms.must_be_accepted(_FORMS[state], _sent(kms, operation, request, None))
        view = kms.must_read_back(_FORMS[state], key, states, answer)
        if window:
            kms.must_be_date(_FORMS[state], view, asked_at, window["window"], answer)
    return answer


def _sent(kms: Scenario, operation: str, request: Request, refusal: str | None) -> Answer:
    """Send a request; it is repeated while its answer may follow the state before the last change."""

    def fits(answer: Answer) -> bool:
        return answer.accepted if refusal is None else kms.is_told(refusal, answer)

    return kms.pool.patience.until(
        operation,
        lambda: kms.client.send(request, kms.client.api[operation]),
        lambda answer: fits(answer) or not kms.client.may_be_late(answer),
        use=operation in USES,
        # A change that was carried out must not be sent again.
        once=operation in CHANGES,
    )


@requirement("decrypt.key-id", "re-encrypt.source-key-id")
def test_named_key_is_that_of_the_ciphertext(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    ciphertext = kms.encrypted(key)
    kms.refuses("decrypt.key-id", "incorrect_key", "decrypt", ciphertext=ciphertext, key_id=other)
    if "re_encrypt" in kms.client.api:
        arguments = {"ciphertext": ciphertext, "source_key_id": other, "key_id": other}
        kms.refuses("re-encrypt.source-key-id", "incorrect_key", "re_encrypt", **arguments)


def _shown(kms: Scenario, key: str, names: dict[str, str]) -> dict[str, str]:
    """The names by which the target describes the key, if an installation may lack them; else all.

    Raises `Lacking` if it describes the key by none.
    """
    if NAMES not in kms.profile.may_lack:
        return names
    if not names:
        raise Inconclusive("The description of the key shows no alias, so it can be named by its id alone.")
    answers = {form: kms.ask("describe", key_id=name) for form, name in names.items()}
    shown = {form: names[form] for form, answer in answers.items() if kms.dialect.key(answer.value).id == key}
    if not shown:
        raise Lacking("The target knows the key by its id alone; earlier editions of the pages have no other name.")
    return shown
