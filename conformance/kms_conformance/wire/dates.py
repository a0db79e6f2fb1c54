"""Dates that an endpoint wrote: whatever stands there, they are read or not, and can be reckoned with."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Beyond these years a day more or less is beyond every calendar; no deletion, token or reply is so old or so late.
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(3000, 1, 1, tzinfo=UTC)
#: The longest form of a date that any of the protocols has is half as long.
_MOST = 80


def http_date(text: str | None) -> datetime | None:
    """A date as HTTP writes it (RFC 9110, 5.6.7); None where it is none, or none from 1900 to 2999."""
    if text is None or len(text) > _MOST:
        return None
    try:
        return bounded(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def iso_date(text: str) -> datetime | None:
    """A date as ISO 8601 writes it, in UTC unless it says otherwise; None as above."""
    if len(text) > _MOST:
        return None
    try:
        return bounded(datetime.fromisoformat(text))
    except ValueError:
        return None


def epoch_date(seconds: float) -> datetime | None:
    """A date by its seconds since 1970; None as above."""
    # Also false where it is no number at all.
    if not _EARLIEST.timestamp() <= seconds < _LATEST.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)


def bounded(date: datetime) -> datetime | None:
    """The date, aware, UTC where it says nothing else; None as above."""
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    # A zone can carry a date over the edge of the calendar; what is compared is the year as it is written.
    return aware if _EARLIEST.year <= date.year < _LATEST.year else None
