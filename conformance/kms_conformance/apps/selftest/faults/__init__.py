"""The registry of deliberate faults, one module for each fault class."""

from __future__ import annotations

from dataclasses import replace

from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.apps.selftest.faults import (
    access,
    authentication,
    belongings,
    bodies,
    by_action,
    by_arn,
    cancel,
    ciphertexts,
    contradictions,
    creation,
    dates,
    errors,
    expiry,
    fields,
    forms,
    found_by_seed,
    history,
    intermittent,
    isolation,
    keys,
    lagging,
    lists,
    long_waits,
    moving_dates,
    names,
    neighbours,
    pasts,
    pending,
    protocol,
    schedule,
    silences,
    states,
    survives,
    together,
    window,
)
from kms_conformance.catalogue.requirements import Catalogue

_DEFINED: tuple[Fault, ...] = (
    *window.FAULTS,
    *schedule.FAULTS,
    *cancel.FAULTS,
    *by_arn.FAULTS,
    *by_action.FAULTS,
    *pending.FAULTS,
    *states.FAULTS,
    *belongings.FAULTS,
    *survives.FAULTS,
    *ciphertexts.FAULTS,
    *pasts.FAULTS,
    *neighbours.FAULTS,
    *keys.FAULTS,
    *names.FAULTS,
    *creation.FAULTS,
    *dates.FAULTS,
    *moving_dates.FAULTS,
    *expiry.FAULTS,
    *lists.FAULTS,
    *fields.FAULTS,
    *found_by_seed.FAULTS,
    *errors.FAULTS,
    *bodies.FAULTS,
    *contradictions.FAULTS,
    *protocol.FAULTS,
    *authentication.FAULTS,
    *access.FAULTS,
    *forms.FAULTS,
    *isolation.FAULTS,
    *history.FAULTS,
    *together.FAULTS,
    *intermittent.FAULTS,
    *silences.FAULTS,
    *lagging.FAULTS,
    *long_waits.FAULTS,
)


def _applicable(fault: Fault) -> Fault:
    """The fault, limited to the dialects that have one of its requirements; installed dialects may have none."""
    dialects = (name for name in fault.dialects if fault.requirements & Catalogue.load(name).requirements.keys())
    return replace(fault, dialects=tuple(dialects))


FAULTS = tuple(map(_applicable, _DEFINED))
