"""Which checks name which requirements, read off the suite itself without any target."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import FunctionType

import pytest

from conformance import suite


def checks_by_requirement() -> Mapping[str, tuple[str, ...]]:
    """The checks of the suite by the requirement ids that they name; an id that none names has no checks."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for check, function in checks():
        for requirement in named_requirements(function):
            if check not in found[requirement]:
                found[requirement].append(check)
    return defaultdict(tuple, {requirement: tuple(names) for requirement, names in found.items()})


def checks() -> Iterator[tuple[str, FunctionType]]:
    """Every check of the suite, named by family and function."""
    for module in pkgutil.iter_modules(suite.__path__):
        if not module.name.startswith("test_"):
            continue
        loaded = importlib.import_module(f"{suite.__name__}.{module.name}")
        for name, function in vars(loaded).items():
            if name.startswith("test_") and isinstance(function, FunctionType):
                yield f"{module.name.removeprefix('test_')}::{name}", function


def named_requirements(function: FunctionType) -> tuple[str, ...]:
    """The ids that a check's marks name, its parameters filled in."""
    marks: list[pytest.Mark] = getattr(function, "pytestmark", [])
    ids = [requirement for mark in marks if mark.name == "requirement" for requirement in mark.args]
    sets = [_values(mark) for mark in marks if mark.name == "parametrize"]
    combined = [dict(itertools.chain(*combination)) for combination in itertools.product(*sets)]
    return tuple(dict.fromkeys(requirement.format(**values) for values in combined for requirement in ids))


def _values(mark: pytest.Mark) -> list[list[tuple[str, object]]]:
    """One list of (name, value) for each set of values of a `parametrize` mark."""
    names = [name.strip() for name in mark.args[0].split(",")] if isinstance(mark.args[0], str) else list(mark.args[0])
    rows = ((values,) if len(names) == 1 else values for values in mark.args[1])
    return [list(zip(names, row, strict=True)) for row in rows]
