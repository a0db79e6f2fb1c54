"""Mixins of the fifth blind set about the service: quotas, passing errors, permissions, and replies that lag."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

from kms_conformance.apps.selftest.behaviour_mutations import ENABLED
from kms_conformance.apps.selftest.lag import Earlier, Keys, Lag, lasting
from kms_conformance.apps.selftest.request_mutations import asked_key
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Inbound, Rules

Mixin = type[Decisions]


class RefusedEarly(Decisions):
    """Refuses some requests whose credentials are right before the service reads them."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return super().token_problem(found, inbound) or self.closed(inbound)

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return super().signature_problem(found, inbound) or self.closed(inbound)

    def closed(self, inbound: Inbound) -> str | None:
        """The refusal of a request, None to let it pass."""
        return None


class _Bucket:
    """Lets `rate` requests pass in a second, as many at once, and refuses the others."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = rate
        self._looked = REAL.monotonic()
        self._lock = threading.Lock()

    def passes(self) -> bool:
        with self._lock:
            now = REAL.monotonic()
            self._left = min(self._rate, self._left + (now - self._looked) * self._rate)
            self._looked = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


def rated(*groups: tuple[str, float], others: float | None = None) -> Mixin:
    """At most so many requests a second for the operations of each group; `others`: for all other operations together.

    It conforms because the vendors publish these rates, and the refusal of what is beyond.
    """

    class Rated(RefusedEarly):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._buckets: dict[str, _Bucket] = {}
            for operations, rate in groups:
                self._buckets |= dict.fromkeys(operations.split(), _Bucket(rate))
            self._rest = None if others is None else _Bucket(others)

        def closed(self, inbound: Inbound) -> str | None:
            bucket = self._buckets.get(inbound.operation or "", self._rest)
            return super().closed(inbound) if bucket is None or bucket.passes() else "throttled"

    return Rated


def hot_keys(operations: str, rate: float) -> Mixin:
    """At most `rate` requests a second for these operations on one key.

    It conforms because the vendor's page on throttling says that bursts of changes of one key are throttled.
    """

    class HotKeys(RefusedEarly):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._buckets: dict[str, _Bucket] = {}

        def closed(self, inbound: Inbound) -> str | None:
            if inbound.operation not in operations.split():
                return super().closed(inbound)
            bucket = self._buckets.setdefault(asked_key(inbound), _Bucket(rate))
            return super().closed(inbound) if bucket.passes() else "throttled"

    return HotKeys


def lacking(operations: str) -> Mixin:
    """The installation does not have these operations.

    It conforms for clouds whose profile says that they may lack them.
    """

    class Lacking(RefusedEarly):
        def closed(self, inbound: Inbound) -> str | None:
            return "lacking_operation" if inbound.operation in operations.split() else super().closed(inbound)

    return Lacking


def denying(operations: str) -> Mixin:
    """The caller is not permitted to do these operations.

    It conforms because permissions are the owner's choice; the vendors' pages name that of each operation.
    """

    class Denying(RefusedEarly):
        def closed(self, inbound: Inbound) -> str | None:
            return "not_permitted" if inbound.operation in operations.split() else super().closed(inbound)

    return Denying


def one_reader_behind(seconds: float, readers: int, operations: Collection[str]) -> Mixin:
    """One of `readers` readers, which answer in turn, finds the keys as they were `seconds` seconds ago."""

    class OneReaderBehind(Lag):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._turn = 0

        def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
            known = super().found(operation, keys, earlier)
            if operation not in operations:
                return known
            self._turn += 1
            return earlier(seconds) if self._turn % readers == 0 else known

    return lasting(OneReaderBehind, seconds)


def new_keys_unknown(seconds: float) -> Mixin:
    """A new key is unknown to all operations for `seconds` seconds."""

    class NewKeysUnknown(Lag):
        def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
            known, before = super().found(operation, keys, earlier), earlier(seconds)
            new = [name for name in known if name not in before]
            return {name: key for name, key in known.items() if name not in new} if new else known

    return lasting(NewKeysUnknown, seconds)


def enabled_late(seconds: float, operations: Sequence[str]) -> Mixin:
    """Cryptographic operations learn of an enabled key `seconds` seconds later; all else is known at once."""

    class EnabledLate(Lag):
        def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
            known = super().found(operation, keys, earlier)
            if operation not in operations:
                return known
            before = earlier(seconds)
            late = {
                name: before[name]
                for name, key in known.items()
                if key.state is ENABLED and name in before and before[name].state is not ENABLED
            }
            return {**known, **late} if late else known

    return lasting(EnabledLate, seconds)
