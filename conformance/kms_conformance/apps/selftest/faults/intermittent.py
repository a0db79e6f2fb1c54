"""Intermittent faults: only every n-th request shows the fault."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import PENDING
from kms_conformance.apps.selftest.deviation import ALIBABA, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import every, field, header, on, on_all, status, text
from kms_conformance.emulator import Decisions, Key, Rules

_fault = partial(Fault, fault_class="intermittent", severity="major")


class _Sometimes(Decisions):
    """Counts the requests of an operation; every `number`-th one shows the fault of the subclass."""

    operation = ""
    number = 7

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._count = 0

    def _is_due(self, operation: str) -> bool:
        if operation != self.operation:
            return False
        self._count += 1
        return self._count % self.number == 0


class _SometimesNothing(_Sometimes):
    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        return (before,) if self._is_due(operation) else super().effects(operation, before, after, keys)


class _SometimesAccepted(_Sometimes):
    def refusal_for(self, operation: str, key: Key) -> str | None:
        found = super().refusal_for(operation, key)
        return None if found is not None and key.state is PENDING and self._is_due(operation) else found


class _SometimesFailing(_Sometimes):
    def refusal_for(self, operation: str, key: Key) -> str | None:
        due = key.state is PENDING and self._is_due(operation)
        return "internal_error" if due else super().refusal_for(operation, key)


def _failing(operation: str, number: int) -> type[Decisions]:
    return type("Failing", (_SometimesFailing,), {"operation": operation, "number": number})


def _nothing(operation: str, number: int) -> type[Decisions]:
    return type("Nothing", (_SometimesNothing,), {"operation": operation, "number": number})


def _accepted(operation: str, number: int) -> type[Decisions]:
    return type("Accepted", (_SometimesAccepted,), {"operation": operation, "number": number})


FAULTS = (
    _fault(
        name="sometimes-cancel-does-nothing",
        families=("cancel",),
        title="Every third cancellation is answered with success, but has no effect.",
        severity="critical",
        requirements=frozenset({"cancel.effect", "cancel.state-after", "cancel.sequence", "cancel.before-end"}),
        decisions=(_nothing("cancel", 3),),
    ),
    _fault(
        name="sometimes-schedule-does-nothing",
        families=("cancel", "schedule"),
        title="Every third scheduling is answered with success, but has no effect.",
        severity="critical",
        requirements=frozenset({"schedule.state-after", "schedule.from-enabled"}),
        decisions=(_nothing("schedule", 3),),
        why_more="The order of the requests decides which requirements about scheduling the fault breaks.",
    ),
    _fault(
        name="sometimes-scheduled-twice",
        families=("schedule",),
        title="Every second attempt to schedule a pending key again is accepted.",
        requirements=frozenset({"schedule.twice"}),
        decisions=(_accepted("schedule", 2),),
    ),
    _fault(
        name="sometimes-pending-key-encrypts",
        families=("pending_use",),
        title="Every second attempt to encrypt with a pending key is accepted.",
        severity="critical",
        requirements=frozenset({"pending.encrypt"}),
        decisions=(_accepted("encrypt", 2),),
    ),
    _fault(
        name="sometimes-internal-error",
        families=("cancel",),
        title="Every seventh description is an internal error.",
        requirements=frozenset({"reply.no-server-error"}),
        filters=(every(7, on("describe", status(500))),),
    ),
    _fault(
        name="sometimes-internal-error-on-cancel",
        title="Every second cancellation of a pending key is an internal error, and has no effect.",
        requirements=frozenset({"reply.no-server-error"}),
        decisions=(_failing("cancel", 2),),
    ),
    _fault(
        name="sometimes-html",
        families=("pending_use", "unknown_keys"),
        title="Every seventh list is an HTML page.",
        requirements=frozenset({"reply.content-type"}),
        filters=(every(7, on("list", text("<html></html>", "text/html"))),),
    ),
    _fault(
        name="sometimes-declared-as-text",
        families=("cancel",),
        title="Every seventh reply has the media type text/plain.",
        severity="minor",
        requirements=frozenset({"reply.content-type"}),
        filters=(every(7, on_all(header("Content-Type", "text/plain"))),),
    ),
    _fault(
        name="sometimes-request-id-repeated",
        families=("cancel",),
        title="Every seventh request id is a repeated one.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"reply.request-id"}),
        filters=(every(7, on_all(field("RequestId", lambda _: "4B9B8A5C-0000-0000-0000-000000000000"))),),
    ),
    _fault(
        name="sometimes-state-is-a-number",
        families=("cancel",),
        title="Every seventh reply to cancelling has a number as state.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.reply.key-state"}),
        filters=(every(7, on("cancel", field("key_state", int))),),
    ),
)
