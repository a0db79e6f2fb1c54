"""Findings of a check's requests, in order, kept by the client until the judge of the check takes them.

Every exchange adds its findings, also one whose answer is dropped and one that ends in an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.judge import Finding, Judgement, NoReply, StateRead


class Findings:
    """The findings of one check. Of requests outside of checks nothing is kept: `kept` is false."""

    def __init__(self, clean: Callable[[str], str], latest: Callable[[], int], *, kept: bool = True) -> None:
        """`clean` takes secrets out of texts; `latest` gives the number of the exchange before now."""
        self.kept = kept
        self._clean = clean
        self._latest = latest
        self._found: list[Finding] = []

    def take(self) -> tuple[Finding, ...]:
        """Everything found since the last call, oldest first."""
        found = tuple(self._found)
        self._found.clear()
        return found

    # --- adding -------------------------------------------------------------------------------------------------------

    def record(self, judgements: Iterable[Judgement]) -> None:
        """Add judgements. Secrets of a single exchange are known for a short time only, so failures are cleaned now."""
        if self.kept:
            for judgement in judgements:
                self._found.append(judgement if judgement.passed else judgement.cleaned(self._clean))

    def holds(self, requirement: RequirementId) -> None:
        """Add that one requirement holds, as the latest exchange shows."""
        self.record([Judgement(requirement, passed=True, exchanges=(self._latest(),))])

    def breaks(
        self,
        requirement: RequirementId,
        expected: object,
        received: object,
        exchanges: tuple[int, ...] = (),
        hint: str = "",
    ) -> None:
        """Add that one requirement does not hold."""
        told = {"expected": str(expected), "received": str(received)}
        self.record([Judgement(requirement, passed=False, **told, exchanges=exchanges, hint=hint)])

    def was_read(self, state: str) -> None:
        """Add that a key was just read in this state."""
        if self.kept:
            self._found.append(StateRead(state))

    def had_no_reply(self, text: str) -> None:
        """Add that a request got no reply and that nothing follows for the target; `text` says what became of it."""
        if self.kept:
            self._found.append(NoReply(self._clean(text)))
