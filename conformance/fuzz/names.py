"""The operations that there are to fuzz, by their abstract names."""

from __future__ import annotations

from conformance import specs
from conformance.catalogue.api import operations_of


def operation_names() -> tuple[str, ...]:
    """The abstract names of all operations of all dialects."""
    return tuple(dict.fromkeys(name for dialect in specs.dialects() for name in names_of(dialect)))


def names_of(dialect: str) -> tuple[str, ...]:
    """The abstract names of one dialect's operations, in the order of its spec."""
    return tuple(operation["x-kms-operation"] for operation in operations_of(dialect))
