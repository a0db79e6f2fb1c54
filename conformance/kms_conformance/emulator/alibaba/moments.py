"""The time of a signature: how it is written, and how far it may be from ours."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

# The gateway's page of errors: a time that differs by more than 15 minutes has expired.
SKEW = timedelta(minutes=15)
_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def moment(text: str) -> datetime | None:
    """The time that `text` means, or None where it is not written `YYYY-MM-DDThh:mm:ssZ`."""
    if not _FORM.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def within_skew(stamp: datetime, now: datetime) -> bool:
    """Whether a signature's time is near enough."""
    return abs(now - stamp) <= SKEW
