"""The order of faults: every prefix of it is a fair sample of the classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from kms_conformance.apps.selftest.deviation import Fault

Case = tuple[Fault, str]
"""A fault, and one of its dialects."""


def ordered(faults: Sequence[Fault], dialects: Sequence[str], seed: int) -> tuple[Case, ...]:
    """All cases in an order that depends on the seed; each prefix has the classes in about equal proportion."""
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
        # The relative position of a case is that in its class, with a random offset of up to one step.
        placed += [((index + random.random()) / len(cases), case) for index, case in enumerate(cases)]
    return tuple(case for _, case in sorted(placed, key=lambda pair: pair[0]))
