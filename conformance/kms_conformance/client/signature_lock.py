"""Stays below the number of wrong signatures in a row after which a service locks an access key for all its users."""

from __future__ import annotations

from collections.abc import Callable

from kms_conformance.client.judge import Inconclusive
from kms_conformance.dialects.base import Dialect
from kms_conformance.wire.messages import Reply

# Where the profile documents no lock, the smallest number that any vendor documents is assumed.
_FAILURES = 5
_SECONDS = 300


class SignatureLock:
    """Counts wrong signatures in a row, of all requests of a run.

    A service may lock an access key after a number of wrong signatures in a row. The profile has the number under
    `signature_lock`. Wrong signatures on purpose are interrupted by good requests after half of it at the latest,
    because others may use the key too. If the target refuses good signatures, requests end before the last one.

    - processes: the number of processes of this run that use the access key now.
    """

    def __init__(self, dialect: Dialect, monotonic: Callable[[], float]) -> None:
        """`monotonic` returns seconds that never go back."""
        self._dialect = dialect
        lock = dialect.profile.facts.get("signature_lock", {})
        failures = int(lock.get("failures", _FAILURES))
        self._seconds = int(lock.get("seconds", _SECONDS))
        self._most_on_purpose = max(1, failures // 2)
        self._most_refused = max(1, failures - 1)
        self._monotonic = monotonic
        self._refused_at = 0.0
        self.in_a_row = 0
        self.processes = 1

    @property
    def needs_good(self) -> bool:
        """Whether a good request must be sent before the next request with a wrong signature."""
        return self.in_a_row >= self._most_on_purpose

    def check(self) -> None:
        """Raise `Inconclusive` if the target has refused good signatures so often that one more may lock the key.

        After the time that a lock takes, one more request is allowed.
        """
        if (
            self.in_a_row < max(1, self._most_refused // self.processes)
            or self._monotonic() - self._refused_at >= self._seconds
        ):
            return
        raise Inconclusive(
            f"Not sent: the target refused the last {self.in_a_row} signatures.",
            "More refusals may lock the access key for all its users. Are the credentials still valid?",
        )

    def note(self, reply: Reply | None, *, on_purpose: bool) -> None:
        """Note the reply to a request, None if there is none; a wrong signature `on_purpose` counts as refused."""
        if reply is None and not on_purpose:
            return
        refused = on_purpose or self._is_refusal(reply)
        self.in_a_row = self.in_a_row + 1 if refused else 0
        if refused:
            self._refused_at = self._monotonic()

    def renew(self) -> None:
        """Allow one more request with good credentials, to release the keys at the end of a run."""
        self.in_a_row = min(self.in_a_row, self._most_refused - 1)

    def _is_refusal(self, reply: Reply | None) -> bool:
        """Whether a reply says that the signature of the request is wrong."""
        profile = self._dialect.profile
        if reply is None or reply.status < 400 or "wrong_signature" not in profile.facts["refusals"]:
            return False
        error = self._dialect.error(self._dialect.decode(reply, None).value)
        code = None if error is None else error.code
        return reply.status == 401 or profile.refusal("wrong_signature").admits(reply.status, code)
