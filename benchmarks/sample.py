"""Which faults are asked: all of them in an order whose every beginning is a fair sample of the classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from kms_conformance.apps.selftest.deviation import Fault

Case = tuple[Fault, str]
"""A fault, and one of its dialects."""


def ordered(faults: Sequence[Fault], dialects: Sequence[str], seed: int) -> tuple[Case, ...]:
    """All cases in an order that depends on the seed: the first n hold of each class about its share."""
    random = Random(seed)  # noqa: S311 - repeatable, and nothing secret
    classes: dict[str, list[Case]] = defaultdict(list)
    for fault in faults:
        for dialect in fault.dialects:
            if dialect in dialects:
                classes[fault.fault_class].append((fault, dialect))
    placed: list[tuple[float, Case]] = []
    for name in sorted(classes):
        cases = classes[name]
        random.shuffle(cases)
        # A case's place within its class is its place within all; where in its step it stands is left to chance.
        placed += [((index + random.random()) / len(cases), case) for index, case in enumerate(cases)]
    return tuple(case for _, case in sorted(placed, key=lambda pair: pair[0]))
