"""Playback of a recording: the k-th request gets the k-th recorded reply, at the recorded time.

A request that differs from the recorded one ends the playback, because no later reply belongs to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kms_conformance.core.runtime import Chance, Clock, Draws
from kms_conformance.recording.draws import PlayedDraws
from kms_conformance.recording.exchange_json import difference, failure_of, has_marks, moment, reply_of, request_json
from kms_conformance.recording.strict_lines import RecordingError, strict_lines
from kms_conformance.wire.messages import Exchange, Request
from kms_conformance.wire.secrets.records import PLAINTEXT_MARKS
from kms_conformance.wire.secrets.redactor import Redactor
from kms_conformance.wire.world import ExchangeObserver, Outcome, World

if TYPE_CHECKING:
    from kms_conformance.target import Target

__all__ = ["PlaybackDiverged", "Player", "Recording", "RecordingError"]

MARKS = dict.fromkeys(PLAINTEXT_MARKS, "")
_SHOWN = 160
_CLOCK = "the suite reads the clock more or less often than recorded"
_MOST_SURPLUS = 100


class PlaybackDiverged(Exception):  # noqa: N818 - an outcome of the playback
    """The suite sends a request, or reads the clock, in another way than was recorded."""


@dataclass(frozen=True)
class Recording:
    """The lines of a recording.

    - exchanges: the exchanges, in their order.
    - after: the clock readings after the last exchange.
    - drawn: the drawn values; None in the first format of version 0.1.0, for which they must be drawn again.
    """

    exchanges: tuple[Mapping[str, Any], ...]
    after: Mapping[str, Any]
    drawn: tuple[Mapping[str, Any], ...] | None = None

    @classmethod
    def read(cls, data: bytes) -> Recording:
        """Decompress and parse a recording. Raises `RecordingError`."""
        found = list(strict_lines(data))
        if not found or "end" not in found[-1]:
            raise RecordingError("it ends without its last line: exchanges are missing")
        last = found.pop()
        if any("end" in line for line in found):
            raise RecordingError("it ends before its last line")
        exchanges = tuple(line for line in found if "drawn" not in line)
        drawn = tuple(found[len(exchanges) :])
        if not all("drawn" in line for line in drawn):
            raise RecordingError("drawn values stand before an exchange")
        if last["end"] != len(exchanges):
            raise RecordingError(f"its last line counts {last['end']} exchanges, and there are {len(exchanges)}")
        if last.get("drawn", 0) != len(drawn):
            raise RecordingError(
                f"its last line counts {last.get('drawn', 0)} drawn values, and there are {len(drawn)}"
            )
        return cls(exchanges, last, drawn if "drawn" in last else None)


class Player(Clock, ExchangeObserver):
    """Clock, carrier and observer of a run that is judged again.

    `problem` says where the run diverged from the recording; empty if it did not.
    """

    def __init__(self, recording: Recording, target: Target, *, draw_again: bool = False) -> None:
        """With `draw_again`, requests are generated again and must equal the recorded ones."""
        self._recording = recording
        self._draws = None if recording.drawn is None else PlayedDraws(recording.drawn, again=draw_again)
        self._redactor = Redactor.of(target, plaintexts=any(map(has_marks, recording.exchanges)))
        self._at = 0
        self._now = 0
        self._monotonic = 0
        self._readings: tuple[deque[int], deque[int]] = (deque(), deque())
        self._surplus = 0
        self._seen = 0
        # The exchanges that may be named yet, with their places in the recording: two may have been sent together.
        self._played: tuple[tuple[Exchange, int], ...] = ()
        self.problem = ""
        self._load()

    @property
    def asked(self) -> int:
        """Number of exchanges played so far."""
        return self._at

    def world(self, seed: str) -> World:
        """The inputs of the recorded run."""
        return World(self, Chance.of(seed), self, self, self._draws or Draws())

    def ended(self) -> None:
        """Note that the run is over. If recorded exchanges are left, this is a problem."""
        left = len(self._recording.exchanges) - self._at
        if self._draws is not None:
            if not self.problem:
                self._draws.ended()
            # The first difference in drawn values is the cause of later differences in requests.
            self.problem = self._draws.problem or self.problem
        if self.problem:
            return
        if not left and (self._surplus or any(self._readings)):
            self._lost(_CLOCK)
        if left:
            self.problem = (
                f"the suite ends after {self._at} requests; {left} more are recorded, the first is "
                f"{_named(self._recording.exchanges[self._at])}."
            )

    # --- the clock ----------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        self._now += self._reading(0)
        try:
            return moment(self._now)
        except OverflowError as error:
            raise self._lost("the recorded time is out of range") from error

    def monotonic(self) -> float:
        self._monotonic += self._reading(1)
        return self._monotonic / 1_000_000

    def sleep(self, seconds: float) -> None:
        """Does nothing: the next recorded reading includes the delay."""

    def _reading(self, kind: int) -> int:
        if self.problem:
            raise PlaybackDiverged(self.problem)
        if self._readings[kind]:
            return self._readings[kind].popleft()
        # The playback does not end here, because the next request describes the difference better.
        self._surplus += 1
        if self._surplus > _MOST_SURPLUS:
            raise self._lost(_CLOCK)
        return 0

    def _load(self) -> None:
        line = (
            self._recording.exchanges[self._at] if self._at < len(self._recording.exchanges) else self._recording.after
        )
        self._readings = deque(line["now"]), deque(line["monotonic"])

    # --- the endpoint -------------------------------------------------------------------------------------------------

    def carry_together(self, first: Request, second: Request) -> tuple[Outcome, Outcome]:
        """The recorded replies, in the order of the requests."""
        return self.carry(first, repeatable=False), self.carry(second, repeatable=False)

    def carry(self, request: Request, *, repeatable: bool) -> Outcome:
        """The recorded reply. Raises `PlaybackDiverged` if another request was recorded."""
        if self.problem:
            raise PlaybackDiverged(self.problem)
        asked = request_json(request, self._redactor)
        if self._at == len(self._recording.exchanges):
            raise self._lost(f"the suite sends {asked['method']} {asked['url']}; nothing more is recorded")
        line = self._recording.exchanges[self._at]
        part = difference(line["request"], asked)
        if part:
            raise self._lost(f"the suite would send {_shown(asked, part)}; recorded is {_shown(line['request'], part)}")
        if self._surplus or any(self._readings):
            raise self._lost(_CLOCK)
        if line["started"] != moment(self._now).isoformat(timespec="microseconds"):
            raise self._lost("its start time differs from the recorded clock")
        self._at += 1
        self._load()
        reply = line["reply"] and reply_of(line["reply"], MARKS)
        return reply, line["failure"] and failure_of(line["failure"])

    def close(self) -> None:
        """Does nothing, because no connection is open."""

    def saw(self, exchange: Exchange) -> None:
        if exchange.reply is not None:
            self._redactor.learn(exchange.request, exchange.reply)
        self._played = (*self._played[-1:], (exchange, self._seen))
        self._seen += 1

    def named(self, exchange: Exchange, number: int, operation: str) -> None:
        place = next((place for played, place in self._played if played is exchange), None)
        if self.problem or place is None:
            return
        line = self._recording.exchanges[place]
        if (line["number"], line["operation"]) != (number, operation):
            self._lost(f"the suite calls it number {number}, {operation!r}; recorded is {_named(line)}", place + 1)

    def _lost(self, why: str, place: int | None = None) -> PlaybackDiverged:
        self.problem = self.problem or f"at exchange {place or self._at + 1}, {why}."
        return PlaybackDiverged(self.problem)


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
