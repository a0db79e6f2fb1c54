"""Generated requests that create keys: few, each in the ledger before it leaves, each key provably ours."""

from __future__ import annotations

from kms_conformance.catalogue.api import Operation
from kms_conformance.client.answer import Answer
from kms_conformance.client.ledger import MARKER_PREFIX
from kms_conformance.suite.fuzz.draft import Draft
from kms_conformance.suite.fuzz.fuzzed_check import FuzzedCheck
from kms_conformance.suite.fuzz.targeting import Targeting

# After so many refused creates one list shows whether they made keys: else a target that does so could fill an account.
_MOST_UNLOOKED = 10
# Whether a request can carry a marker at all is known before one is spent on it.
#: Keys that generated requests have made: of whatever kind they are, no check can rely on them.
KIND = "generated"
_TRIAL = f"{MARKER_PREFIX}trial"


class Creator:
    """Sends requests to create a key as long as one more may be created, refused ones included."""

    def __init__(self, kms: FuzzedCheck, operation: Operation, targeting: Targeting) -> None:
        self._kms = kms
        self._operation = operation
        self._targeting = targeting
        self._left = kms.effort.fuzz_creates

    @property
    def may_create(self) -> bool:
        """Whether the effort of this check and the limits of the run allow one more key."""
        return self._left > 0 and self._kms.pool.room > 0

    def create(self, draft: Draft) -> Answer | None:
        """Send a request that may create a key; None if nothing was sent."""
        if not self.may_create or self._targeting.mark(draft, _TRIAL) is None:
            return None

        def send(marker: str) -> Answer:
            fitted = self._targeting.mark(draft, marker)
            assert fitted is not None
            return self._kms.client.send(fitted.request, self._operation)

        answer, key = self._kms.pool.attempt(send, KIND)
        if key is not None:
            # Of whatever kind it is, it is none that another check could use: the end of the run lets it go.
            self._left -= 1
        elif self._kms.pool.unchecked_refusals >= _MOST_UNLOOKED and self._kms.pool.judge_refused_creates():
            self._left = 0
        elif not 400 <= answer.status < 500:
            # Carried out or not: the reply does not say. The ledger remembers, and that was enough of it.
            self._left = 0
        return answer
