"""What the tests of hostile files damage: one file or folder of each form, and the emulator that they speak of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kms_conformance.emulator import Emulator


@dataclass(frozen=True)
class Samples:
    """One file or folder of each of our forms, made by real commands; not to be changed."""

    reports: Path
    sealed: Path
    shards: tuple[Path, Path]
    recordings: tuple[Path, Path]
    target: Path
    waivers: Path
    ledger: Path
    failure: str
    emulator: Emulator
