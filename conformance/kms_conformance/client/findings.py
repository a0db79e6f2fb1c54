"""Findings of the requests of one check, kept by the client until the judge of the check takes them.

Every exchange adds its findings, even if the check ignores the answer or an exception ends the call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.judge import Finding, Judgement, Observation, StateRead


class Findings:
    """The findings of one check. While no check runs, `kept` is false, and findings are dropped."""

    def __init__(self, clean: Callable[[str], str], latest: Callable[[], int], *, kept: bool = True) -> None:
        """`clean` redacts texts; `latest` gives the number of the latest exchange."""
        self.kept = kept
        self._clean = clean
        self._latest = latest
        self._found: deque[Finding] = deque()

    def take(self) -> Iterator[Finding]:
        """All findings since the last call, oldest first.

        A finding is removed after the caller has used it, so a signal in between loses none.
        """
        while self._found:
            yield self._found[0]
            self._found.popleft()

    # --- adding -------------------------------------------------------------------------------------------------------

    def record(self, judgements: Iterable[Judgement]) -> None:
        """Add judgements.

        Failures are redacted at once, because the redactor soon forgets the secrets of a single exchange.
        """
        if self.kept:
            for judgement in judgements:
                self._found.append(judgement if judgement.passed else judgement.cleaned(self._clean))

    def holds(self, requirement: RequirementId) -> None:
        """Add a passed judgement that cites the latest exchange."""
        self.record([Judgement(requirement, passed=True, exchanges=(self._latest(),))])

    def breaks(
        self,
        requirement: RequirementId,
        expected: object,
        received: object,
        exchanges: tuple[int, ...] = (),
        hint: str = "",
    ) -> None:
        """Add a failed judgement."""
        told = {"expected": str(expected), "received": str(received)}
        self.record([Judgement(requirement, passed=False, **told, exchanges=exchanges, hint=hint)])

    def was_read(self, state: str) -> None:
        """Add the state in which a key was just read."""
        if self.kept:
            self._found.append(StateRead(state))

    def observe(self, text: str) -> None:
        """Add an event that counts against no requirement; `text` describes it. Equal texts are counted."""
        if self.kept:
            self._found.append(Observation(self._clean(text)))
