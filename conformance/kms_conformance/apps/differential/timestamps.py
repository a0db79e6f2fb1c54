"""Times in replies, converted to times relative to the request or the scheduling, so that they can be compared."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

# Numbers in this range are taken as times: the years 2010 to 2100, in seconds since 1970. Account ids of 12 digits are
# not taken as times, because the same years in milliseconds since 1970 have 13 digits.
_EARLIEST, _LATEST = 1_262_304_000, 4_133_980_800
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_DAY = 86_400
# Steps (in seconds) to which a target may round dates; of the steps that fit a date, the longest is used.
_STEPS = (_DAY, 3_600)
# Tolerance in seconds, equal to that of the profiles: clocks differ by seconds, and requests on slow lines take time.
_TOLERANCE = 120
_NAME = "<time>"
#: The value of `RelativeTime.since` for a deletion date.
SCHEDULING = "scheduling"

Written = Literal["seconds", "milliseconds", "seconds as text", "milliseconds as text", "ISO 8601"]


@dataclass(frozen=True)
class RelativeTime:
    """Time in a reply, relative to a request.

    - `since`: "the request"; "scheduling": the request that scheduled the deletion; or "the past": a time before the
      request, whose distance is not kept because it depends on the run.
    - `days`, `late_seconds`: the distance from `since`: its rounded number of days, and the rest in seconds, which may
      be negative.
    - `whole`: 86,400 if the time is a whole day, 3,600 if it is a whole hour, None otherwise.
    - `written`: the format of the time in the reply; "" if the format is not compared.
    """

    since: str
    days: int
    late_seconds: int
    whole: int | None
    written: str

    def to_json(self) -> dict[str, Any]:
        return {_NAME: asdict(self)}

    @classmethod
    def from_json(cls, value: object) -> RelativeTime | None:
        """The time in a value of a normalized body; None for any other value."""
        if not (isinstance(value, Mapping) and set(value) == {_NAME} and isinstance(value[_NAME], Mapping)):
            return None
        raw = value[_NAME]
        # The target itself may have sent a field with the name `<time>` and other contents.
        whole = raw.get("whole")
        numbers = (raw.get("days"), raw.get("late_seconds"), 0 if whole is None else whole)
        texts = (raw.get("since"), raw.get("written"))
        if raw.keys() != {name.name for name in fields(cls)} or not all(isinstance(text, str) for text in texts):
            return None
        return cls(**raw) if all(type(number) is int for number in numbers) else None

    def agrees(self, other: RelativeTime) -> bool:
        """Whether both times are equivalent: within tolerance, or rounded to the same step."""
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
    """The time in a value of a reply, with its format; None if the value is not a time."""
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


def relative_time(
    at: datetime, written: str, sent_at: datetime, scheduled: datetime | None, *, fresh: bool
) -> RelativeTime:
    """Convert the time `at` to one relative to the request (at `sent_at`) or to the scheduling; all times are aware.

    A time after the request is relative to the last scheduling of the deletion, if `scheduled` gives its time, and else
    to the request. A time before the request gets no distance. If the key is `fresh` (created by this request), all
    times are relative to the request.
    """
    if not fresh and (at - sent_at).total_seconds() <= _TOLERANCE:
        return RelativeTime("the past", 0, 0, None, written)
    since, start = ("the request", sent_at) if scheduled is None or fresh else (SCHEDULING, scheduled)
    seconds = (at - start).total_seconds()
    days = round(seconds / _DAY)
    whole = next((step for step in _STEPS if at.timestamp() % step == 0), None)
    return RelativeTime(since, days, round(seconds - days * _DAY), whole, written)
