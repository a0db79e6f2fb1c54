"""Every name: what a key allows and refuses by its id, it allows and refuses by every other name, in every state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from kms_conformance.catalogue.api import CHANGES, USES
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lacking
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.reader import shown
from kms_conformance.suite.kept_state import KeptState
from kms_conformance.suite.key_requests import KeyRequests, Place, names_of, places
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import served_forms
from kms_conformance.wire.messages import Request

# What a profile names under `may_lack` if an installation may know keys by their ids alone.
_NAMES = "names_of_keys"
# The refusals of a name that the operation's page does not list.
_NO_NAME = "alias_as_key or arn_as_key or unknown_alias or unknown_key or malformed_key"

_FORMS: Mapping[str, RequirementId] = {
    ENABLED: "enabled.every-form",
    DISABLED: "disabled.every-form",
    PENDING: "pending.every-form",
}
# The windows of requests in other forms differ so from the usual and the shortest one.
_FURTHER_DAYS = 3
# What would need a key or an alias for each form; `_must_change` tries the changes.
_NOT_IN_EACH_FORM = {*CHANGES, "create", "set_alias", "delete_alias"}


@dataclass
class _Names:
    """The requests of one check on one key.

    - names: the names of the key besides its id, by form.
    - requests: the arguments of valid requests.
    - by_id: how the key reads by its id.
    - latest: the answer to the latest request that was accepted by another name.
    """

    kms: Scenario
    key: str
    names: dict[str, str]
    requests: KeyRequests
    by_id: KeyView
    kept: KeptState = field(init=False)
    latest: Answer | None = None

    def __post_init__(self) -> None:
        self.kept = self._kept(ENABLED)

    @property
    def open(self) -> bool:
        """Whether an installation may know keys by their ids alone."""
        return _NAMES in self.kms.profile.may_lack

    def must_be_scheduled(self, all_places: tuple[Place, ...]) -> None:
        """Judge that the disabled key is scheduled by each documented name, and bring it into pending deletion."""
        for place in all_places:
            if place.operation == "schedule" and self.names.keys() & set(place.forms):
                self.kms.pool.bring(self.key, DISABLED)
                asked_at = self.kms.time.now()
                self._must_accept(place, DISABLED)
                view = self.kms.read(self.key)
                if self.latest is not None and view.state == PENDING:
                    days, requirement_id = self.kms.days, _requirement(DISABLED)
                    self.kms.must_be_date(requirement_id, view, asked_at, days, self.latest)
        self.kms.pool.bring(self.key, PENDING)

    def must_be_known(self, all_places: tuple[Place, ...]) -> None:
        """Judge that the enabled key allows by each documented name what it allows by its id."""
        # Last comes what moves the key: it is disabled, and enabled again.
        order = {"disable": 1, "enable": 2}
        for place in sorted(all_places, key=lambda place: order.get(place.operation, 0)):
            refusal = self.kms.profile.refusal_in(place.operation, ENABLED)
            if refusal is not None:
                self._must_refuse(place, ENABLED, refusal)
            elif place.operation != "schedule":
                self._must_accept(place, ENABLED)
        if "enable" in {place.operation for place in all_places}:
            # Enabling an enabled key is another row of the table of key states.
            self._must_accept(next(place for place in all_places if place.operation == "enable"), ENABLED)

    def must_hold_in(self, state: str, all_places: tuple[Place, ...]) -> Answer | None:
        """Judge that the key, in this state, refuses and allows by each name what it refuses and allows by its id.

        Returns the answer to the last refused request.
        """
        kms = self.kms
        before = self.by_id = kms.view(self.key)
        kept = self.kept = self._kept(state)
        answer: Answer | None = None
        for place in all_places:
            refusal = kms.profile.refusal_in(place.operation, state)
            if refusal is not None:
                answer = self._must_refuse(place, state, refusal) or answer
            elif place.operation in kms.profile.facts["lifecycle"] and (
                place.operation not in CHANGES or (place.operation, state) == ("disable", DISABLED)
            ):
                self._must_accept(place, state)
        if answer is not None:
            kept.must_be_unchanged(before, answer)
        return answer

    def _kept(self, state: str) -> KeptState:
        return KeptState(self.kms, self.key, state, _requirement(state), lambda: self._bring_back(state))

    def _must_accept(self, place: Place, state: str) -> None:
        for form, name in self._names(place).items():
            if form in place.forms:
                arguments = self.requests.arguments(place, name, changing=False)
                with self.requests.by_itself(place.operation):
                    answer = self._asked(place, arguments, lambda answer: answer.accepted)
                    if not answer.accepted and not self._by_id(place, changing=False).accepted:
                        # What the key refuses by its id too is judged by the checks of the state and of the operation.
                        continue
                    answer = self.latest = self.kms.must_be_accepted(_requirement(state), answer)
                    self.requests.note_accepted(place, answer.value)
                    if place.operation == "describe":
                        self._must_read_as_by_id(state, arguments, answer)

    def _must_read_as_by_id(self, state: str, arguments: dict[str, object], answer: Answer) -> None:
        """Judge that a description by another name is that of the key, with its state, date and description."""
        if _told(self.kms.dialect.key(answer.value)) != _told(self.by_id) and self.kept.is_restored():
            self.by_id = self.kms.view(self.key)
            answer = self.kms.ask("describe", **arguments)
        first = [answer]

        def look() -> KeyView:
            return self.kms.dialect.key((first.pop() if first else self.kms.ask("describe", **arguments)).value)

        self.kms.must_show(
            _requirement(state),
            look,
            lambda view: _told(view) == _told(self.by_id),
            (f"as by the id: {_told(self.by_id)}", _told),
            answer,
        )

    def _asked(self, place: Place, arguments: dict[str, object], fits: Callable[[Answer], bool]) -> Answer:
        """The answer to a request; if it does not fit because a refused request had moved the key, that to a second."""
        answer = self.kms.again_until(self.kms.ask(place.operation, **arguments), fits)
        served = answer.accepted and place.operation in CHANGES
        if not fits(answer) and self.kept.is_restored(served=served):
            answer = self.kms.ask(place.operation, **arguments)
        return answer

    def _by_id(self, place: Place, *, changing: bool = True) -> Answer:
        """The answer to the same request by the key's id."""
        answer = self.kms.ask(place.operation, **self.requests.arguments(place, self.key, changing=changing))
        if answer.accepted:
            self.requests.note_accepted(place, answer.value)
        return answer

    def _bring_back(self, state: str) -> None:
        """Bring the key into a state in the way in which it came there: pending keys were disabled before."""
        if state == PENDING:
            self.kms.pool.bring(self.key, DISABLED)
        self.kms.pool.bring(self.key, state)

    def _names(self, place: Place) -> dict[str, str]:
        """The names to send: beside a ciphertext, the id is one of them."""
        return {"id": self.key, **self.names} if place.optional else self.names

    def _must_refuse(self, place: Place, state: str, refusal: str) -> Answer | None:
        answer: Answer | None = None
        for form, name in self._names(place).items():
            documented = form in place.forms
            if documented or (state == PENDING and self.kms.profile.has_refusal("alias_as_key")):
                expected = refusal if documented and not self.open else f"{refusal} or {_NO_NAME}"
                with self.requests.by_itself(place.operation):
                    answer = self._refused(place, state, name, expected) or answer
        return answer

    def _refused(self, place: Place, state: str, name: str, expected: str) -> Answer | None:
        kms = self.kms
        arguments = self.requests.arguments(place, name)
        answer = self._asked(place, arguments, partial(kms.is_told, expected))
        if not answer.accepted:
            if not kms.is_told(expected, answer):
                by_id = self._by_id(place)
                if (by_id.status, by_id.code) == (answer.status, answer.code):
                    return answer
            kms.must_be_refused(_requirement(state), expected, answer)
            plain = self.requests.plain_arguments(place)
            self.kept.note_refused(place.operation, answer, partial(kms.ask, place.operation, **plain))
            return answer
        self.requests.note_accepted(place, answer.value)
        self._bring_back(state)
        # If the key allows it by its id too, that is judged by the checks of the state.
        plainly = kms.ask(place.operation, **self.requests.plain_arguments(place))
        if not plainly.accepted:
            if kms.view(self.key).state != state:
                self._bring_back(state)
            answer = kms.ask(place.operation, **self.requests.arguments(place, name))
            kms.must_be_refused(_requirement(state), expected, answer)
        self._bring_back(state)
        return answer


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
            known = _Names(kms, key, _shown(kms, key, names), requests, kms.view(key))
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


def _told(view: KeyView) -> str:
    return f"the key {view.id}, {shown(view)}"


def _requirement(state: str) -> RequirementId:
    return as_id(f"{'pending' if state == PENDING else state}.every-name")


def _shown(kms: Scenario, key: str, names: dict[str, str]) -> dict[str, str]:
    """The names by which the target describes the key, if an installation may lack them; else all.

    Raises `Lacking` if it describes the key by none.
    """
    if _NAMES not in kms.profile.may_lack:
        return names
    if not names:
        raise Inconclusive("The description of the key shows no alias, so it can be named by its id alone.")
    answers = {form: kms.ask("describe", key_id=name) for form, name in names.items()}
    shown = {form: names[form] for form, answer in answers.items() if kms.dialect.key(answer.value).id == key}
    if not shown:
        raise Lacking("The target knows the key by its id alone; earlier editions of the pages have no other name.")
    return shown
