"""Joins what several processes of one run tell of one target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kms_conformance.verdict.results import CheckOutcome, CheckResult

# The outcomes, from the one that decides least to the one that decides most.
_ORDER: tuple[CheckOutcome, ...] = ("passed", "inconclusive", "failed")


def join_results(known: CheckResult, other: CheckResult) -> CheckResult:
    """The result of a check that two processes ran, each for its own keys: the worse outcome, and the failures of both.

    Both have the same target and check. Requests, keys and seconds are those of both together.
    """
    better, worse = sorted((known, other), key=lambda result: _ORDER.index(result.outcome))
    return replace(
        worse,
        seconds=round(known.seconds + other.seconds, 4),
        requests=known.requests + other.requests,
        keys_created=known.keys_created + other.keys_created,
        failures=(*worse.failures, *better.failures),
        inconclusive=tuple(sorted({*worse.inconclusive, *better.inconclusive})),
        exchanges=(*worse.exchanges, *better.exchanges),
        asked={**better.asked, **worse.asked},
        answers=(*worse.answers, *better.answers),
        ended=known.ended and other.ended,
    )


def join_belongings(told: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What several processes gave to their keys and gave back, in the form of `verdict.schema.json`."""
    counts = {
        name: dict(sorted(sum((Counter(entry[name]) for entry in told), Counter()).items()))
        for name in ("made", "returned", "earlier")
    }
    return counts | {"left": [each for entry in told for each in entry["left"]]}
