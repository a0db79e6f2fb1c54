"""Serves an emulator that deviates, as what a run of the suite is pointed at."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import yaml

from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Emulator, Filter

Prepare = Callable[[], contextlib.AbstractContextManager[str]]

HUAWEI, ALIBABA, AWS = "huawei", "alibaba", "aws"
BOTH = (HUAWEI, ALIBABA)
# The order decides which dialect a sample draws.
ALL = (*BOTH, *(name for name in specs.emulated() if name not in BOTH))


def serving(
    dialect: str,
    *,
    decisions: Sequence[type[Decisions]] = (),
    filters: Sequence[Filter] = (),
    auth: str | None = None,
    foreign_keys: int = 3,
    profile: str = "documents",
    timeout_seconds: float | None = None,
    port: int = 0,
) -> Prepare:
    """What `run_suite` wants: gives the text of a target file, and ends with the first bug of the emulator's own."""

    @contextlib.contextmanager
    def served() -> Iterator[str]:
        made = type("Deviating", tuple(decisions) or (Decisions,), {})
        emulator = Emulator(
            dialect, profile=profile, port=port, decisions=made, filters=filters, foreign_keys=foreign_keys
        )
        with emulator:
            limits = {} if timeout_seconds is None else {"limits": {"timeout_seconds": timeout_seconds}}
            yield yaml.safe_dump(emulator.target(auth) | limits, sort_keys=False)
        if emulator.failures:
            raise emulator.failures[0]

    return served


def only(families: Sequence[str]) -> tuple[str, ...]:
    """The arguments that narrow a run down to these families, and `entry`, without which there is no run."""
    return ("-k", " or ".join(f"test_{family}.py" for family in dict.fromkeys(("entry", *families))))
