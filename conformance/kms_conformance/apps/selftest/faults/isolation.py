"""Faults of isolation: what a run does to its own keys happens to those of others."""

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
        title="Scheduling a key schedules keys of others.",
        decisions=(
            changing_others("schedule", lambda key: _foreign(key) and key.state is ENABLED, with_(state=PENDING)),
        ),
    ),
    _fault(
        name="foreign-key-rescued",
        title="Cancelling a deletion rescues keys of others.",
        decisions=(
            changing_others(
                "cancel", lambda key: _foreign(key) and key.state is PENDING, with_(state=DISABLED, deletion=None)
            ),
        ),
    ),
    _fault(
        name="foreign-key-disabled",
        title="Disabling a key disables keys of others.",
        decisions=(
            changing_others("disable", lambda key: _foreign(key) and key.state is ENABLED, with_(state=DISABLED)),
        ),
    ),
    _fault(
        name="foreign-key-described",
        title="Describing a key anew describes keys of others anew.",
        severity="major",
        decisions=(changing_others("update_description", _foreign, with_(description="changed")),),
    ),
    _fault(
        name="foreign-alias-taken",
        title="Naming a key takes the names of others away.",
        severity="major",
        # Describing a key of the other dialect does not tell its names.
        dialects=(HUAWEI,),
        decisions=(changing_others("set_alias", _foreign, with_(aliases=())),),
    ),
)
