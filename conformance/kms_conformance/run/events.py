"""Events of a run: each check and each judgement as one line of JSON, written while the run judges.

The process that runs the checks of a target appends the events to a file of this target in a spool folder. The process
of the command follows all these files and numbers the lines. So it does not matter which process runs which target.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from kms_conformance.catalogue.requirements import Catalogue
    from kms_conformance.client.judge import Judgement
    from kms_conformance.verdict.model import Verdict
    from kms_conformance.verdict.results import CheckResult

FORMAT = 1
# Seconds between two looks at the files: the longest delay of a line.
_PAUSE = 0.1


def check_started(target: str, check: str) -> dict[str, Any]:
    """The event of a check that begins."""
    return _event("check_started", target) | {"check": check}


def judged(target: str, check: str, judgement: Judgement, catalogue: Catalogue) -> dict[str, Any]:
    """The event of one judgement.

    Only a failed judgement says what was expected and received: `Judge` and `Findings` have redacted these texts. The
    texts of passed judgements are not redacted, and are left out.
    """
    said = {"expected": judgement.expected, "received": judgement.received, "hint": judgement.hint}
    requirement = catalogue.requirements.get(judgement.requirement)
    return (
        _event("judgement", target)
        | {
            "check": check,
            "requirement": judgement.requirement,
            "level": "" if requirement is None else requirement.level,
            "passed": judgement.passed,
            "exchanges": list(judgement.exchanges),
        }
        | ({} if judgement.passed else said)
    )


def check_ended(result: CheckResult) -> dict[str, Any]:
    """The event of a check that has ended; its result is redacted."""
    return _event("check_ended", result.target) | {
        "check": result.check,
        "outcome": result.outcome,
        "ended": result.ended,
        "seconds": result.seconds,
        "requests": result.requests,
        "failures": [result.failure_id(failure) for failure in result.failures],
        "inconclusive": list(result.inconclusive),
        "reason": result.reason,
    }


def verdict_event(verdict: Verdict) -> dict[str, Any]:
    """The event of the verdict on a target, after the verdict is on disk."""
    counts: dict[str, int] = {}
    for entry in verdict.requirements:
        counts[entry.verdict] = counts.get(entry.verdict, 0) + 1
    return _event("verdict", verdict.name) | {"result": verdict.result, "tier": verdict.tier, "requirements": counts}


def _event(kind: str, target: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"format": FORMAT, "event": kind, "time": now, "target": target}


class EventSpool:
    """Appends the events of the targets of this process to files in a folder; does nothing without a folder."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._open: dict[str, int] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        """Append one event. An event that cannot be written is lost: the run goes on."""
        if self.folder is None:
            return
        target = event["target"]
        try:
            if target not in self._open:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
                self._open[target] = os.open(self.folder / f"{target}.ndjson", flags, 0o600)
            os.write(self._open[target], f"{_line(event)}\n".encode("utf-8", "replace"))
        except OSError:
            self.folder = None


def _line(event: Mapping[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":"))


class EventFollower:
    """Follows a spool folder in a thread, and writes each line with its number; a context manager.

    The lines of one target keep their order. Lines of several targets are in the order in which they were found. If
    `write` raises `OSError`, as for a closed pipe, no further line is written, and `lost` is the reason.
    """

    def __init__(self, folder: Path, write: Callable[[bytes], object]) -> None:
        self.lost = ""
        self._folder = folder
        self._write = write
        self._places: dict[Path, int] = {}
        self._count = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="events", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def finish(self, last: Iterable[Mapping[str, Any]] = ()) -> None:
        """Write what is left in the files, and then these events. Later calls write only their events."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._look()
        for event in last:
            self._number(_line(event).encode())

    def _follow(self) -> None:
        while not self._ended.wait(_PAUSE):
            self._look()

    def _look(self) -> None:
        for path in sorted(self._folder.glob("*.ndjson")):
            with path.open("rb") as file:
                file.seek(self._places.get(path, 0))
                whole, end, _ = file.read().rpartition(b"\n")
            if end:
                self._places[path] = self._places.get(path, 0) + len(whole) + 1
                for line in whole.split(b"\n"):
                    self._number(line)

    def _number(self, line: bytes) -> None:
        self._count += 1
        if self.lost:
            return
        try:
            self._write(b'{"sequence":%d,%s\n' % (self._count, line.removeprefix(b"{")))
        except OSError as error:
            self.lost = error.strerror or str(error)
