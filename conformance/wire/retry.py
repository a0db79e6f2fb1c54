"""What a reply says about when to come again."""

from __future__ import annotations

from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from conformance.wire.messages import Reply


def retry_after(reply: Reply) -> float | None:
    """The seconds that a reply asks us to wait (RFC 9110, 10.2.3); None where it does not, or not intelligibly."""
    value = reply.header("Retry-After")
    if value is None:
        return None
    try:
        return float(Retry().parse_retry_after(value))
    except (InvalidHeader, ValueError, OverflowError):
        return None
