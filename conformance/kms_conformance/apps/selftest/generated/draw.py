"""The draw: all faults of a dialect, and a sample of them by a seed, spread evenly over the operators."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from kms_conformance.apps.selftest.generated import replies, requests, stored, table, windows
from kms_conformance.apps.selftest.generated.facts import Facts
from kms_conformance.apps.selftest.generated.row import LeftOut, Row

OPERATORS = (
    *table.OPERATORS,
    *stored.OPERATORS,
    *windows.OPERATORS,
    *replies.OPERATORS,
    *requests.OPERATORS,
)


# How many faults that always show are drawn for one that shows in a situation.
_PLAIN = 2


@dataclass(frozen=True)
class Composed:
    """All faults of a dialect by name, and what was left out."""

    rows: Mapping[str, Row]
    left_out: tuple[LeftOut, ...]

    def reasons(self) -> Mapping[str, int]:
        """How many combinations were left out, by reason, the most frequent first."""
        return dict(Counter(one.reason for one in self.left_out).most_common())


@cache
def composed(dialect: str) -> Composed:
    """Every fault that the operators compose for a dialect. Equal faults occur once: their names are equal."""
    facts = Facts.of(dialect)
    rows: dict[str, Row] = {}
    left_out: list[LeftOut] = []
    for found in _all(facts):
        if isinstance(found, LeftOut):
            left_out.append(found)
        elif found.name in rows:
            left_out.append(LeftOut(found.operator, found.parts, "the same as another one on the wire"))
        else:
            rows[found.name] = found
    return Composed(rows, tuple(left_out))


def _all(facts: Facts) -> Iterator[Row | LeftOut]:
    for operator in OPERATORS:
        yield from operator(facts)


def drawn(dialect: str, seed: int, count: int) -> tuple[Row, ...]:
    """`count` faults of a dialect, drawn by the seed; a larger count adds to what a smaller one draws.

    All operators take turns. Of each, one fault in three shows in a situation only, if the operator has such faults.
    """
    draw = random.Random(f"generated {dialect} {seed}")  # noqa: S311 - a sample, no secret
    of_operator: defaultdict[str, list[Row]] = defaultdict(list)
    for row in composed(dialect).rows.values():
        of_operator[row.operator].append(row)
    turns = [_order(rows, draw) for rows in of_operator.values()]
    longest = max(map(len, turns), default=0)
    in_turn = (rows[turn] for turn in range(longest) for rows in turns if turn < len(rows))
    return tuple(itertools.islice(in_turn, count))


def _order(rows: Sequence[Row], draw: random.Random) -> Sequence[Row]:
    """The rows of an operator in a random order, of which two that always show come before each other one."""
    shuffled = draw.sample(rows, len(rows))
    plain = [row for row in shuffled if row.situation == "always"]
    others = [row for row in shuffled if row.situation != "always"]
    result: list[Row] = []
    while plain or others:
        result += [*plain[:_PLAIN], *others[:1]]
        plain, others = plain[_PLAIN:], others[1:]
    return result
