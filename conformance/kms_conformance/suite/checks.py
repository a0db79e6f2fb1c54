"""Finds all checks of the suite from its test functions and their marks, without a pytest session."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import FunctionType

import pytest

from kms_conformance import suite
from kms_conformance.catalogue.api import operations_of
from kms_conformance.catalogue.families import position
from kms_conformance.core import specs


@dataclass(frozen=True)
class SuiteCheck:
    """One check with values for its parameters.

    - `id`: the name of the check without a target, such as `window::test_bound_is_accepted_and_dated[minimum]`.
    - `variant`: the part of `id` in brackets.
    - `declared`: the ids of the requirements that the check judges.
    - `asked`: the operations that a dialect must have for the check.
    """

    id: str
    family: str
    function: str
    variant: str
    parameters: tuple[tuple[str, object], ...]
    marks: tuple[pytest.Mark, ...]
    declared: frozenset[str]
    asked: frozenset[str]

    @property
    def title(self) -> str:
        """The name of the function in words, with the variant."""
        words = self.function.removeprefix("test_").replace("_", " ")
        return f"{words} ({self.variant})" if self.variant else words

    def mark(self, name: str) -> pytest.Mark | None:
        """The check's mark of this name, or None."""
        return next((mark for mark in self.marks if mark.name == name), None)

    def node_id(self, target: str) -> str:
        """The pytest node id of the check at a target, without the folder of the suite."""
        variant = f"-{self.variant}" if self.variant else ""
        return f"test_{self.family}.py::{self.function}[{target}{variant}]"


@cache
def all_checks(dialect: str) -> tuple[SuiteCheck, ...]:
    """All checks for targets of a dialect, in the order of a run."""
    found = [
        check
        for family, function in functions()
        if "kms" in function.__code__.co_varnames[: function.__code__.co_argcount]
        for check in _variants(family, function, dialect)
    ]
    return tuple(sorted(found, key=lambda check: position(check.family)))


def functions() -> Iterator[tuple[str, FunctionType]]:
    """All checks as pairs of family and test function."""
    for module in pkgutil.iter_modules(suite.__path__):
        if not module.name.startswith("test_"):
            continue
        loaded = importlib.import_module(f"{suite.__name__}.{module.name}")
        for name, function in vars(loaded).items():
            if name.startswith("test_") and isinstance(function, FunctionType):
                yield module.name.removeprefix("test_"), function


def operation_names(dialect: str) -> tuple[str, ...]:
    """The abstract names of a dialect's operations, in the order of its spec."""
    return tuple(operation["x-kms-operation"] for operation in operations_of(dialect))


_Parameters = tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class _Row:
    """One row of a `parametrize` mark: its id, its values by parameter name, and its own marks."""

    id: str
    values: _Parameters
    marks: tuple[pytest.Mark, ...] = ()


def _variants(family: str, function: FunctionType, dialect: str) -> Iterator[SuiteCheck]:
    own: tuple[pytest.Mark, ...] = tuple(getattr(function, "pytestmark", ()))
    each = [_operations(mark, dialect) for mark in own if mark.name == "of_each_operation"]
    sets = [*each, *(_rows(mark) for mark in own if mark.name == "parametrize")]
    for rows in itertools.product(*sets):
        variant = "-".join(row.id for row in rows)
        parameters = tuple(itertools.chain.from_iterable(row.values for row in rows))
        marks = (*itertools.chain.from_iterable(row.marks for row in rows), *own)
        suffix = f"[{variant}]" if variant else ""
        yield SuiteCheck(
            id=f"{family}::{function.__name__}{suffix}",
            family=family,
            function=function.__name__,
            variant=variant,
            parameters=parameters,
            marks=marks,
            declared=_named(marks, "requirement", parameters),
            asked=_named(marks, "asks", parameters),
        )


def _operations(mark: pytest.Mark, dialect: str) -> list[_Row]:
    """One row for each operation of the dialect, except the operations that the mark lists in `besides`."""
    marked = mark.kwargs["marked"]
    names = [name for name in operation_names(dialect) if name not in mark.kwargs["besides"]]
    return [
        _Row(name, (("operation", name),), tuple(decorator.mark for decorator in marked.get(name, ())))
        for name in names
    ]


def _rows(mark: pytest.Mark) -> list[_Row]:
    given, rows = mark.args[0], mark.args[1]
    names = [name.strip() for name in given.split(",")] if isinstance(given, str) else list(given)
    ids = mark.kwargs.get("ids") or [None] * len(rows)
    return [_row(names, row, name) for row, name in zip(rows, ids, strict=True)]


def _row(names: Sequence[str], row: object, name: str | None) -> _Row:
    marks: tuple[pytest.Mark, ...] = ()
    if isinstance(row, type(pytest.param())):
        marks = tuple(mark if isinstance(mark, pytest.Mark) else mark.mark for mark in row.marks)
        name = row.id if isinstance(row.id, str) else name
        values: Iterable[object] = row.values
    else:
        values = (row,) if len(names) == 1 else row  # type: ignore[assignment]  # pytest demands a sequence here
    found = tuple(zip(names, values, strict=True))
    return _Row(name or "-".join(_word(value) for _, value in found), found, marks)


def _word(value: object) -> str:
    """The text of a parameter's value in the id of a check, if the suite gives the value no id of its own.

    Raises `TypeError` for a value of a type that pytest would name by a number.
    """
    if not isinstance(value, (str, int, float)):
        raise TypeError(f"a parameter of the suite has no id: {value!r}")
    return str(value)


def _named(marks: Iterable[pytest.Mark], name: str, parameters: _Parameters) -> frozenset[str]:
    """The arguments of all marks of this name, with the check's parameters filled in."""
    values = dict(parameters)
    return frozenset(text.format(**values) for mark in marks if mark.name == name for text in mark.args)


def checks_by_requirement() -> Mapping[str, tuple[str, ...]]:
    """For each requirement id, the names of the checks that declare it; an empty tuple if no check declares it."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for dialect in specs.dialects():
        for check in all_checks(dialect):
            for requirement in check.declared:
                found[requirement][f"{check.family}::{check.function}"] = None
    return defaultdict(tuple, {requirement: tuple(names) for requirement, names in found.items()})
