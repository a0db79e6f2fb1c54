"""Updates the JSON Schema of target files with the keys of the built-in ways to sign in.

    python -m tools.target_schema

Run this command after a change of a class in `kms_conformance.auth`. A test compares the file with its output.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kms_conformance.auth import WAYS
from kms_conformance.core import specs
from kms_conformance.target.auth import SCHEMA
from kms_conformance.target.schema import schema_with

_WIDTH = 100


def generated() -> str:
    """The text of the file. Only the ways to sign in change; the rest is taken from the present file."""
    return f"{_written(schema_with(WAYS), '')}\n"


def _written(node: Any, indent: str) -> str:  # noqa: ANN401 - JSON
    """JSON on one line if it is short or has one member, else one line for each member."""
    line = json.dumps(node, ensure_ascii=False)
    inner = f"{indent}  "
    if (isinstance(node, dict) and len(node) > 1) or (isinstance(node, dict) and len(line) > _WIDTH):
        members = [f"{inner}{json.dumps(key)}: {_written(value, inner)}" for key, value in node.items()]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(node, list) and len(line) > _WIDTH:
        items = [f"{inner}{_written(value, inner)}" for value in node]
        return "[\n" + ",\n".join(items) + f"\n{indent}]"
    return line


def main() -> None:
    """Write the file and print its path."""
    path = Path(specs.SPECS) / SCHEMA
    path.write_text(generated(), encoding="utf-8")
    click.echo(path)


if __name__ == "__main__":
    main()
