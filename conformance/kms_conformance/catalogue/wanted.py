"""What a JSON Schema wants of a value, in words for people who read a failure.

A schema may say its form in words by `x-kms-form`, which then stand in place of patterns, and name the erratum that
answers a contradiction of the documents by `x-kms-erratum`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
# So deep are the fields of an object named.
_DEPTH = 2


def wanted(schema: Schema, depth: int = _DEPTH, *, formed: bool = False) -> str:
    """The values that a schema allows, such as `a string, milliseconds since 1970, 13 digits`; "" if it allows all.

    References must have been replaced by their targets. Of an object, the required fields are named, `depth` levels
    deep. `formed`: with the forms of these fields, which are what alternatives may differ in.
    """
    own = ", ".join(filter(None, (_type(schema, depth, formed=formed), *_limits(schema), _form(schema))))
    alternatives = [
        wanted(each, depth, formed=True)
        for name in ("anyOf", "oneOf")
        for each in schema.get(name, ())
        if _admits(each)
    ]
    told = "; or ".join(dict.fromkeys(filter(None, alternatives)))
    return ", ".join(filter(None, (own, told))) if "x-kms-form" not in schema else own


def erratum(nodes: Sequence[Schema]) -> str:
    """The id of the erratum that the innermost of these schemas names, given from outside to inside; "" if none."""
    return next((str(node["x-kms-erratum"]) for node in reversed(nodes) if "x-kms-erratum" in node), "")


def condition(schema: Schema, holds: bool, values: Iterable[object]) -> tuple[str, str]:  # noqa: FBT001 - of a value
    """Why a schema binds a value that stands behind `if`, and what was received of that: `, because …`, `, with …`.

    - schema: the schema in `if`, of fields that must have a value each; `holds`: whether the body fulfils it.
    - values: the values on the way to the one that is bound. The innermost object with all these fields is told.
    """
    fields: Mapping[str, Any] = schema.get("properties", {})
    objects = [value for value in values if isinstance(value, Mapping) and fields.keys() <= value.keys()]
    limits = [f"{name} {'is' if holds else 'is not'} {wanted(field)}" for name, field in fields.items()]
    if not limits or not objects:
        return "", ""
    told = ", ".join(f"{name} {_quoted(objects[-1][name])}" for name in fields)
    return f", because {' and '.join(limits)}", f", with {told}"


def _admits(schema: object) -> bool:
    """Whether an alternative admits anything; a profile switches alternatives off by `not: {}`."""
    return isinstance(schema, Mapping) and schema.get("not") != {}


def _type(schema: Schema, depth: int, *, formed: bool) -> str:
    named = schema.get("type", ())
    if named == "null":
        return "null, or no such field"
    words = " or ".join(_TYPES[name] for name in ([named] if isinstance(named, str) else named))
    fields = tuple(schema.get("required", ())) if depth else ()
    if not fields or "array" in named:
        return words
    inner = (_field(name, schema.get("properties", {}).get(name), depth - 1, formed=formed) for name in fields)
    return f"{words or 'an object'} with {', '.join(inner)}"


def _field(name: str, schema: object, depth: int, *, formed: bool) -> str:
    """The name of a required field, with its own required fields if it is an object, or with its form in words."""
    if not isinstance(schema, Mapping):
        return name
    if depth and schema.get("required"):
        return f"{name} ({wanted(schema, depth, formed=formed)})"
    return f"{name} ({schema['x-kms-form']})" if formed and "x-kms-form" in schema else name


def _limits(schema: Schema) -> Iterator[str]:
    if "const" in schema:
        yield _quoted(schema["const"])
    if "enum" in schema:
        values = [_quoted(value) for value in schema["enum"]]
        yield values[0] if len(values) == 1 else f"one of {', '.join(values)}"
    yield _range(schema.get("minimum"), schema.get("maximum"))
    lengths = _range(schema.get("minLength"), schema.get("maxLength"))
    yield f"length {lengths}" if lengths else ""
    items = _range(schema.get("minItems"), schema.get("maxItems"))
    yield f"{items} items" if items else ""


def _range(least: object, most: object) -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f"at least {least}"
    return f"at most {most}" if least is None else f"{least} to {most}"


def _form(schema: Schema) -> str:
    if "x-kms-form" in schema:
        return str(schema["x-kms-form"])
    return f"of the form {schema['pattern']}" if "pattern" in schema else ""


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
