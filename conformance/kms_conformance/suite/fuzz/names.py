"""The operations that there are to fuzz, by their abstract names."""

from __future__ import annotations

from kms_conformance.catalogue.api import operations_of


def names_of(dialect: str) -> tuple[str, ...]:
    """The abstract names of one dialect's operations, in the order of its spec."""
    return tuple(operation["x-kms-operation"] for operation in operations_of(dialect))
