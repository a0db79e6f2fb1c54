"""How much a run asks: every tier judges every MUST, the higher ones with more examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Tier = Literal["smoke", "standard", "nightly"]
TIERS: tuple[Tier, ...] = get_args(Tier)


@dataclass(frozen=True)
class Effort:
    """Keys of a run, and examples of the generating checks: fuzzed requests an operation, walks of the lifecycle model.

    `keys` is ours; the target file's limits.max_keys may be lower. `fuzz_creates` of them are for generated requests.
    """

    keys: int
    fuzz_creates: int
    fuzz_examples: int
    fuzz_coverage: bool
    walks: int
    steps: int
    chains: int


EFFORTS: dict[Tier, Effort] = {
    "smoke": Effort(keys=2, fuzz_creates=0, fuzz_examples=2, fuzz_coverage=False, walks=3, steps=12, chains=1),
    "standard": Effort(keys=6, fuzz_creates=1, fuzz_examples=25, fuzz_coverage=True, walks=20, steps=20, chains=8),
    "nightly": Effort(keys=20, fuzz_creates=4, fuzz_examples=200, fuzz_coverage=True, walks=150, steps=30, chains=60),
}
