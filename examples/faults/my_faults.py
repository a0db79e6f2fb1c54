"""Own faults for `kms-conformance selftest --faults my_faults.py`; docs/your-own-faults.md explains the file.

Each fault is the built-in emulator with one deliberate deviation. The suite must report it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from kms_conformance.apps.selftest.own import (
    AWS,
    HUAWEI,
    Decisions,
    Fault,
    Key,
    State,
    Variant,
    field,
    header,
    on,
    on_all,
)


class CancelForgetsTheDescription(Decisions):
    """Cancelling a deletion loses the description of the key."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            yield replace(key, description="") if operation == "cancel" else key


class DisabledKeyEncrypts(Decisions):
    """A disabled key still encrypts."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        if operation == "encrypt" and key.state is State.DISABLED:
            return None
        return super().refusal_for(operation, key)


FAULTS = (
    # The requirement that must fail is named: another one is not enough.
    Fault(
        name="cancel-forgets-the-description",
        title="Cancelling a deletion loses the description of the key.",
        requirements={"cancel.keeps.name"},
        dialects=(AWS,),
        decisions=(CancelForgetsTheDescription,),
    ),
    # No requirement is named: any MUST may report it.
    Fault(
        name="disabled-key-encrypts",
        title="A disabled key still encrypts.",
        dialects=(HUAWEI,),
        decisions=(DisabledKeyEncrypts,),
    ),
    # A filter changes replies: (request, reply) -> reply.
    Fault(
        name="describe-shows-another-state",
        title="Describe shows every key as enabled.",
        dialects=(HUAWEI,),
        filters=(on("describe", field("key_info.key_state", lambda _: "2")),),
    ),
)

# A variant conforms in another way. The suite must not accuse it.
VARIANTS = (
    Variant(
        name="date-header-of-1970",
        title="The Date header of replies stands still.",
        dialects=(HUAWEI,),
        filters=(on_all(header("Date", "Thu, 01 Jan 1970 00:00:00 GMT")),),
    ),
)
