"""Which checks judge which requirements, without any target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from kms_conformance.core import specs
from kms_conformance.suite.checks import all_checks


def checks_by_requirement() -> Mapping[str, tuple[str, ...]]:
    """The checks of the suite by the requirement ids that they name; an id that none names has no checks."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for dialect in specs.dialects():
        for check in all_checks(dialect):
            for requirement in check.declared:
                found[requirement][f"{check.family}::{check.function}"] = None
    return defaultdict(tuple, {requirement: tuple(names) for requirement, names in found.items()})
