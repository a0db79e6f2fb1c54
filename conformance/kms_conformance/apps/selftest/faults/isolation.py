"""Faults of isolation: operations on keys of the run also change keys of other users."""

from __future__ import annotations

from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING, changing_others, with_
from kms_conformance.apps.selftest.deviation import HUAWEI, Fault
from kms_conformance.emulator import Key

_fault = partial(
    Fault,
    fault_class="isolation",
    severity="critical",
    families=("isolation",),
    requirements=frozenset({"isolation.other-keys"}),
)


def _foreign(key: Key) -> bool:
    return key.description == "Not yours."


FAULTS = (
    _fault(
        name="foreign-key-scheduled",
        title="Scheduling a key also schedules enabled keys of other users.",
        decisions=(
            changing_others("schedule", lambda key: _foreign(key) and key.state is ENABLED, with_(state=PENDING)),
        ),
    ),
    _fault(
        name="foreign-key-rescued",
        title="Cancelling a deletion also cancels deletions of other users.",
        decisions=(
            changing_others(
                "cancel", lambda key: _foreign(key) and key.state is PENDING, with_(state=DISABLED, deletion=None)
            ),
        ),
    ),
    _fault(
        name="foreign-key-disabled",
        title="Disabling a key also disables keys of other users.",
        decisions=(
            changing_others("disable", lambda key: _foreign(key) and key.state is ENABLED, with_(state=DISABLED)),
        ),
    ),
    _fault(
        name="foreign-key-described",
        title="Changing the description of a key also changes descriptions of other users' keys.",
        severity="major",
        decisions=(changing_others("update_description", _foreign, with_(description="changed")),),
    ),
    _fault(
        name="foreign-alias-taken",
        title="Setting an alias also removes aliases of other users' keys.",
        severity="major",
        # In the other dialects, the reply to describing a key does not show its aliases.
        dialects=(HUAWEI,),
        decisions=(changing_others("set_alias", _foreign, with_(aliases=())),),
    ),
)
