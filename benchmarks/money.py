"""Billed items of a run: keys created and requests sent, by operation, tier and dialect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks import suite
from benchmarks.measure import Figure, Result, count

_MEGABYTES = 250.0
# Targets for keys created without a movable clock, as on a real account, which bills keys.
_MOST_KEYS = {"smoke": 1.0, "standard": 2.0}


def costs(dialects: Sequence[str], tiers: Sequence[str]) -> Iterator[Result]:
    """Keys and requests of each tier and dialect without a movable clock; also peak memory at standard."""
    for dialect in dialects:
        for tier in tiers:
            done = suite.run(dialect, tier, clock=False)
            (verdict,) = done.verdicts
            name = f"{dialect}, {tier}"
            if tier == "standard":
                yield Figure("memory", f"{dialect}: peak of a standard run", (done.usage.peak,), "MB", _MEGABYTES)
            yield count("money", f"{name}: keys created", verdict["keys_created"], "keys", _MOST_KEYS.get(tier))
            yield count("money", f"{name}: requests", verdict["requests"], "requests")
            sent = Counter(operation for part in done.parts for operation, _ in part.requests)
            for operation, number in sorted(sent.items()):
                yield count("money", f"{name}: {operation or 'of no operation'}", number, "requests")


def sample() -> Iterator[Result]:
    """Keys and requests of the scenarios at tier smoke in one dialect, without a movable clock; takes seconds."""
    done = suite.run("huawei", "smoke", "-k", "not fuzzing and not lifecycle", clock=False)
    (verdict,) = done.verdicts
    yield count("money", "huawei, scenarios of smoke: keys created", verdict["keys_created"], "keys")
    yield count("money", "huawei, scenarios of smoke: requests", verdict["requests"], "requests")
