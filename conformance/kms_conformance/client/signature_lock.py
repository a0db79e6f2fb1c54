"""Stays below the number of wrong signatures in a row after which a service locks an access key for all its users."""

from __future__ import annotations

from collections.abc import Callable

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.judge import Inconclusive

# Where the profile documents no lock, the smallest number that any vendor documents is assumed.
_FAILURES = 5
_SECONDS = 300


class SignatureLock:
    """Counts wrong signatures in a row, of all requests of a run.

    A service may lock an access key after a number of wrong signatures in a row. The profile has the number under
    `signature_lock`. Wrong signatures on purpose are interrupted by good requests after half of it at the latest,
    because others may use the key too. If the target refuses good signatures, requests end before the last one.
    """

    def __init__(self, profile: Profile, monotonic: Callable[[], float]) -> None:
        """`monotonic` returns seconds that never go back."""
        lock = profile.facts.get("signature_lock", {})
        failures = int(lock.get("failures", _FAILURES))
        self._seconds = int(lock.get("seconds", _SECONDS))
        self._most_on_purpose = max(1, failures // 2)
        self._most_refused = max(1, failures - 1)
        self._monotonic = monotonic
        self._refused_at = 0.0
        self.in_a_row = 0

    @property
    def needs_good(self) -> bool:
        """Whether a good request must be sent before the next request with a wrong signature."""
        return self.in_a_row >= self._most_on_purpose

    def check(self) -> None:
        """Raise `Inconclusive` if the target has refused good signatures so often that one more may lock the key.

        After the time that a lock takes, one more request is allowed.
        """
        if self.in_a_row < self._most_refused or self._monotonic() - self._refused_at >= self._seconds:
            return
        raise Inconclusive(
            f"Not sent: the target refused the last {self.in_a_row} signatures.",
            "More refusals may lock the access key for all its users. Are the credentials still valid?",
        )

    def note(self, *, refused: bool) -> None:
        """Note the outcome of a request; a request with a wrong signature counts as refused."""
        self.in_a_row = self.in_a_row + 1 if refused else 0
        if refused:
            self._refused_at = self._monotonic()

    def renew(self) -> None:
        """Allow one more request with good credentials, to release the keys at the end of a run."""
        self.in_a_row = min(self.in_a_row, self._most_refused - 1)
