"""Dates in replies, parsed within bounds: a date that cannot be used is None, and no parser raises.

Endpoints send dates in three forms: HTTP dates in headers, ISO 8601 and seconds since 1970 in bodies. Each parser
returns an aware `datetime` that can be compared and shifted by days without an overflow.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Years outside of this range overflow in date arithmetic; no real deletion, token or reply has such a date.
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(3000, 1, 1, tzinfo=UTC)
#: Most characters of a text that is parsed: twice the longest date of any of the protocols.
_MOST = 80


def http_date(text: str | None) -> datetime | None:
    """Parse an HTTP date (RFC 9110, 5.6.7). None for a malformed date, and for a year outside of 1900 to 2999."""
    if text is None or len(text) > _MOST:
        return None
    try:
        return bounded(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def iso_date(text: str) -> datetime | None:
    """Parse an ISO 8601 date, in UTC if it names no zone.

    None for a malformed date, and for a year outside of 1900 to 2999.
    """
    if len(text) > _MOST:
        return None
    try:
        return bounded(datetime.fromisoformat(text))
    except ValueError:
        return None


def epoch_date(seconds: float) -> datetime | None:
    """Convert seconds since 1970. None for NaN, and for a year outside of 1900 to 2999."""
    # NaN fails this comparison, too.
    if not _EARLIEST.timestamp() <= seconds < _LATEST.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)


def bounded(date: datetime) -> datetime | None:
    """Make the date timezone-aware, in UTC if it names no zone. None for a year outside of 1900 to 2999."""
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    # The written year is compared, because conversion to UTC may leave the range of `datetime`.
    return aware if _EARLIEST.year <= date.year < _LATEST.year else None
