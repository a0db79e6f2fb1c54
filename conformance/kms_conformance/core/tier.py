"""Tiers: how many keys and how many generated requests a run may use. Every tier judges every MUST.

- `smoke` fits into a job that runs for each change.
- `standard` is the default of `run`.
- `nightly` fits into a job that runs once a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Tier = Literal["smoke", "standard", "nightly"]
#: All tiers, from the one that sends the fewest requests to the one that sends the most.
TIERS: tuple[Tier, ...] = get_args(Tier)
#: The seed of a run that names none, so that a release asks everybody the same requests.
DEFAULT_SEED = 1


@dataclass(frozen=True)
class Effort:
    """Limits of one tier. README.md and docs/speed.md give the requests and durations that were measured with them."""

    #: Keys that a run may own at once. `limits.max_keys` of the target file (default 6) can lower the number. The
    #: smallest documented quota of keys is 20 an account (Huawei Cloud).
    keys: int
    #: How many of these keys may be created by fuzzed requests. 0 at smoke, which has no key to spare.
    fuzz_creates: int
    #: How many fuzzed requests to generate for each operation.
    fuzz_examples: int
    #: Whether to send two more kinds of fuzzed requests:
    #:
    #: - for every operation but `create`, requests with the boundary values of each parameter;
    #: - for `schedule`, requests with waiting periods around the bounds, far from the bounds, and random. The number of
    #:   random ones is half of `fuzz_examples`.
    fuzz_coverage: bool
    #: The length of the sequences of changes of a key that are walked on purpose: every sequence of this length.
    history: int
    #: The same for sequences in which requests occur that must be refused; 0: none are walked.
    refused_history: int
    #: How often to send every pair of requests for one key at the same moment; 0: a few pairs, once.
    races: int
    #: How many random sequences of lifecycle operations to send.
    walks: int
    #: The most operations in one of these sequences.
    steps: int
    #: How many days these sequences may move the target's clock in all, if it can be moved; a user is told the number
    #: before a run. They need less: at most 40 days in 150 smoke runs, 415 in 25 standard runs, 2,277 in 3 nightly runs
    #: (drawn, and counted as if no sequence ended early).
    clock_days: int
    #: How many random sequences of linked operations to send, such as: create a key, then schedule the created key.
    chains: int


EFFORTS: dict[Tier, Effort] = {
    # Two keys, because a check that other keys stay unchanged needs a second one. All checks share both, and later runs
    # reuse them. More keys would be a burden, because each key that a run has created stays pending for 7 days or more.
    "smoke": Effort(
        keys=2,
        fuzz_creates=0,
        fuzz_examples=2,
        fuzz_coverage=False,
        history=3,
        refused_history=0,
        races=0,
        walks=3,
        steps=12,
        clock_days=60,
        chains=1,
    ),
    # As many keys as `limits.max_keys` allows by default, and about 10 minutes at 5 requests a second.
    "standard": Effort(
        keys=6,
        fuzz_creates=1,
        fuzz_examples=25,
        fuzz_coverage=True,
        history=5,
        refused_history=2,
        races=2,
        walks=20,
        steps=20,
        clock_days=450,
        chains=8,
    ),
    # For a job at night: about eight times as many generated requests as standard.
    "nightly": Effort(
        keys=20,
        fuzz_creates=4,
        fuzz_examples=200,
        fuzz_coverage=True,
        history=7,
        refused_history=3,
        races=6,
        walks=150,
        steps=30,
        clock_days=3000,
        chains=60,
    ),
}


def keys_allowed(tier: Tier, max_keys: int) -> int:
    """How many keys a run at this tier may own at once: `max_keys` is `limits.max_keys` of the target file."""
    return min(EFFORTS[tier].keys, max_keys)
