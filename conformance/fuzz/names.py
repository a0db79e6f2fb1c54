"""The operations that there are to fuzz, by their abstract names, and which of them only look."""

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
    return tuple(operation["x-kms-operation"] for operation in _operations_of(dialect))


def _operations_of(dialect: str) -> Iterator[dict[str, Any]]:
    file = next(file for file in SPEC_FILES if (specs.SPECS / dialect / file).is_file())
    return _operations_in(specs.load(f"{dialect}/{file}"))


def _operations_in(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any part of a YAML document
    if isinstance(node, dict):
        if "x-kms-operation" in node:
            yield node
        for value in node.values():
            yield from _operations_in(value)


# What no spec marks so may change something: an operation of a new dialect is handled with care by default.
READ_ONLY = frozenset(
    operation["x-kms-operation"]
    for dialect in specs.dialects()
    for operation in _operations_of(dialect)
    if operation.get("x-kms-reads")
)
