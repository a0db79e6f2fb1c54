from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no types; the product does not use it
import pytest

from kms_conformance.core import specs

NAMES = ("verdict", "results", "manifest", "environment", "board", "board-release", "card")


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((specs.SPECS / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_and_has_its_address(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$id"] == f"https://kms-conformance.dev/schemas/{name}-1.json"


@pytest.mark.parametrize("name", NAMES)
def test_every_object_is_closed_or_says_what_else_it_holds(name: str) -> None:
    def objects(node: object) -> list[dict[str, Any]]:
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        own = [node] if isinstance(node, dict) and node.get("type") == "object" else []
        return [*own, *(found for child in children for found in objects(child))]

    assert [each for each in objects(schema(name)) if "additionalProperties" not in each] == []


def test_the_schema_of_results_leads_to_that_of_verdicts(written: Path) -> None:
    """By another implementation than the one that validates in the product."""
    results = json.loads((written / "several" / "results.json").read_text())
    from referencing import Registry, Resource  # noqa: PLC0415 - comes with jsonschema

    registry = Registry().with_resource(schema("verdict")["$id"], Resource.from_contents(schema("verdict")))
    validator = jsonschema.Draft202012Validator(schema("results"), registry=registry)
    assert list(validator.iter_errors(results)) == []
    results["targets"][0]["verdict"]["tier"] = "heroic"
    assert [list(error.path) for error in validator.iter_errors(results)] == [["targets", 0, "verdict", "tier"]]
