"""Runs that follow each other at one endpoint: a state folder that is kept, and a clock that nobody offers to move."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from kms_conformance.apps.selftest.runner import Outcome, run_suite
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.time_control import TimeControl
from kms_conformance.emulator import Emulator, Key
from kms_conformance.target import parse_target

# A night job begins a little later every night.
NIGHT_SECONDS = 24 * 3600 + 60


class Nights:
    """A cloud as it is: its lifetimes pass, and it has no time_control."""

    def __init__(self, emulator: Emulator, state: Path, **limits: Any) -> None:
        self.emulator = emulator
        self.state = state
        target = emulator.target()
        del target["time_control"]
        self.text = yaml.safe_dump(target | {"limits": limits} if limits else target)
        self._foreign = {key.id for key in emulator.store.keys}

    @property
    def ours(self) -> tuple[Key, ...]:
        """All keys there that are not foreign."""
        return tuple(key for key in self.emulator.store.keys if key.id not in self._foreign)

    @property
    def ledger(self) -> Ledger:
        return Ledger.of(parse_target(self.text, "t"), self.state)

    def run(self, *arguments: str, tier: str = "smoke", timeout_seconds: float = 300) -> Outcome:
        """One run."""

        @contextlib.contextmanager
        def served() -> Iterator[str]:
            # In the process of the run: its machine's clock goes with the cloud's.
            TimeControl.now = lambda _: self.emulator.clock.now()  # type: ignore[method-assign]
            yield self.text

        return run_suite(served, tier=tier, arguments=arguments, state=self.state, timeout_seconds=timeout_seconds)

    def pass_night(self, nights: int = 1) -> None:
        self.emulator.clock.advance(nights * NIGHT_SECONDS)


def verdicts(outcome: Outcome, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """(verdict, reason) of some requirements."""
    return {
        entry["id"]: (entry["verdict"], entry["reason"])
        for entry in outcome.verdict["requirements"]
        if entry["id"] in names
    }
