"""Variants that answer two requests at once for one key in another way, none of which loses what it has accepted."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.deviation import Variant
from kms_conformance.apps.selftest.meeting import Meeting
from kms_conformance.apps.selftest.reply_mutations import where
from kms_conformance.catalogue.api import CHANGES
from kms_conformance.emulator import Decisions, Filter, Key, Refused, Rules

# Seconds of real time that a change takes in a slow service.
_SLOW_SECONDS = 0.03


class _SecondConflicts(Meeting):
    """The second of two changes at once is refused as in a state that does not allow it."""

    def conflicts(self) -> bool:
        """Whether the request that this thread serves is refused."""
        return self.is_second

    def refusal_for(self, operation: str, key: Key) -> str | None:
        found = super().refusal_for(operation, key)
        if found is not None or operation not in CHANGES or not self.conflicts():
            return found
        refusals = self.rules.lifecycle.get(operation, {}).values()
        return next(iter(refusals), None)


class _BothConflict(_SecondConflicts):
    """Both of two changes at once are refused."""

    def conflicts(self) -> bool:
        return self.pair is not None


class _SecondIsRefused(Meeting):
    """The second of two changes at once gets a refusal that says nothing of the key."""

    refusal = "throttled"

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        found = super().parameters(operation, sent)
        if self.is_second and self.is_due():
            raise Refused(self.refusal)
        return found

    def is_due(self) -> bool:
        """Whether the request is refused."""
        return True


class _EachSecondTime(_SecondIsRefused):
    """The same, of every second pair of requests."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._pairs = 0

    def is_due(self) -> bool:
        self._pairs += 1
        return self._pairs % 2 == 1


class _EachSecondTimeFailing(_EachSecondTime):
    refusal = "internal_error"


class _Slow(Decisions):
    """Each change takes some time, and another request waits for its end."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation in CHANGES:
            time.sleep(_SLOW_SECONDS)
        return super().effects(operation, before, after, keys)


def _unanswered() -> Filter:
    """Throttled requests get no reply."""
    return where(lambda _, reply: reply.refusal == "throttled", lambda reply: replace(reply, silence="closed"))


def _variant(name: str, title: str, *decisions: type[Decisions], **fields: Any) -> Variant:  # noqa: ANN401 - of a variant
    return Variant(f"together-{name}", title, decisions=decisions, families=("together",), alone=True, **fields)


TOGETHER: tuple[Variant, ...] = (
    _variant("second-conflicts", "The second of two changes at once is refused as in another state.", _SecondConflicts),
    _variant("both-conflict", "Both of two changes at once are refused as in another state.", _BothConflict),
    _variant("throttled", "The second of two changes at once is throttled.", _SecondIsRefused),
    _variant(
        "throttled-at-first", "The second of two changes at once is throttled every second time.", _EachSecondTime
    ),
    _variant(
        "unanswered-at-first",
        "The second of two changes at once gets no reply every second time, and is not carried out.",
        _EachSecondTime,
        filters=(_unanswered(),),
    ),
    _variant(
        "failing-at-first",
        "The second of two changes at once gets an internal error every second time.",
        _EachSecondTimeFailing,
    ),
    _variant("slow", "Changes of a key take some time and are made one after the other.", _Slow),
    _variant("one-connection", "One connection is served at a time; another one waits for its end.", connections=1),
    _variant(
        "few-a-second", "The target file allows one request a second.", further={"limits": {"requests_per_second": 1}}
    ),
)
