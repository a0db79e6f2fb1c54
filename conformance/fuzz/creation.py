"""Generated requests that create keys: few, each in the ledger before it leaves, each key let go at once."""

from __future__ import annotations

import secrets

from conformance.answer import Answer
from conformance.catalogue.api import Operation
from conformance.fuzz.draft import Draft
from conformance.fuzz.needs import Check
from conformance.fuzz.tailor import Tailor
from conformance.ledger import MARKER_PREFIX


class Creator:
    """Sends requests to create a key as long as one more may be created, refused ones included."""

    def __init__(self, kms: Check, operation: Operation, tailor: Tailor) -> None:
        self._kms = kms
        self._operation = operation
        self._tailor = tailor
        self._left = kms.effort.fuzz_creates
        self._run = secrets.token_hex(4)
        self._sent = 0

    @property
    def may_create(self) -> bool:
        """Whether the effort of this check and the limits of the run allow one more key."""
        return self._left > 0 and self._kms.pool.room > 0

    def create(self, draft: Draft) -> Answer | None:
        """Send a request that may create a key; None if nothing was sent."""
        marker = f"{MARKER_PREFIX}{self._run}-fuzz-{self._sent}"
        fitted = self._tailor.mark(draft, marker) if self.may_create else None
        if fitted is None:
            return None
        kms, pool = self._kms, self._kms.pool
        self._sent += 1
        pool.ledger.write("intent", marker)
        pool.created += 1
        answer = kms.client.send(fitted.request, self._operation)
        key = kms.dialect.created_id(answer.value) if answer.accepted else None
        if key:
            self._left -= 1
            pool.ledger.write("created", marker, key)
            pool.ever.add(key)
            self._let_go(key, marker)
        elif answer.error is not None:
            pool.created -= 1
            pool.ledger.write("refused", marker)
        else:
            # Carried out or not: the reply does not say. The ledger remembers, and that was enough of it.
            self._left = 0
        return answer

    def _let_go(self, key: str, marker: str) -> None:
        """Schedule at once: such a key may be of any kind, and none that another check could use."""
        kms = self._kms
        if kms.ask("schedule", key_id=key, window=kms.window.minimum).accepted:
            kms.pool.ledger.write("scheduled", marker, key)
        else:
            kms.pool.adopt(key)
