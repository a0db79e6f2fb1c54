"""The operations that there are to fuzz, by their abstract names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance import specs
from conformance.catalogue.api import SPEC_FILES


def operation_names() -> tuple[str, ...]:
    """The abstract names of all operations of all dialects."""
    return tuple(dict.fromkeys(name for dialect in specs.dialects() for name in names_of(dialect)))


def names_of(dialect: str) -> tuple[str, ...]:
    """The abstract names of one dialect's operations, in the order of its spec."""
    file = next(file for file in SPEC_FILES if (specs.SPECS / dialect / file).is_file())
    return tuple(_names_in(specs.load(f"{dialect}/{file}")))


def _names_in(node: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a YAML document
    if isinstance(node, dict):
        if "x-kms-operation" in node:
            yield node["x-kms-operation"]
        for value in node.values():
            yield from _names_in(value)
