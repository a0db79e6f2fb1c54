"""Mixins that depend on the request: how it names a key, its form, and its credentials."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from kms_conformance.apps.selftest.behaviour_mutations import Change, Mixin
from kms_conformance.emulator import Decisions, Inbound, Key, Rules, State

Picked = Callable[[Inbound], bool]


class Seeing(Decisions):
    """Decisions that know the present request. The suite sends one request at a time."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.inbound: Inbound | None = None

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        self.inbound = inbound
        return super().token_problem(found, inbound)

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        self.inbound = inbound
        return super().signature_problem(found, inbound)


def asked_key(inbound: Inbound) -> str:
    """The last part of the name by which a request names a key: its id, for an id or an ARN; empty without a name."""
    names = (inbound.parameters.get(field) for field in ("key_id", "KeyId", "TargetKeyId"))
    return str(next((name for name in names if name is not None), "")).rpartition("/")[2]


def named_by(*beginnings: str, field: str = "KeyId") -> Picked:
    """Whether a request names a key, in this field, by a text with one of these beginnings."""
    return lambda inbound: str(inbound.parameters.get(field, "")).startswith(beginnings)


def named_in(field: str) -> Picked:
    """Whether a request has this field."""
    return lambda inbound: field in inbound.parameters


def accepting_when(picked: Picked, operations: str, *states: State) -> Mixin:
    """Requests for which `picked` is true are accepted in these states; `operations` are separated by spaces."""

    class AcceptingWhen(Seeing):
        def refusal_for(self, operation: str, key: Key) -> str | None:
            chosen = operation in operations.split() and key.state in states
            open_ = chosen and self.inbound is not None and picked(self.inbound)
            return None if open_ else super().refusal_for(operation, key)

        def parameter_problem(self, found: str, name: str, value: object) -> str | None:
            asked = self.inbound is not None and self.inbound.operation in operations.split() and picked(self.inbound)
            return None if found == "alias_as_key" and asked else super().parameter_problem(found, name, value)

    return AcceptingWhen


def refusing_when(picked: Picked, operation: str, refusal: str, *states: State) -> Mixin:
    """Requests for which `picked` is true are refused in these states, even if the documents accept them."""

    class RefusingWhen(Seeing):
        def refusal_for(self, operation_asked: str, key: Key) -> str | None:
            chosen = operation_asked == operation and key.state in states
            closed = chosen and self.inbound is not None and picked(self.inbound)
            return refusal if closed else super().refusal_for(operation_asked, key)

    return RefusingWhen


def changing_though_refused_when(picked: Picked, refusal: str, change: Change) -> Mixin:
    """Requests for which `picked` is true change the key that they name, although they are refused for this reason."""

    class ChangingThoughRefusedWhen(Seeing):
        def effects_of_refusal(
            self, operation: str | None, found: str, key: Key | None, keys: Collection[Key]
        ) -> Iterable[Key]:
            chosen = found == refusal and key is not None and self.inbound is not None and picked(self.inbound)
            return (change(key),) if chosen and key is not None else ()

    return ChangingThoughRefusedWhen


class _Lenient(dict[str, Key]):
    """Keys by id, found by other texts too: `meant` makes an id of a text."""

    def __init__(self, keys: Mapping[str, Key], meant: Callable[[str, Collection[str]], str]) -> None:
        super().__init__(keys)
        self._meant = meant

    def get(self, name: str, default: Key | None = None) -> Key | None:  # type: ignore[override]  # keys are the only values
        return super().get(self._meant(name, self.keys()), default)


def reading_ids(meant: Callable[[str, Collection[str]], str], operations: Collection[str] = ()) -> Mixin:
    """A text names the key with the id that `meant` makes of it and of all ids, in these operations (none: in all)."""

    class ReadingIds(Decisions):
        def parameter_problem(self, found: str, name: str, value: object) -> str | None:
            return None if found == "malformed_key" else super().parameter_problem(found, name, value)

        def found(
            self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
        ) -> Mapping[str, Key]:
            there = super().found(operation, keys, earlier)
            return _Lenient(there, meant) if not operations or operation in operations else there

    return ReadingIds


def admitting_in(operation: str, *problems: str) -> Mixin:
    """Requests for this operation whose credentials have one of these problems are accepted."""

    class AdmittingIn(Decisions):
        def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
            open_ = found in problems and inbound.operation == operation
            return None if open_ else super().token_problem(found, inbound)

        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            open_ = found in problems and inbound.operation == operation
            return None if open_ else super().signature_problem(found, inbound)

    return AdmittingIn
