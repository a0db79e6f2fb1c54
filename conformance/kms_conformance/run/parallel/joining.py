"""Joins what several processes or shards of one run tell of one target."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kms_conformance.report import files
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


def join_isolation(found: Sequence[Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    """The comparison of the keys of others, over all shards; None if the comparison of one shard is missing.

    Its digests are computed from the digests of the shards.
    """
    attested = [entry for entry in found if entry is not None]
    if len(attested) < len(found):
        return None
    if len(attested) == 1:
        return attested[0]
    union = {name: sorted({key for entry in attested for key in entry[name]}) for name in ("appeared", "vanished")}
    changed = {files.canonical(change): change for entry in attested for change in entry["changed"]}
    ended = {each["key"]: each for entry in attested for each in entry.get("ended", ())}
    union["vanished"] = [key for key in union["vanished"] if key not in ended]
    return {
        "listed": attested[0]["listed"],
        "listed_after": attested[-1]["listed_after"],
        "bound": attested[0]["bound"],
        "described": attested[0]["described"],
        "digest_before": _digest(entry["digest_before"] for entry in attested),
        "digest_after": _digest(entry["digest_after"] for entry in attested),
        **union,
        "changed": [changed[key] for key in sorted(changed)],
        "complete": all(entry["complete"] for entry in attested),
        "ended": [ended[key] for key in sorted(ended)],
        "denied": max(entry.get("denied", 0) for entry in attested),
        "clock_days": round(sum(entry.get("clock_days", 0) for entry in attested), 1),
    }


def _digest(digests: Iterable[str]) -> str:
    return f"sha256:{hashlib.sha256(' '.join(digests).encode()).hexdigest()}"
