"""Plays a tape: answers the k-th request with the k-th recorded reply, at the time that the run's clock showed.

What is asked otherwise than recorded ends it: from there on nothing that is recorded belongs to what is asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kms_conformance.core.runtime import Chance, Clock, Draws
from kms_conformance.recording.drawn import PlayedDraws
from kms_conformance.recording.line import difference, failure_of, has_marks, moment, reply_of, request_json
from kms_conformance.recording.unpacked import TapeError, lines
from kms_conformance.wire.messages import Exchange, Failure, Reply, Request
from kms_conformance.wire.secrets.records import PLAINTEXT_MARKS
from kms_conformance.wire.secrets.redactor import Redactor
from kms_conformance.wire.world import Witness, World

if TYPE_CHECKING:
    from kms_conformance.target import Target

__all__ = ["OffTape", "Player", "Tape", "TapeError"]

MARKS = dict.fromkeys(PLAINTEXT_MARKS, "")
_SHOWN = 160
_CLOCK = "the suite looks at the clock more or less often than recorded"
_MOST_SURPLUS = 100


class OffTape(Exception):  # noqa: N818 - what happened: the suite asks what is not recorded
    """What is asked is not what was recorded."""


@dataclass(frozen=True)
class Tape:
    """All exchanges of a tape, the readings of the clock after the last of them, and what was drawn, a line each.

    `drawn` is None on tapes of version 0.1.0 as it first wrote them: what they ask must be drawn again.
    """

    lines: tuple[Mapping[str, Any], ...]
    after: Mapping[str, Any]
    drawn: tuple[Mapping[str, Any], ...] | None = None

    @classmethod
    def read(cls, data: bytes) -> Tape:
        """Unpack a tape. Raises `TapeError`."""
        found = list(lines(data))
        if not found or "end" not in found[-1]:
            raise TapeError("it ends without its last line: exchanges are missing")
        last = found.pop()
        if any("end" in line for line in found):
            raise TapeError("it ends before its last line")
        exchanges = tuple(line for line in found if "drawn" not in line)
        drawn = tuple(found[len(exchanges) :])
        if not all("drawn" in line for line in drawn):
            raise TapeError("what was drawn does not stand behind all exchanges")
        if last["end"] != len(exchanges):
            raise TapeError(f"its last line speaks of {last['end']} exchanges, and there are {len(exchanges)}")
        if last.get("drawn", 0) != len(drawn):
            raise TapeError(f"its last line speaks of {last.get('drawn', 0)} drawn values, and there are {len(drawn)}")
        return cls(exchanges, last, drawn if "drawn" in last else None)


class Player(Clock, Witness):
    """The clock, the way to the endpoint, and the witness of a run that is judged again.

    `problem` says where it left the tape; empty as long as it did not.
    """

    def __init__(self, tape: Tape, target: Target, *, draw_again: bool = False) -> None:
        """With `draw_again`, what is asked is drawn anew, and has to be what was recorded."""
        self._tape = tape
        self._draws = None if tape.drawn is None else PlayedDraws(tape.drawn, again=draw_again)
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
        return World(self, Chance.of(seed), self, self, self._draws or Draws())

    def ended(self) -> None:
        """Take note that the run is over: nothing may be left on the tape."""
        left = len(self._tape.lines) - self._at
        if self._draws is not None:
            if not self.problem:
                self._draws.ended()
            # It says better where the two part: what follows from it is asked otherwise.
            self.problem = self._draws.problem or self.problem
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
        reply = line["reply"] and reply_of(line["reply"], MARKS)
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
