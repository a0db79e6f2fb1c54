"""The fourth blind set: what happens at the end of waiting periods."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED
from kms_conformance.apps.selftest.blind.fourth.mixins import NAMED, at_end, deleted_answered, rows_of
from kms_conformance.apps.selftest.blind.memory import Memory, vanishing
from kms_conformance.apps.selftest.blind.second.mixins import DAY, RequestMemory, due, pending
from kms_conformance.apps.selftest.deviation import AWS
from kms_conformance.emulator import Key, Rules

_end = rows_of("ends")


class _FirstPageSwept(Memory):
    """The clean-up job deletes keys only if they are among the first eight of the account."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._order: dict[str, int] = {}

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        number = self._order.setdefault(key.id, len(self._order))
        return there or number >= 8


def _no_disabled_left(memory: Memory, key: Key, now: datetime) -> bool:
    blocked = any(other.state is DISABLED for other in memory.known.values())
    return not due(key, now) or blocked


class _AliasesInherited(Memory):
    """When a key is deleted, its aliases move to the newest enabled key."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._moved: set[str] = set()

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        found = list(super().changed_by_time(keys))
        there = {key.id for key in keys}
        heir = next((key for key in reversed(tuple(keys)) if key.state is ENABLED and not key.default), None)
        for name, key in self.seen.items():
            if name not in there and name not in self._moved and key.aliases and heir is not None:
                self._moved.add(name)
                heir = replace(heir, aliases=(*heir.aliases, *key.aliases))
                found.append(heir)
        return found


def _early_if_largest(memory: Memory, key: Key, now: datetime) -> bool:
    largest = pending(key) and key.window_days == memory.rules.window_maximum
    return not due(key, now + DAY if largest else now)


def _stays_if_described(memory: Memory, key: Key, now: datetime) -> bool:
    changed = memory.done["update_description", key.id] > 0
    return not due(key, now) or changed


class _DescribedForAMonth(Memory):
    """For a month, a deleted key is described as it was, and all else is refused."""

    def invented_key(self, key_id: str, now: datetime) -> Key | None:
        return self.seen.get(key_id)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        if key.id not in self.known and operation != "describe" and not key.default and key.id in self.seen:
            return "unknown_key" if operation != "decrypt" else "lost_key"
        if key.id not in self.known and key.id in self.seen:
            return None if self.now < (key.deletion or self.now) + timedelta(days=30) else "unknown_key"
        return super().refusal_for(operation, key)


class _OnlyOneADay(Memory):
    """The clean-up job deletes one key a day."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._last: datetime | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        if there:
            return True
        if self._last is not None and now - self._last < 2 * DAY:
            return True
        self._last = now
        return False


class _RefusedCancelKeeps(RequestMemory):
    """A key whose cancellation was refused is not deleted at its date."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._held: set[str] = set()

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation == "cancel" and refusal == "not_pending" and key is not None:
            self._held.add(key.id)
        return super().effects_of_refusal(operation, refusal, key, keys)

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        return there or key.id in self._held


_BROKEN = {"huawei": "KMS.0101", "alibaba": "InternalFailure", "aws": "KMSInternalException"}
_DENIED = {"huawei": "KMS.0306", "alibaba": "Forbidden.NoPermission", "aws": "AccessDeniedException"}

ENDS = (
    _end(
        "job-sees-first-page-only",
        "critical",
        "The clean-up job reads one page of eight keys: later keys of the account are never deleted.",
        "expiry.gone",
        does=(_FirstPageSwept,),
    ),
    _end(
        "disabled-key-stops-job",
        "critical",
        "As long as the account has a disabled key, no key is deleted.",
        "expiry.gone",
        does=(vanishing(_no_disabled_left),),
    ),
    _end(
        "end-cancels-others",
        "critical",
        "When a key is deleted, the deletions of all other pending keys are cancelled.",
        "expiry.nothing-else",
        "isolation.other-keys",
        "lifecycle.sequence",
        does=(
            at_end(lambda key: replace(key, state=DISABLED, deletion=None, window_days=None), lambda _, k: pending(k)),
        ),
    ),
    _end(
        "end-disables-others",
        "critical",
        "When a key is deleted, all enabled keys of the account are disabled.",
        "expiry.nothing-else",
        "isolation.other-keys",
        does=(at_end(lambda key: replace(key, state=DISABLED), lambda _, key: key.state is ENABLED),),
    ),
    _end(
        "end-empties-descriptions",
        "minor",
        "When a key is deleted, the descriptions of keys that were created later are emptied.",
        "expiry.nothing-else",
        "isolation.other-keys",
        does=(at_end(lambda key: replace(key, description=""), lambda gone, key: key.created >= gone.created),),
    ),
    _end(
        "aliases-inherited",
        "major",
        "When a key is deleted, its aliases move to the newest enabled key.",
        "expiry.aliases",
        "expiry.gone",
        "expiry.nothing-else",
        of=NAMED,
        does=(_AliasesInherited,),
    ),
    _end(
        "largest-window-ends-a-day-early",
        "critical",
        "A key that waits for the largest window is deleted a day before its date.",
        "expiry.not-early",
        does=(vanishing(_early_if_largest),),
    ),
    _end(
        "changed-description-keeps-key",
        "critical",
        "A key whose description was ever changed is not deleted at its date.",
        "expiry.gone",
        does=(vanishing(_stays_if_described),),
    ),
    _end(
        "deleted-described-for-a-month",
        "major",
        "A deleted key can be described for 30 more days, as a pending one, while all else is refused.",
        "expiry.gone",
        does=(_DescribedForAMonth,),
    ),
    _end(
        "one-deletion-in-two-days",
        "critical",
        "The clean-up job deletes at most one key in two days, of all keys of the account.",
        "expiry.gone",
        does=(_OnlyOneADay,),
    ),
    _end(
        "refused-cancel-keeps-key",
        "critical",
        "A key on which a cancellation was ever refused is not deleted at its date.",
        "expiry.gone",
        "refused.changes-nothing",
        does=(_RefusedCancelKeeps,),
    ),
    _end(
        "deleted-breaks",
        "major",
        "A request for a deleted key is answered with an internal error.",
        "expiry.gone",
        "reply.no-server-error",
        does=(deleted_answered(500, _BROKEN),),
    ),
    _end(
        "deleted-is-denied",
        "major",
        "A request for a deleted key is refused as a lack of permission.",
        "expiry.gone",
        "expiry.not-recoverable",
        does=(deleted_answered(403, _DENIED),),
    ),
    _end(
        "policy-keeps-key",
        "critical",
        "A key with a policy of its own is not deleted at its date.",
        "expiry.gone",
        of=(AWS,),
        does=(vanishing(lambda _, key, now: not due(key, now) or bool(key.policy)),),
    ),
)
