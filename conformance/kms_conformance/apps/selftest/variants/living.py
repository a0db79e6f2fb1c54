"""Variants in dates and states: rounded dates and clocks that are a minute off."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import (
    PENDING,
    Mixin,
    dating,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, BOTH, Variant
from kms_conformance.emulator import Decisions, Key, Rules, State


def _rounded_up(seconds: int) -> Mixin:
    def date(now: datetime, days: int) -> datetime:
        exact = (now + timedelta(days=days)).timestamp()
        return datetime.fromtimestamp(-(-exact // seconds) * seconds, now.tzinfo)

    return dating(date)


class _StateFromBefore(Decisions):
    """Cancelling restores the state before scheduling: a disabled key is disabled again."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._before: dict[str, State] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self._before[after.id] = before.state
        return super().effects(operation, before, after, keys)

    def state_after_cancel(self, key: Key) -> State:
        return self._before.get(key.id, super().state_after_cancel(key))


class _GoneWithinADay(Decisions):
    """A key is gone 23 hours after its deletion date; in these hours, its deletion cannot be cancelled."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._now: datetime | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        self._now = now
        return super().key_visible(key, now - timedelta(hours=23))

    def refusal_for(self, operation: str, key: Key) -> str | None:
        over = self._now is not None and key.state is PENDING and key.deletion is not None and self._now >= key.deletion
        return "not_pending" if operation == "cancel" and over else super().refusal_for(operation, key)


LIVING: tuple[Variant, ...] = (
    *(
        Variant(
            f"date-rounded-up-to-{name}",
            f"Dates are rounded up to the {name}.",
            # In the AWS dialect, a date that is hours late is allowed, but it fails the SHOULD schedule.window.exact.
            dialects=ALL if seconds <= 60 else BOTH,
            decisions=(_rounded_up(seconds),),
            about="dates",
        )
        for name, seconds in (("minute", 60), ("hour", 3600), ("day", 86400))
    ),
    Variant(
        "clock-ahead",
        "The service's clock is a minute ahead.",
        decisions=(dating(lambda now, d: now + timedelta(days=d, minutes=1)),),
        about="dates",
    ),
    Variant(
        "clock-behind",
        "The service's clock is a minute behind.",
        decisions=(dating(lambda now, d: now + timedelta(days=d, minutes=-1)),),
        about="dates",
    ),
    Variant("state-from-before", "Cancelling restores the state before scheduling.", (ALIBABA,), (_StateFromBefore,)),
    Variant(
        "gone-within-a-day", "A key is gone some hours after its deletion date.", (ALIBABA, AWS), (_GoneWithinADay,)
    ),
)
