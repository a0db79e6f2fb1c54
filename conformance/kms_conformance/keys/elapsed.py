"""What no request changes in a key of others between two reads: a waiting period ends, a field moves by itself.

A run moves the clock of a target that offers `time_control`, so much time may lie between two reads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Literal

from kms_conformance.client.oracle import GONE, PENDING
from kms_conformance.client.time_control import Moment, TimeControl
from kms_conformance.dialects.base import KeyView

#: Why a waiting period ended: this run moved the clock past the deletion date, or the date was reached without that.
Cause = Literal["clock", "date"]
# The units in which a target may show the time that is left.
_UNITS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))


class Elapsed:
    """The time between the first read of keys of others and later reads, on the target's clock."""

    def __init__(
        self, time: TimeControl, since: Moment, tolerance: timedelta, moving: Collection[str] = frozenset()
    ) -> None:
        """`since`: the moment of the first read. `tolerance`: by how much a deletion date may differ.

        `moving`: the fields that move by themselves, see `Reader.moving_fields`.
        """
        self._time = time
        self._since = since
        self._tolerance = tolerance
        self._moving = moving

    def explains(self, was: KeyView, now: KeyView) -> bool:
        """Whether a key reads as before, apart from what time alone changes."""
        return self.ended(was, now) is not None or not self.unexplained(was, now)

    def ended(self, was: KeyView, now: KeyView) -> Cause | None:
        """Why the waiting period of a pending key has ended; None if the key is still there, or if it is gone early."""
        return self.cause(was) if now.state == GONE else None

    def died(self, was: KeyView, now: KeyView) -> bool:
        """Whether a key is gone although its deletion date has not passed, or although it had none.

        A pending key whose date is not known is not counted.
        """
        if now.state != GONE or was.state == GONE:
            return False
        return was.state != PENDING if was.deletion_at is None else self.cause(was) is None

    def cause(self, was: KeyView) -> Cause | None:
        """Why the deletion date of a pending key has passed by now; None if it has not passed or is not known.

        A key with a deletion date is pending, whatever state a service shows of it, such as that it is frozen.
        """
        if was.deletion_at is None:
            return None
        present = self._time.mark()
        if was.deletion_at > self._time.at(present) + self._tolerance:
            return None
        unmoved = self._time.at(self._since) + (present.real - self._since.real)
        return "date" if was.deletion_at <= unmoved else "clock"

    def unexplained(self, was: KeyView, now: KeyView) -> tuple[str, ...]:
        """The names of the fields that differ, without those that move or count down to an unchanged deletion date."""
        before, after = all_fields(was), all_fields(now)
        names = [name for name in {**before, **after} if name not in self._moving]
        differ = [name for name in names if before.get(name) != after.get(name)]
        counts = was.state == now.state == PENDING and was.deletion_at == now.deletion_at
        return tuple(name for name in differ if not (counts and self._counts_down(was, before, after, name)))

    def _counts_down(self, was: KeyView, before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
        """Whether a field shows, at both reads, the time left to the deletion date in one unit, rounded in any way."""
        first, second = _number(before.get(name)), _number(after.get(name))
        if was.deletion_at is None or first is None or second is None or second >= first:
            return False
        reads = ((first, self._time.at(self._since)), (second, self._time.at(self._time.mark())))
        return any(
            # Rounding makes one unit; the keys are read one after the other, and dates may be off by the tolerance.
            all(
                abs(number - max(0.0, (was.deletion_at - at) / unit)) <= 1 + self._tolerance / unit
                for number, at in reads
            )
            for unit in _UNITS
        )


def all_fields(view: KeyView) -> dict[str, Any]:
    """The state of a key and all its fields, as the target shows them."""
    return {"state": view.state, **view.fields}


def _number(value: object) -> float | None:
    """A number, also written as text; None for any other value. JSON's true and false are no numbers."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= _MOST_DIGITS:
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


# A time left of 3,000 years in seconds has 11 digits. Longer texts of digits are ids or dates in milliseconds.
_MOST_DIGITS = 11
