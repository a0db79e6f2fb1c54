"""Operators on replies: fields that the schemas require, and values that the schemas or the profile fix."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from kms_conformance.apps.selftest.generated.facts import Facts
from kms_conformance.apps.selftest.generated.row import Deviation, Found, LeftOut, Make, Row
from kms_conformance.apps.selftest.reply_mutations import Rewrite, field, without
from kms_conformance.dialects import adapter_class
from kms_conformance.emulator import Inbound, Outbound, State

Reached = Callable[[], None]
_TIMES = {"always": (1, 1), "from-2nd": (2, 1), "every-2nd": (0, 2)}
_WHEN = {"always": "", "from-2nd": " from the second time on", "every-2nd": " every second time"}
# What a value of another type is, by the type that the schema demands.
_OTHERS: Mapping[str, tuple[Any, ...]] = {
    "string": (7, None, {}),
    "integer": ("7", None),
    "number": ("7", None),
    "boolean": ("true", None),
    "array": ({}, None),
    "object": ("", None),
}


_NOT_TOLD = "the emulator's reply has no such field"


@dataclass(frozen=True)
class _Place:
    """A field in the documented reply: its path, its schema, and whether the reply must have it."""

    path: str
    schema: Mapping[str, Any]
    required: bool


def drops(facts: Facts) -> Found:
    """A success reply lacks a field."""
    for operation in facts.api.operations:
        for place in _places(facts, operation):
            if not place.required:
                yield LeftOut("drops", (operation, place.path), "the schema does not require the field")
                continue
            if not facts.tells(operation, place.path):
                yield LeftOut("drops", (operation, place.path), _NOT_TOLD)
                continue
            for times in _TIMES:
                yield Row(
                    "drops",
                    (operation, place.path, times),
                    f"The reply to {operation} has no {place.path}{_WHEN[times]}.",
                    "major",
                    _rewriting(operation, times, without(place.path)),
                    situation=times,
                )


def retypes(facts: Facts) -> Found:
    """A field of a success reply has a value of another type."""
    for operation in facts.api.operations:
        for place in _places(facts, operation):
            if not facts.tells(operation, place.path):
                yield LeftOut("retypes", (operation, place.path), _NOT_TOLD)
                continue
            kinds = place.schema.get("type", ())
            for kind in (kinds,) if isinstance(kinds, str) else kinds:
                for value in _OTHERS.get(kind, ()):
                    parts = (operation, place.path, repr(value))
                    if _admitted(place.schema, value):
                        yield LeftOut("retypes", parts, "the schema admits the value")
                        continue
                    yield Row(
                        "retypes",
                        parts,
                        f"The reply to {operation} has {value!r} as {place.path}.",
                        "major",
                        _rewriting(operation, "always", field(place.path, lambda _, value=value: value)),  # type: ignore[misc]  # the loop's value is bound
                    )


def alters(facts: Facts) -> Found:
    """Describe shows a particular of a key otherwise, in one state or after one operation."""
    known = facts.profile.key_fields
    # Fields of inner objects may have the same names; those of the key itself come first.
    found = sorted(_places(facts, "describe"), key=lambda place: place.path.count("."), reverse=True)
    places = {place.path.rpartition(".")[2]: place for place in found}
    for name in (*known.fields, *known.name):
        place = places.get(name)
        if place is None or "string" not in str(place.schema.get("type")) or not facts.tells("describe", place.path):
            yield LeftOut("alters", (name,), "describe shows no text of this name")
            continue
        for state in facts.states:
            yield Row(
                "alters",
                (name, state),
                f"Describe shows another {name} while the key is {state.replace('_', ' ')}.",
                "major",
                _shown_in(facts, state, field(place.path, _altered)),
            )


def confuses(facts: Facts) -> Found:
    """A success reply names another key than the one that was asked for."""
    wanted = {adapter_class(facts.dialect).key_field, "key_id", "TargetKeyId", "SourceKeyId"}
    for operation in facts.api.operations:
        for place in _places(facts, operation):
            if place.path.rpartition(".")[2] not in wanted or operation in {"create", "list"}:
                continue
            if not facts.tells(operation, place.path):
                yield LeftOut("confuses", (operation, place.path), _NOT_TOLD)
                continue
            for times in _TIMES:
                yield Row(
                    "confuses",
                    (operation, place.path, times),
                    f"The reply to {operation} names another key as {place.path}{_WHEN[times]}.",
                    "major",
                    _rewriting(operation, times, field(place.path, _other_key)),
                    situation=times,
                )


def misstates(facts: Facts) -> Found:
    """Describe shows a key in another state."""
    names = facts.profile.facts["states"]
    place = next((p for p in _places(facts, "describe") if p.path.lower().replace("_", "").endswith("keystate")), None)
    for state in facts.states if place else ():
        for shown in (State.ENABLED, State.DISABLED, State.PENDING_DELETION):
            if shown is state:
                yield LeftOut("misstates", (state, shown), "this is the state of the key")
                continue
            for times in _TIMES:
                assert place is not None
                yield Row(
                    "misstates",
                    (state, shown, times),
                    f"Describe shows a key that is {state} as {shown}{_WHEN[times]}.",
                    "critical",
                    _shown_in(facts, state, field(place.path, lambda _, shown=shown: names[shown]), times),  # type: ignore[misc]  # the loop's value is bound
                    situation=times,
                )


def bare_errors(facts: Facts) -> Found:
    """The refusals of an operation lack a field."""
    for operation in facts.operations:
        for status, spec in facts.api[operation].replies.items():
            if status < 400 or status >= 500 or spec.schema is None:
                continue
            for path, required in _error_fields(spec.schema):
                if not required:
                    yield LeftOut("bare-errors", (operation, path), "the schema does not require the field")
                    continue
                yield Row(
                    "bare-errors",
                    (operation, path),
                    f"The refusals of {operation} have no {path}.",
                    "minor",
                    _refusing(operation, without(path)),
                )


OPERATORS = (drops, retypes, alters, confuses, misstates, bare_errors)

# --- schemas ----------------------------------------------------------------------------------------------------------


def _places(facts: Facts, operation: str) -> Iterator[_Place]:
    found = facts.api[operation]
    for status in found.success:
        schema = found.replies[status].schema
        if schema is not None:
            yield from _within(schema, "", required=True)


def _within(schema: Mapping[str, Any], path: str, *, required: bool) -> Iterator[_Place]:
    if "items" in schema:
        # Whether a list has rows is not fixed, but a row has its required fields.
        yield from _within(schema["items"], path, required=required)
    for name, inner in schema.get("properties", {}).items():
        needed = required and name in schema.get("required", ())
        here = f"{path}.{name}" if path else name
        yield _Place(here, inner, needed)
        yield from _within(inner, here, required=needed)


def _error_fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    # Where a schema has several forms, the first is that of the service itself.
    first = schema["anyOf"][0] if "anyOf" in schema else schema
    return ((place.path, place.required) for place in _within(first, "", required=True))


def _admitted(schema: Mapping[str, Any], value: object) -> bool:
    return jsonschema_rs.Draft202012Validator(dict(schema)).is_valid(value)


# --- filters ----------------------------------------------------------------------------------------------------------


def _changing(reached: Reached, times: str, rewrite: Rewrite, picked: Callable[[Inbound, Outbound], bool]) -> Deviation:
    first, every = _TIMES[times]
    count = 0

    def filter_(inbound: Inbound, outbound: Outbound) -> Outbound:
        nonlocal count
        if not picked(inbound, outbound):
            return outbound
        changed = rewrite(outbound)
        if changed.body == outbound.body:
            return outbound
        count += 1
        if count < first or count % every:
            return outbound
        reached()
        return changed

    return Deviation(filters=(filter_,))


def _rewriting(operation: str, times: str, rewrite: Rewrite) -> Make:
    return lambda reached: _changing(
        reached, times, rewrite, lambda i, o: i.operation == operation and o.refusal is None and o.status < 300
    )


def _refusing(operation: str, rewrite: Rewrite) -> Make:
    return lambda reached: _changing(
        reached, "always", rewrite, lambda i, o: i.operation == operation and o.refusal is not None
    )


def _shown_in(facts: Facts, state: State, rewrite: Rewrite, times: str = "always") -> Make:
    wire = f'"{facts.profile.facts["states"][state]}"'.encode()

    def picked(inbound: Inbound, outbound: Outbound) -> bool:
        if inbound.operation != "describe" or outbound.refusal is not None:
            return False
        return any(mark + wire in outbound.body for mark in (b'"KeyState": ', b'"key_state": '))

    return lambda reached: _changing(reached, times, rewrite, picked)


def _altered(value: object) -> object:
    """A text with another letter or digit in its last place, so that its form stays the same."""
    if not isinstance(value, str) or not value:
        return value
    last = value[-1]
    return value[:-1] + ("1" if last == "0" else "0" if last.isdigit() else "b" if last == "a" else "a")


def _other_key(value: object) -> object:
    """Another id in place of the one at the end of a text."""
    if not isinstance(value, str):
        return value
    before, slash, _ = value.rpartition("/")
    return f"{before}{slash}{uuid.UUID(int=7, version=4)}"
