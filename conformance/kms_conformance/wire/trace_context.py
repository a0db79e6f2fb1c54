"""Trace context: headers by which the operator of an endpoint finds the log line of a request.

`traceparent` and `tracestate` are those of W3C Trace Context (https://www.w3.org/TR/trace-context/). The session adds
them after signing, so no signature covers them: a proxy may change them, and an endpoint that ignores them is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kms_conformance.core.runtime import Chance
    from kms_conformance.wire.messages import Request

PARENT, STATE = "traceparent", "tracestate"
#: The key of this suite in `tracestate`.
VENDOR = "kms-conformance"
#: The value in `tracestate` of requests that belong to no check, such as those that give keys back.
OF_THE_RUN = "run"
# The longest value of a member of `tracestate` (W3C Trace Context, 3.3.1.3.2).
_MOST = 256
# Version 00 of the format, and the flag "sampled", which asks a tracing endpoint to keep the trace.
_VERSION, _SAMPLED = "00", "01"


class TraceContext:
    """The headers of the requests of one run: one trace id for each check, one parent id for each request.

    The ids come from a source of their own, so that all other random values of a run are the same with and without
    these headers. From the same seed, the ids are the same: a recorded run is judged again with the recorded headers.
    """

    def __init__(self, chance: Chance) -> None:
        self._chance = chance.derived("trace context")
        self._check = OF_THE_RUN
        self._trace = self._chance.hex(16)

    def begin(self, check: str = OF_THE_RUN) -> None:
        """Begin the trace of a check; `check` is its id."""
        self._check = state_value(check)
        self._trace = self._chance.hex(16)

    def added_to(self, request: Request) -> Request:
        """The request with the headers of the present check and with a new parent id."""
        parent = f"{_VERSION}-{self._trace}-{self._chance.hex(8)}-{_SAMPLED}"
        return request.with_headers((PARENT, parent), (STATE, f"{VENDOR}={self._check}"))


def state_value(text: str) -> str:
    """The text as a value of `tracestate`: printable ASCII without commas and equals signs, at most 256 characters."""
    return "".join(each if " " <= each <= "~" and each not in ",=" else "_" for each in text)[:_MOST].strip(" ")
