"""Storage of one target's recording: exchanges, ledger lines and the checks that began, during a run and after it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import ACCOUNT, LedgerLine
from kms_conformance.recording.recorder import recorded_world
from kms_conformance.target import Target

EXCHANGES = "exchanges.jsonl.gz"
LEDGER = "ledger.jsonl"
FACTS = "facts.json"


@dataclass(frozen=True)
class RunFacts:
    """Facts that are needed besides the exchanges to judge a run again.

    - run: the id of the run in the ledger.
    - chance: with the seed, it determines the random names and ids of the run.
    - checks: the checks that began, in their order.
    - alone: whether no other run wrote to the ledger or held keys in it during the run.
    - interrupted: whether the run ended early.
    """

    run: str
    chance: str
    checks: tuple[str, ...]
    alone: bool
    interrupted: bool

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> RunFacts:
        """The facts from a dictionary that `asdict` made."""
        return cls(**(raw | {"checks": tuple(raw["checks"])}))


class TargetRecording:
    """Records one target of a run into a folder below `recordings`."""

    def __init__(self, recordings: Path, target: Target, ledger: Ledger, seed: int) -> None:
        self.folder = recordings / f"{target.name}.{ledger.run}"
        self._chance = secrets.token_hex(16)
        self.world, self._recording = recorded_world(self.folder / EXCHANGES, target, run_seed(seed, self._chance))
        ledger.clock = self.world.clock
        self._ledger = ledger
        self._before = _relevant_lines(ledger)
        self._known = sum(1 for _ in ledger.entries())
        self._alone = all(ledger.is_free(record) for record in ledger.records().values())

    def finish(self, checks: Sequence[str], *, interrupted: bool) -> None:
        """Write all remaining files. Raises `OSError`."""
        self._recording.close()
        since = list(self._ledger.entries())[self._known :]
        run = self._ledger.run
        alone = self._alone and all(entry.run == run for entry in since)
        facts = RunFacts(run, self._chance, tuple(checks), alone, interrupted)
        lines = [
            entry.line
            for entry in (*self._before, *(entry for entry in since if entry.run == run and entry.event != ACCOUNT))
        ]
        _write(self.folder / LEDGER, "".join(f"{line}\n" for line in lines))
        _write(self.folder / FACTS, json.dumps(asdict(facts)))


def run_seed(seed: int, chance: str) -> str:
    """The seed of all random values of a run; unique to the run."""
    return f"{seed} {chance}"


def _relevant_lines(ledger: Ledger) -> tuple[LedgerLine, ...]:
    """Earlier lines that affect a run: lines on keys that may exist, and lines on requirements that held."""
    there = {record.marker for record in ledger.here if record.may_exist or record.doubtful}
    return tuple(entry for entry in ledger.entries() if entry.event == "held" or entry.marker in there)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


_FOLDER = ".recording"


def emptied_folder(reports: Path) -> Path:
    """Remove the folder for recordings within a run's reports, and return its path. Nothing else is removed."""
    folder = reports / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def move_recording(reports: Path, name: str, folder: Path) -> RunFacts | None:
    """Move the recording of a target beside its verdict; None without exactly one complete recording.

    A target whose checks ran on several workers has several recordings, and the order of their exchanges is unknown.
    """
    recordings = reports / _FOLDER
    pattern = re.compile(re.escape(name) + r"\.[0-9a-f]{8}")
    found = [path for path in recordings.glob("*") if pattern.fullmatch(path.name)] if recordings.is_dir() else []
    if len(found) != 1 or not (found[0] / FACTS).is_file():
        return None
    for file in (EXCHANGES, LEDGER):
        (found[0] / file).replace(folder / file)
    return RunFacts.from_json(json.loads((found[0] / FACTS).read_text(encoding="utf-8")))
