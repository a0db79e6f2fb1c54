"""Tiers: how many keys and how many generated requests a run may use. Every tier judges every MUST.

- `smoke` fits into a job that runs for each change.
- `standard` is the default of `run`.
- `nightly` fits into a job that runs once a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Tier = Literal["smoke", "standard", "nightly"]
#: From the smallest to the largest.
TIERS: tuple[Tier, ...] = get_args(Tier)


@dataclass(frozen=True)
class Effort:
    """Limits of one tier. Requests and durations that were measured with them: README.md and docs/speed.md."""

    #: Keys that a run may own at once. `limits.max_keys` of the target file (default 6) can lower the number. The
    #: smallest documented quota of keys is 20 an account (Huawei Cloud).
    keys: int
    #: How many of `keys` the fuzzed requests to create a key may create. 0 at smoke, which has no key to spare.
    fuzz_creates: int
    #: Fuzzed requests an operation.
    fuzz_examples: int
    #: Whether to send the boundary values of every parameter as well, and half of `fuzz_examples` generated windows.
    fuzz_coverage: bool
    #: Random sequences of lifecycle operations, and the most operations in each.
    walks: int
    steps: int
    #: Random sequences of linked operations, such as: create a key, then schedule the key of the reply.
    chains: int


EFFORTS: dict[Tier, Effort] = {
    # A check of other keys needs a second key; a run reuses both. A key stays pending for 7 days or more.
    "smoke": Effort(keys=2, fuzz_creates=0, fuzz_examples=2, fuzz_coverage=False, walks=3, steps=12, chains=1),
    # As many keys as `limits.max_keys` allows by default, and about 10 minutes at 5 requests a second.
    "standard": Effort(keys=6, fuzz_creates=1, fuzz_examples=25, fuzz_coverage=True, walks=20, steps=20, chains=8),
    # For a night: eight times the generated requests of standard.
    "nightly": Effort(keys=20, fuzz_creates=4, fuzz_examples=200, fuzz_coverage=True, walks=150, steps=30, chains=60),
}


def keys_allowed(tier: Tier, max_keys: int) -> int:
    """How many keys a run at this tier may own at once: `max_keys` is `limits.max_keys` of the target file."""
    return min(EFFORTS[tier].keys, max_keys)
