"""A key under its other names: what it allows and refuses by its id, it allows and refuses by each of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from kms_conformance.catalogue.api import CHANGES, LISTS_OF_KEY
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.oracle import AFTER, DISABLED, ENABLED, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.reader import shown
from kms_conformance.suite.kept_state import KeptState
from kms_conformance.suite.key_requests import KeyRequests, Place
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import must_decrypt

#: What a profile names under `may_lack` if an installation may know keys by their ids alone.
NAMES = "names_of_keys"
# The refusals of a name that the operation's page does not list.
_NO_NAME = "alias_as_key or arn_as_key or unknown_alias or unknown_key or malformed_key"
# Whether the rotation of a key is on after an operation.
_ROTATIONS = {"enable_rotation": True, "disable_rotation": False}
# Members of a reply that are made anew for each reply, or may tell the name that was asked for.
_OF_THE_REPLY = frozenset({"RequestId", "request_id", "NextMarker", "next_marker", "KeyId", "key_id"})


@dataclass
class NamedKey:
    """The requests of one check that name one key otherwise than by its id.

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
        return NAMES in self.kms.profile.may_lack

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
                    if state == ENABLED or self._shows_on_disabled(place, state):
                        self._must_have_effect(place, state, arguments, answer)
                    self.requests.note_accepted(place, answer.value)
                    if place.operation == "describe":
                        self._must_read_as_by_id(state, arguments, answer)
                    elif place.operation in LISTS_OF_KEY:
                        self._must_list_as_by_id(place, state, arguments, answer)
                    elif place.operation == "encrypt":
                        self._must_decrypt(state, answer)

    def _shows_on_disabled(self, place: Place, state: str) -> bool:
        """Whether the effect of a request for a disabled key is judged.

        It is not on a target that flaps, on which each look takes long: the same request for the enabled key is judged.
        """
        flaps = self.kms.pool.patience.flaps
        return state == DISABLED and place.operation not in CHANGES and not flaps

    def _must_read_as_by_id(self, state: str, arguments: dict[str, object], answer: Answer) -> None:
        """Judge that a description by another name is that of the key, with its state, date and description."""
        if _told(self.kms.dialect.key(answer.value)) != _told(self.by_id) and self.kept.is_restored():
            self.by_id = self.kms.view(self.key)
            answer = self.kms.ask("describe", **arguments)
        self.kms.must_show(
            _requirement(state),
            lambda: self.kms.dialect.key(self.kms.ask("describe", **arguments).value),
            lambda view: _told(view) == _told(self.by_id),
            (f"as by the id: {_told(self.by_id)}", _told),
            answer,
            first=self.kms.dialect.key(answer.value),
        )

    def _must_list_as_by_id(self, place: Place, state: str, arguments: dict[str, object], answer: Answer) -> None:
        """Judge that a list or a text about the key is the same by another name."""
        kms, by_id = self.kms, self.requests.plain_arguments(place)

        def listed(by_name: Answer) -> tuple[object, object]:
            return _content(by_name.value), _content(kms.ask(place.operation, **by_id).value)

        kms.must_show(
            _requirement(state),
            lambda: listed(kms.ask(place.operation, **arguments)),
            lambda found: found[0] == found[1],
            (f"{place.operation} as by the id", lambda found: f"{found[0]}, and by the id {found[1]}"),
            answer,
            place.operation,
            first=listed(answer),
        )

    def _must_have_effect(self, place: Place, state: str, arguments: dict[str, object], answer: Answer) -> None:
        """Judge that a change by another name is a change of the key; a description is changed, and changed back."""
        kms, key, requirement_id = self.kms, self.key, _requirement(state)
        if place.operation in AFTER:
            kms.must_read_back(requirement_id, key, [AFTER[place.operation]], answer)
        elif place.operation == "update_description":
            other = f"{arguments['description']}, by another name"
            changed = {**arguments, "description": other}
            answer = kms.must_be_accepted(requirement_id, kms.ask(place.operation, **changed))
            told = f"the description {other!r}", lambda view: repr(view.description)
            kms.must_show(requirement_id, lambda: kms.read(key), lambda view: view.description == other, told, answer)
            kms.must_be_accepted(requirement_id, kms.ask(place.operation, **arguments))
            self.by_id = kms.read(key)
        elif place.operation in _ROTATIONS:
            on = _ROTATIONS[place.operation]
            status = partial(kms.result, "rotation_status", key_id=key)
            kms.must_show(requirement_id, status, lambda shown: shown is on, (str(on), str), answer, "rotation_status")
        else:
            self.requests.must_have_been_given(place, arguments, requirement_id, answer)

    def _must_decrypt(self, state: str, answer: Answer) -> None:
        """Judge that the key decrypts what another name of it has encrypted."""
        ciphertext = self.kms.dialect.secret_output("encrypt", answer.value)
        if ciphertext is not None:
            must_decrypt(self.kms, _requirement(state), (ciphertext,))

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


def _told(view: KeyView) -> str:
    return f"the key {view.id}, {shown(view)}"


def _requirement(state: str) -> RequirementId:
    return as_id(f"{'pending' if state == PENDING else state}.every-name")


def _content(value: object) -> object:
    """What a reply tells, without what belongs to the reply alone; lists are sorted, for no page gives their order."""
    if isinstance(value, Mapping):
        return {name: _content(child) for name, child in value.items() if name not in _OF_THE_REPLY}
    if isinstance(value, list):
        return sorted(map(_content, value), key=partial(json.dumps, sort_keys=True, default=str))
    return value
