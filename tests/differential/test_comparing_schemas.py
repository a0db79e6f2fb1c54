"""Published schemas, validated by another implementation than that of the product."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no types; the product does not use it
import pytest

from kms_conformance.apps import differential as comparing
from kms_conformance.apps.differential import AnswerRecording
from kms_conformance.core import specs


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((specs.SPECS / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", ["recording", "comparison"])
def test_a_schema_is_valid_and_has_its_address(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$id"] == f"https://kms-conformance.dev/schemas/{name}-1.json"


def test_what_is_written_is_what_they_describe(faultless: AnswerRecording) -> None:
    document = json.loads(json.dumps(faultless.to_json()))
    jsonschema.validate(document, schema("recording"))
    comparison = comparing.compare_recordings(faultless, faultless, datetime.now(UTC).replace(microsecond=0))
    told = comparing.to_json(comparison)
    jsonschema.validate(told, schema("comparison"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(told | {"secret": 1}, schema("comparison"))
    document["answers"][0]["token"] = "t"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema("recording"))
