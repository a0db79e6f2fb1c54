"""Faults that show now and then: one in so many requests."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import PENDING
from kms_conformance.apps.selftest.deviation import ALIBABA, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import every, field, header, on, on_all, status, text
from kms_conformance.emulator import Decisions, Key, Rules

_fault = partial(Fault, fault_class="intermittent", severity="major")


class _Sometimes(Decisions):
    """Does one in `number` of the requests of an operation by halves, or lets it through."""

    operation = ""
    number = 7

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._count = 0

    def _now(self, operation: str) -> bool:
        if operation != self.operation:
            return False
        self._count += 1
        return self._count % self.number == 0


class _SometimesNothing(_Sometimes):
    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        return (before,) if self._now(operation) else super().effects(operation, before, after, keys)


class _SometimesAccepted(_Sometimes):
    def refusal_for(self, operation: str, key: Key) -> str | None:
        found = super().refusal_for(operation, key)
        return None if found is not None and key.state is PENDING and self._now(operation) else found


def _nothing(operation: str, number: int) -> type[Decisions]:
    return type("Nothing", (_SometimesNothing,), {"operation": operation, "number": number})


def _accepted(operation: str, number: int) -> type[Decisions]:
    return type("Accepted", (_SometimesAccepted,), {"operation": operation, "number": number})


FAULTS = (
    _fault(
        name="sometimes-cancel-does-nothing",
        families=("cancel",),
        title="One cancellation in three is answered as done and not done.",
        severity="critical",
        requirements=frozenset({"cancel.effect", "cancel.state-after", "cancel.sequence", "cancel.before-end"}),
        decisions=(_nothing("cancel", 3),),
    ),
    _fault(
        name="sometimes-schedule-does-nothing",
        families=("cancel", "schedule"),
        title="One scheduling in three is answered as done and not done.",
        severity="critical",
        requirements=frozenset({"schedule.state-after", "schedule.from-enabled"}),
        decisions=(_nothing("schedule", 3),),
        why_more="Chance decides which ways of scheduling meet it while the plain one works.",
    ),
    _fault(
        name="sometimes-scheduled-twice",
        families=("schedule",),
        title="Every second time, a pending key can be scheduled again.",
        requirements=frozenset({"schedule.twice"}),
        decisions=(_accepted("schedule", 2),),
    ),
    _fault(
        name="sometimes-pending-key-encrypts",
        families=("pending_use",),
        title="Every second time, a pending key encrypts.",
        severity="critical",
        requirements=frozenset({"pending.encrypt"}),
        decisions=(_accepted("encrypt", 2),),
    ),
    _fault(
        name="sometimes-internal-error",
        families=("cancel",),
        title="One description in seven is an internal error.",
        requirements=frozenset({"reply.no-server-error"}),
        filters=(every(7, on("describe", status(500))),),
    ),
    _fault(
        name="sometimes-html",
        families=("pending_use", "unknown_keys"),
        title="One list in seven is a page for people.",
        requirements=frozenset({"reply.content-type"}),
        filters=(every(7, on("list", text("<html></html>", "text/html"))),),
    ),
    _fault(
        name="sometimes-declared-as-text",
        families=("cancel",),
        title="One reply in seven is declared as plain text.",
        severity="minor",
        requirements=frozenset({"reply.content-type"}),
        filters=(every(7, on_all(header("Content-Type", "text/plain"))),),
    ),
    _fault(
        name="sometimes-request-id-repeated",
        families=("cancel",),
        title="One request id in seven was used before.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"reply.request-id"}),
        filters=(every(7, on_all(field("RequestId", lambda _: "4B9B8A5C-0000-0000-0000-000000000000"))),),
    ),
    _fault(
        name="sometimes-state-is-a-number",
        families=("cancel",),
        title="One reply to cancelling in seven has a number for the state.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.reply.key-state"}),
        filters=(every(7, on("cancel", field("key_state", int))),),
    ),
)
