"""`POST /_control/clock` with `{"advance_seconds": N}`: moves the lives of keys forward, and nothing else.

Needs no credentials: whoever reaches an emulator may spoil it anyway. N = 0 asks for the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import strict_json
from kms_conformance.emulator.clock import iso
from kms_conformance.emulator.replies import Headers, Inbound, Outbound, reply

if TYPE_CHECKING:
    from kms_conformance.emulator.clock import Clock

PATH = "/_control/clock"
_JSON: Headers = (("Content-Type", "application/json"),)


def answer(inbound: Inbound, clock: Clock) -> Outbound:
    """200 with the new time, 400 with an explanation for what is no such body, 405 for another method."""
    if inbound.method != "POST":
        return _problem(405, "Use POST.").with_header("Allow", "POST")
    try:
        seconds = _seconds(strict_json.parse(inbound.body))
        now = clock.advance(seconds)
    except ValueError as problem:
        return _problem(400, str(problem))
    except OverflowError:
        return _problem(400, "advance_seconds leads beyond the end of the calendar; use a smaller number.")
    return reply(200, _JSON, {"now": iso(now)}, strict_json.encode)


def _seconds(body: Any) -> float:  # noqa: ANN401 - parsed JSON
    seconds = body.get("advance_seconds") if isinstance(body, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError('The body must be {"advance_seconds": N}, N being a number of seconds.')  # noqa: TRY004 - one kind of problem
    if seconds < 0:
        raise ValueError("advance_seconds is negative; the clock only moves forward.")
    return seconds


def _problem(status: int, text: str) -> Outbound:
    return reply(status, _JSON, {"error": text}, strict_json.encode)
