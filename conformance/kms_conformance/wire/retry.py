"""What a reply says about when to come again."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from kms_conformance.wire.dates import http_date

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Reply

_SECONDS = re.compile(r"\s*[0-9]{1,9}\s*", re.ASCII)


def retry_after(reply: Reply, now: datetime) -> float | None:
    """The seconds that a reply asks us to wait (RFC 9110, 10.2.3); None where it does not, or not intelligibly."""
    value = reply.header("Retry-After")
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    at = http_date(value)
    return None if at is None else max(0.0, (at - now).total_seconds())
