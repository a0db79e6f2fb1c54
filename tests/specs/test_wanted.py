"""What a schema wants, in words: the text that a failure shows as expected."""

from __future__ import annotations

from typing import Any

import pytest

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.wanted import wanted
from kms_conformance.core import specs


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, ""),
        ({"type": "string"}, "a string"),
        ({"type": ["integer", "null"]}, "a whole number or null"),
        ({"type": "string", "pattern": "^a$"}, "a string, of the form ^a$"),
        ({"type": "string", "pattern": "^[0-9]{12}$", "x-kms-form": "12 digits"}, "a string, 12 digits"),
        ({"type": "integer", "minimum": 7, "maximum": 30}, "a whole number, 7 to 30"),
        ({"minimum": 7}, "at least 7"),
        ({"type": "string", "maxLength": 8}, "a string, length at most 8"),
        ({"type": "array", "minItems": 1}, "a list, at least 1 items"),
        ({"enum": ["true", "false"]}, 'one of "true", "false"'),
        ({"const": True}, "true"),
        ({"type": "object", "required": ["id"]}, "an object with id"),
        (
            {
                "type": "object",
                "required": ["error"],
                "properties": {"error": {"type": "object", "required": ["code"]}},
            },
            "an object with error (an object with code)",
        ),
        ({"type": "string", "anyOf": [{"pattern": "^a$"}, {"not": {}}]}, "a string, of the form ^a$"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "a string; or null, or no such field"),
        ({"anyOf": [{"pattern": "^a$"}], "x-kms-form": "the letter a"}, "the letter a"),
    ],
)
def test_a_schema_in_words(schema: dict[str, Any], words: str) -> None:
    assert wanted(schema) == words


@pytest.mark.parametrize("dialect", specs.dialects())
def test_no_reply_wants_a_form_that_only_a_pattern_tells(dialect: str) -> None:
    """A pattern is told in words: people who read a failure need no regular expression."""
    for profile in specs.profile_names(dialect):
        for operation in Api.of(dialect, profile).operations.values():
            for reply in operation.replies.values():
                untold = [node for node in _nodes(reply.schema) if "of the form" in wanted(node)]
                assert untold == [], f"{profile}: {operation.name} {reply.status}"


def _nodes(schema: object) -> list[dict[str, Any]]:
    """The schema and those of its parts; parts of one whose form is told in words are left out."""
    if isinstance(schema, list):
        return [node for each in schema for node in _nodes(each)]
    if not isinstance(schema, dict) or "x-kms-form" in schema:
        return []
    parts = [each for name, each in schema.items() if name != "properties"]
    return [schema, *_nodes([*parts, *schema.get("properties", {}).values()])]
