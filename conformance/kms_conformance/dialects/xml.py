"""XML has no types: read the text of a tree by the types that the JSON schema of the same reply gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def typed(value: object, schema: Mapping[str, Any]) -> object:
    """The same tree with integers, booleans and lists where the schema has them; what does not fit stays text."""
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        fields = value if isinstance(value, dict) else {}
        return {name: typed(field, properties.get(name, {})) for name, field in fields.items()}
    if kind == "array":
        items = value if isinstance(value, list) else [] if value in (None, "") else [value]
        return [typed(item, schema.get("items", {})) for item in items]
    if kind == "integer" and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value
