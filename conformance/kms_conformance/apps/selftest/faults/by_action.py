"""Faults of single actions in the dialect `alibaba`: data keys, GET requests, names of keys, keys without material."""

from __future__ import annotations

from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import PENDING, accepting, answering, refusing
from kms_conformance.apps.selftest.deviation import ALIBABA, Fault
from kms_conformance.apps.selftest.reply_mutations import on, without
from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.emulator import Decisions, Inbound, State

_fault = partial(Fault, severity="critical", dialects=(ALIBABA,))
_imported = partial(
    Fault,
    fault_class="states",
    severity="major",
    dialects=(ALIBABA,),
    families=("cancel",),
    profile="alibaba-cloud",
    tier="standard",
    exit_code=0,
)
_WITHOUT_PLAINTEXT = "generate_data_key_without_plaintext"


class _NoGetThatSchedules(Decisions):
    """GET requests are served, except for ScheduleKeyDeletion."""

    def method_allowed(self, inbound: Inbound, documented: tuple[str, ...]) -> bool:  # type: ignore[override]  # any collection
        schedules = inbound.method == "GET" and inbound.operation == "schedule"
        return not schedules and super().method_allowed(inbound, documented)


class _AliasesNameKeys(Decisions):
    """Scheduling and cancelling accept an alias where the documents require the key's id."""

    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        return None if found == "alias_as_key" else super().parameter_problem(found, name, value)


FAULTS = (
    _fault(
        name="pending-generate-data-key-without-plaintext-accepted",
        title="A pending key gives encrypted data keys.",
        fault_class="pending",
        families=("pending_belongings",),
        requirements=frozenset({"pending.generate-data-key-without-plaintext"}),
        decisions=(accepting(_WITHOUT_PLAINTEXT, PENDING),),
    ),
    _fault(
        name="data-key-without-ciphertext",
        title="The reply to GenerateDataKeyWithoutPlaintext has no ciphertext.",
        fault_class="fields",
        severity="major",
        families=("replies",),
        requirements=frozenset({"generate-data-key-without-plaintext.reply"}),
        filters=(on(_WITHOUT_PLAINTEXT, without("CiphertextBlob")),),
    ),
    _fault(
        name="schedule-by-get-refused",
        title="A GET request does not schedule, though the page's own sample is one.",
        fault_class="schedule",
        severity="major",
        families=("schedule",),
        requirements=frozenset({"schedule.by-get"}),
        decisions=(_NoGetThatSchedules,),
    ),
    *(
        _fault(
            name=f"{operation}-by-alias",
            title=f"A key can be named by its alias: {operation}.",
            fault_class=operation,
            families=("names",),
            requirements=frozenset({as_id(f"{operation}.key-id.alias")}),
            decisions=(_AliasesNameKeys,),
            exit_code=0,
        )
        for operation in ("schedule", "cancel")
    ),
    _fault(
        name="arn-refused-as-alias",
        title="An ARN in place of the id is refused as an unknown alias.",
        fault_class="schedule",
        severity="minor",
        families=("names",),
        requirements=frozenset({"schedule.key-id.arn-open", "cancel.key-id.arn-open"}),
        decisions=(answering(404, "Forbidden.AliasNotFound", "arn_as_key"),),
        exit_code=0,
    ),
    _imported(
        name="imported-key-cancelled",
        title="Cancelling is accepted on a key that waits for material and was never scheduled.",
        requirements=frozenset({"cancel.not-pending.pending-import"}),
        decisions=(accepting("cancel", State.PENDING_IMPORT),),
    ),
    *(
        _imported(
            name=f"imported-key-{operation.replace('_', '-')}-accepted",
            title=f"A key that waits for material accepts {operation.replace('_', ' ')}.",
            requirements=frozenset({"state.pending-import"}),
            decisions=(accepting(operation, State.PENDING_IMPORT),),
        )
        for operation in ("encrypt", "generate_data_key", "enable", "disable")
    ),
    _imported(
        name="imported-key-not-scheduled",
        title="The deletion of a key that waits for material cannot be scheduled.",
        requirements=frozenset({"schedule.imported-key"}),
        decisions=(refusing("schedule", "state_refused", State.PENDING_IMPORT),),
        # The run cannot schedule the key at its end, so that it is left.
        exit_code=3,
    ),
)
