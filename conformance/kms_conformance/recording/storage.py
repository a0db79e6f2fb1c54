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
    """What must be known besides the tape to judge a run again.

    `run` is its id in the ledger, `chance` what its names and ids were made of, with its seed. `checks` began in this
    order. `alone` says that no other run wrote to the ledger meanwhile, or held keys by it. `interrupted` says that it
    was ended early.
    """

    run: str
    chance: str
    checks: tuple[str, ...]
    alone: bool
    interrupted: bool

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> RunFacts:
        """The inverse of `asdict`."""
        return cls(**(raw | {"checks": tuple(raw["checks"])}))


class TargetRecording:
    """Records one target of a run into a folder of its own under `spool`."""

    def __init__(self, spool: Path, target: Target, ledger: Ledger, seed: int) -> None:
        self.folder = spool / f"{target.name}.{ledger.run}"
        self._chance = secrets.token_hex(16)
        self.world, self._recording = recorded_world(self.folder / EXCHANGES, target, run_seed(seed, self._chance))
        ledger.clock = self.world.clock
        self._ledger = ledger
        self._before = _that_matter(ledger)
        self._known = sum(1 for _ in ledger.entries())
        self._alone = all(ledger.is_free(record) for record in ledger.records().values())

    def finish(self, checks: Sequence[str], *, interrupted: bool) -> None:
        """Write what is not on disk yet. Raises `OSError`."""
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
    """The seed of all that a run makes up: no other run has it, and it is that of no other seed."""
    return f"{seed} {chance}"


def _that_matter(ledger: Ledger) -> tuple[LedgerLine, ...]:
    """What a run goes by of what it found: lines on keys that may be there, and what was noted of requirements."""
    there = {record.marker for record in ledger.here if record.there or record.doubtful}
    return tuple(entry for entry in ledger.entries() if entry.event == "held" or entry.marker in there)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


_FOLDER = ".recording"


def emptied_folder(reports: Path) -> Path:
    """The folder for a run's tapes, within its reports; whatever is left there is removed, and nothing else ever is."""
    folder = reports / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def move_recording(reports: Path, name: str, folder: Path) -> RunFacts | None:
    """Move what was recorded of a target of these reports beside its verdict; None where it is not one whole recording.

    A target whose checks had more than one worker has several: no order is known between their exchanges.
    """
    spool = reports / _FOLDER
    pattern = re.compile(re.escape(name) + r"\.[0-9a-f]{8}")
    reels = [path for path in spool.glob("*") if pattern.fullmatch(path.name)] if spool.is_dir() else []
    if len(reels) != 1 or not (reels[0] / FACTS).is_file():
        return None
    for file in (EXCHANGES, LEDGER):
        (reels[0] / file).replace(folder / file)
    return RunFacts.from_json(json.loads((reels[0] / FACTS).read_text(encoding="utf-8")))
