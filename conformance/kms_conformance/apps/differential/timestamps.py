"""Times in replies, told relative to the time of what they follow from: the only form in which they can be compared."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

# Years that a time of a key can be in, as seconds since 1970: 2010 to 2100. A number beyond is none, nor is an account
# of 12 digits: in milliseconds these years have 13.
_EARLIEST, _LATEST = 1_262_304_000, 4_133_980_800
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_DAY = 86_400
# Steps that dates are rounded to, seconds; the longest that fits is the one that says most.
_STEPS = (_DAY, 3_600)
# Clocks that are in step differ by seconds, requests on a slow line take some more: profiles grant two minutes.
_TOLERANCE = 120
_NAME = "<time>"
#: What a deletion date follows from.
SCHEDULING = "scheduling"

Written = Literal["seconds", "milliseconds", "seconds as text", "milliseconds as text", "ISO 8601"]


@dataclass(frozen=True)
class Moment:
    """A time as days and seconds after `since`, and how it was written; `whole` is the step that it is a multiple of.

    `since` is "the request", "scheduling" (the request that scheduled the deletion), or "the past": how long ago a key
    was created is an accident.
    """

    since: str
    days: int
    late_seconds: int
    whole: int | None
    written: str

    def to_json(self) -> dict[str, Any]:
        return {_NAME: asdict(self)}

    @classmethod
    def from_json(cls, value: object) -> Moment | None:
        """The moment that stands in a body, or None where something else does."""
        if not (isinstance(value, Mapping) and set(value) == {_NAME} and isinstance(value[_NAME], Mapping)):
            return None
        raw = value[_NAME]
        # An answer may hold a field of that name; what is no moment is told of as it is.
        whole = raw.get("whole")
        numbers = (raw.get("days"), raw.get("late_seconds"), 0 if whole is None else whole)
        texts = (raw.get("since"), raw.get("written"))
        if raw.keys() != {name.name for name in fields(cls)} or not all(isinstance(text, str) for text in texts):
            return None
        return cls(**raw) if all(type(number) is int for number in numbers) else None

    def agrees(self, other: Moment) -> bool:
        """Whether both mean the same: the same distance within tolerance, or rounded to the same whole step."""
        if (self.since, self.written) != (other.since, other.written):
            return False
        apart = (self.days - other.days) * _DAY + self.late_seconds - other.late_seconds
        if abs(apart) <= _TOLERANCE:
            return True
        return self.whole is not None and self.whole == other.whole and abs(apart) < self.whole

    def __str__(self) -> str:
        written = f" ({self.written})" if self.written else ""
        return f"{self._distance}{written}"

    @property
    def _distance(self) -> str:
        if self.since == "the past":
            return "earlier"
        days = f"{self.days} {'day' if abs(self.days) == 1 else 'days'}"
        if abs(self.late_seconds) <= _TOLERANCE:
            return f"{days} after {self.since}"
        if self.whole is not None:
            return f"{days} after {self.since}, to a whole {'day' if self.whole == _DAY else 'hour'}"
        sign = "+" if self.late_seconds > 0 else "-"
        hours, minutes = divmod(round(abs(self.late_seconds) / 60), 60)
        return f"{days} {sign} {hours} h {minutes:02} min after {self.since}"


def time_of(value: object) -> tuple[datetime, Written] | None:
    """The time that a value of a reply is, and how it is written; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return _of_number(value, "seconds", "milliseconds")
    if not isinstance(value, str):
        return None
    if re.fullmatch(r"\d{9,13}", value):
        return _of_number(int(value), "seconds as text", "milliseconds as text")
    if not _ISO.fullmatch(value):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)), "ISO 8601"


def _of_number(value: float, in_seconds: Written, in_milliseconds: Written) -> tuple[datetime, Written] | None:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if _EARLIEST <= value <= _LATEST:
        return datetime.fromtimestamp(value, UTC), in_seconds
    if _EARLIEST * 1000 <= value <= _LATEST * 1000:
        return datetime.fromtimestamp(value / 1000, UTC), in_milliseconds
    return None


def moment(at: datetime, written: str, asked: datetime, scheduled: datetime | None, *, fresh: bool) -> Moment:
    """Tell a time relative to what it follows from. All times are aware; `asked` is that of the request.

    What lies ahead follows from the scheduling, if there was one. What does not lies in the past, which tells nothing
    unless what is told of is `fresh`: came to be by this very request.
    """
    if not fresh and (at - asked).total_seconds() <= _TOLERANCE:
        return Moment("the past", 0, 0, None, written)
    since, start = ("the request", asked) if scheduled is None or fresh else (SCHEDULING, scheduled)
    seconds = (at - start).total_seconds()
    days = round(seconds / _DAY)
    whole = next((step for step in _STEPS if at.timestamp() % step == 0), None)
    return Moment(since, days, round(seconds - days * _DAY), whole, written)
