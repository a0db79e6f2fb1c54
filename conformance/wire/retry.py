"""What a reply says about when to come again."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.wire.messages import Reply

_SECONDS = re.compile(r"\s*[0-9]{1,9}\s*", re.ASCII)


def retry_after(reply: Reply, now: datetime) -> float | None:
    """The seconds that a reply asks us to wait (RFC 9110, 10.2.3); None where it does not, or not intelligibly."""
    value = reply.header("Retry-After")
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
