"""Validates documents by the published JSON Schemas, before they are written and after they are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from itertools import islice
from typing import Any, Literal, TypeVar

import jsonschema_rs

from kms_conformance.core import specs
from kms_conformance.core.text import shortened
from kms_conformance.report.files import ReportError

Schema = Literal[
    "verdict",
    "results",
    "traceability",
    "manifest",
    "environment",
    "sdk",
    "recording",
    "comparison",
    "changes",
    "answers",
    "events",
    "shard",
    "board",
    "board-release",
]
_OF_EVERY_RUN: tuple[Schema, ...] = ("verdict", "results", "traceability")
_MOST_SHOWN = 3
_Made = TypeVar("_Made")


def validate(document: object, schema: Schema, name: str) -> None:
    """Raise `ReportError` unless the document is valid by the schema; `name` is the file name in the message."""
    try:
        found = [f"{_where(error)}: {_short(error.message)}" for error in _problems(document, schema)]
    except UnicodeEncodeError:
        found = ["It has a lone surrogate, which is not valid text."]
    except (ValueError, RecursionError):
        # jsonschema_rs fails on documents with more than 255 levels.
        found = ["It is nested deeper than any report."]
    if found:
        raise ReportError(
            f"{name} cannot be used.",
            "\n".join([f"It is not valid by {schema}.schema.json.", *found]),
            "It was changed, or another version of the suite wrote it: run again with this version.",
        )


def built(make: Callable[[Any], _Made], document: object, name: str) -> _Made:
    """Build a value by `make` from a document that is valid by its schema.

    Raises `ReportError` if `make` fails: a schema cannot express every condition, so a valid document may still be
    unusable. `name` is the file name in the message.
    """
    try:
        return make(document)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ReportError(
            f"{name} cannot be used.",
            f"Its content is not that of a run ({type(error).__name__}: {shortened(str(error), 200)}).",
            "It was changed, or another version of the suite wrote it: run again with this version.",
        ) from error


def _problems(document: object, schema: Schema) -> list[jsonschema_rs.ValidationError]:
    return list(islice(_validator(schema).iter_errors(document), _MOST_SHOWN))


def prepare() -> None:
    """Compile the schemas of the files that every run writes, for processes that are forked later."""
    for schema in _OF_EVERY_RUN:
        _validator(schema)


@cache
def _validator(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    registry = jsonschema_rs.Registry([(_load("verdict")["$id"], _load("verdict"))])
    return jsonschema_rs.Draft202012Validator(_load(schema), registry=registry)


def _load(schema: Schema) -> dict[str, str]:
    loaded: dict[str, str] = json.loads((specs.SPECS / "schemas" / f"{schema}.schema.json").read_text(encoding="utf-8"))
    return loaded


def _where(error: jsonschema_rs.ValidationError) -> str:
    return "/".join(map(str, error.instance_path)) or "the document"


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:120]} … {message[-70:]}"
