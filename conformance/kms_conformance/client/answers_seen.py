"""Which answers came back: operation, status, error code, and the state in which the key was last read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kms_conformance.client.oracle import AFTER, ENABLED, GONE, PENDING
from kms_conformance.wire.contents import fields

if TYPE_CHECKING:
    from kms_conformance.catalogue.profile import Profile
    from kms_conformance.client.answer import Answer
    from kms_conformance.client.gate import Gate
    from kms_conformance.dialects.base import Dialect
    from kms_conformance.wire.messages import Request

#: What stands in place of a state. The request names no key; a key by another name than its id, such as an alias; a key
#: that is not one of the run, or does not exist; a key that was not read since it may have changed, or that only an
#: unknown ciphertext names.
NO_KEY, OTHER_NAME, NOT_OURS, UNREAD = "no key", "another name", "no key of the run", "not read"

#: Operations that name their key by a ciphertext.
BY_CIPHERTEXT = frozenset({"decrypt", "re_encrypt"})


class SeenAnswer(NamedTuple):
    """One kind of answer. `operation` is the vendor's name; `code` is empty for an answer without an error code."""

    operation: str
    status: int
    code: str
    state: str


@dataclass
class AnswersSeen:
    """Notes the answers to documented operations; `take` gives those since the last call.

    The state is the one that the last reply to `describe` showed, or that an accepted change leads to. On a target that
    shows changes late, the service may have been in another state. A ciphertext names the key that made it. Of several
    keys, the state of the first counts that is not enabled.

    `clean` removes secrets: an endpoint may send them as error codes.
    """

    dialect: Dialect
    gate: Gate
    profile: Profile
    clean: Callable[[str], str] = str
    _states: dict[str, str] = field(default_factory=dict)
    _seen: dict[SeenAnswer, list[int]] = field(default_factory=dict)
    _codes: dict[str, str] = field(default_factory=dict)
    _sealed: dict[str, str] = field(default_factory=dict)

    def note(self, answer: Answer) -> None:
        """Note one answer."""
        operation = answer.operation
        if operation is None:
            return
        named, otherwise = self.gate.named(answer.request)
        sealed = self._sealed_by(answer.request, operation.name)
        keys = (*sealed, *named)
        gone = self.profile.admits("unknown_key", answer.status, answer.code)
        for key in keys:
            if gone and self._states.get(key) == PENDING:
                self._states[key] = GONE
        # One of two keys may be named by an alias, whose state is not known.
        unknown = operation.name in BY_CIPHERTEXT and (otherwise or not sealed)
        state = UNREAD if unknown else self._state(answer.request, keys, otherwise=otherwise)
        seen = SeenAnswer(operation.id, answer.status, self._code(answer.code), state)
        found = self._seen.setdefault(seen, [0, answer.number])
        found[0] += 1
        if answer.accepted:
            self._note_effect(operation.name, answer, keys, otherwise=otherwise)

    def forget(self, keys: Iterable[str]) -> None:
        """Note that the states of these keys are not known, because several requests may change them at once."""
        for key in keys:
            self._states.pop(key, None)

    def take(self) -> tuple[Mapping[str, object], ...]:
        """The answers since the last call, as JSON: see `CheckResult.answers`."""
        found = tuple(
            {**seen._asdict(), "count": count, "first": first} for seen, (count, first) in sorted(self._seen.items())
        )
        self._seen, self._codes = {}, {}
        return found

    def _code(self, code: str | None) -> str:
        """The code without secrets. It is cleaned at once: the redactor soon forgets the secrets of one exchange."""
        if code is None:
            return ""
        if code not in self._codes:
            self._codes[code] = self.clean(code)
        return self._codes[code]

    def _state(self, request: Request, keys: tuple[str, ...], *, otherwise: bool) -> str:
        if keys:
            states = [self._states.get(key, UNREAD) for key in keys]
            return next((state for state in states if state != ENABLED), ENABLED)
        if otherwise:
            return NO_KEY if self.gate.may_create(request) else OTHER_NAME
        return NOT_OURS if self.gate.names_stranger(request) else NO_KEY

    def _sealed_by(self, request: Request, name: str) -> tuple[str, ...]:
        """The keys whose ciphertexts a request has."""
        if name not in BY_CIPHERTEXT:
            return ()
        texts = (text for found in fields(request) for text in found.texts)
        return tuple(dict.fromkeys(self._sealed[text] for text in texts if text in self._sealed))

    def _ciphertext(self, name: str, value: object) -> str | None:
        if name == "encrypt":
            return self.dialect.secret_output(name, value)
        return self.dialect.data_key(value) if name.startswith("generate_data_key") else None

    def _note_effect(self, name: str, answer: Answer, keys: tuple[str, ...], *, otherwise: bool) -> None:
        output = self._ciphertext(name, answer.value) if len(keys) == 1 else None
        if output is not None:
            self._sealed[output] = keys[0]
        if name == "describe":
            view = self.dialect.key(answer.value)
            if view.id is not None:
                self._states[view.id] = view.state
        elif name in AFTER and keys:
            self._states.update(dict.fromkeys(keys, AFTER[name]))
        elif name == "cancel" and keys:
            # The state after it depends on the profile and on the state before: only a reply shows it.
            for key in keys:
                self._states.pop(key, None)
        elif otherwise and (name in AFTER or name == "cancel"):
            self._states.clear()
