"""Plays a tape: answers the k-th request with the k-th recorded reply, at the time that the run's clock showed.

What is asked otherwise than recorded ends it: from there on nothing that is recorded belongs to what is asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from conformance.chance import Chance
from conformance.clock import Clock
from conformance.tape.line import difference, failure_of, has_marks, moment, reply_of, request_json
from conformance.tape.unpacked import TapeError, lines
from conformance.wire.messages import Exchange, Failure, Reply, Request
from conformance.wire.redact import PLAINTEXT_MARKS, Redactor
from conformance.wire.world import Witness, World

if TYPE_CHECKING:
    from conformance.target import Target

__all__ = ["OffTape", "Player", "Tape", "TapeError"]

_MARKS = dict.fromkeys(PLAINTEXT_MARKS, "")
_SHOWN = 160
_CLOCK = "the suite looks at the clock more or less often than recorded"
_MOST_SURPLUS = 100


class OffTape(Exception):  # noqa: N818 - what happened: the suite asks what is not recorded
    """What is asked is not what was recorded."""


@dataclass(frozen=True)
class Tape:
    """All lines of a tape, and the readings of the clock after the last exchange."""

    lines: tuple[Mapping[str, Any], ...]
    after: Mapping[str, Any]

    @classmethod
    def read(cls, data: bytes) -> Tape:
        """Unpack a tape. Raises `TapeError`."""
        found = list(lines(data))
        if not found or "end" not in found[-1]:
            raise TapeError("it ends without its last line: exchanges are missing")
        last = found.pop()
        if any("end" in line for line in found):
            raise TapeError("it ends before its last line")
        if last["end"] != len(found):
            raise TapeError(f"its last line speaks of {last['end']} exchanges, and there are {len(found)}")
        return cls(tuple(found), last)


class Player(Clock, Witness):
    """The clock, the way to the endpoint, and the witness of a run that is judged again.

    `problem` says where it left the tape; empty as long as it did not.
    """

    def __init__(self, tape: Tape, target: Target) -> None:
        self._tape = tape
        self._redactor = Redactor.of(target, plaintexts=any(map(has_marks, tape.lines)))
        self._at = 0
        self._now = 0
        self._monotonic = 0
        self._readings: tuple[deque[int], deque[int]] = (deque(), deque())
        self._surplus = 0
        self._played: Exchange | None = None
        self.problem = ""
        self._load()

    @property
    def asked(self) -> int:
        """How many exchanges have been played."""
        return self._at

    def world(self, seed: str) -> World:
        """The world of the recorded run."""
        return World(self, Chance.of(seed), self, self)

    def ended(self) -> None:
        """Take note that the run is over: nothing may be left on the tape."""
        left = len(self._tape.lines) - self._at
        if self.problem:
            return
        if not left and (self._surplus or any(self._readings)):
            self._lost(_CLOCK)
        if left:
            self.problem = (
                f"the suite asks {self._at} times and is done; {left} more are recorded, first: "
                f"{_named(self._tape.lines[self._at])}."
            )

    # --- the clock ----------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        self._now += self._reading(0)
        try:
            return moment(self._now)
        except OverflowError as error:
            raise self._lost("the clock showed no time that there is") from error

    def monotonic(self) -> float:
        self._monotonic += self._reading(1)
        return self._monotonic / 1_000_000

    def sleep(self, seconds: float) -> None:
        """Nothing: the next reading is as late as it was."""

    def _reading(self, kind: int) -> int:
        if self.problem:
            raise OffTape(self.problem)
        if self._readings[kind]:
            return self._readings[kind].popleft()
        # What is asked next says better where the two part.
        self._surplus += 1
        if self._surplus > _MOST_SURPLUS:
            raise self._lost(_CLOCK)
        return 0

    def _load(self) -> None:
        line = self._tape.lines[self._at] if self._at < len(self._tape.lines) else self._tape.after
        self._readings = deque(line["now"]), deque(line["monotonic"])

    # --- the endpoint -------------------------------------------------------------------------------------------------

    def carry(self, request: Request, *, repeatable: bool) -> tuple[Reply | None, Failure | None]:
        """The recorded reply; raises `OffTape` where another request was recorded."""
        if self.problem:
            raise OffTape(self.problem)
        asked = request_json(request, self._redactor)
        if self._at == len(self._tape.lines):
            raise self._lost(f"the suite asks {asked['method']} {asked['url']}; nothing more is recorded")
        line = self._tape.lines[self._at]
        part = difference(line["request"], asked)
        if part:
            raise self._lost(f"the suite would send {_shown(asked, part)}; recorded is {_shown(line['request'], part)}")
        if self._surplus or any(self._readings):
            raise self._lost(_CLOCK)
        if line["started"] != moment(self._now).isoformat(timespec="microseconds"):
            raise self._lost("the time at which it started is not what the clock showed")
        self._at += 1
        self._load()
        reply = line["reply"] and reply_of(line["reply"], _MARKS)
        return reply, line["failure"] and failure_of(line["failure"])

    def close(self) -> None:
        """Nothing is open."""

    def saw(self, exchange: Exchange) -> None:
        if exchange.reply is not None:
            self._redactor.learn(exchange.request, exchange.reply)
        self._played = exchange

    def named(self, exchange: Exchange, number: int, operation: str) -> None:
        if self.problem or exchange is not self._played:
            return
        line = self._tape.lines[self._at - 1]
        if (line["number"], line["operation"]) != (number, operation):
            self._lost(f"the suite calls it number {number}, {operation!r}; recorded is {_named(line)}", self._at)

    def _lost(self, why: str, place: int | None = None) -> OffTape:
        self.problem = self.problem or f"at exchange {place or self._at + 1}, {why}."
        return OffTape(self.problem)


def _named(line: Mapping[str, Any]) -> str:
    return f"number {line['number']}, {line['operation']!r}"


def _shown(request: Mapping[str, Any], part: str) -> str:
    said = "" if part in ("method", "url") else f" with the {part} {_part(request, part)!a}"
    return f"{request['method']} {request['url'][:_SHOWN]}{said}"


def _part(request: Mapping[str, Any], part: str) -> str:
    if part.startswith("header "):
        name = part.removeprefix("header ")
        return "; ".join(f"{known}: {value}" for known, value in request["headers"] if known == name)[:_SHOWN]
    return str(request[part])[:_SHOWN]
