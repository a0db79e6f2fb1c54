"""How many generated requests may get no reply before no more of their kind are sent."""

from __future__ import annotations

from kms_conformance.client.judge import Inconclusive, Lost

# Each may cost its attempts, and a process that is started anew. What three have shown a fourth shows no better.
_MOST = 3


class LostReplies:
    """Counts the generated requests of one check that got no reply: the check goes on after them, up to a limit."""

    def __init__(self) -> None:
        self._lost = 0

    def take(self, lost: Lost) -> None:
        """Take note of one; raises `Inconclusive` with the last one that is borne."""
        self._lost += 1
        if self._lost >= _MOST:
            raise Inconclusive(
                f"{self._lost} generated requests got no reply, so no more of them were sent. The last: {lost.reason}",
                lost.hint,
            ) from None
