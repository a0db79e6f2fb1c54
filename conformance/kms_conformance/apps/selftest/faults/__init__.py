"""The catalogue of deliberate faults, one file a class of them."""

from __future__ import annotations

from dataclasses import replace

from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.apps.selftest.faults import (
    authentication,
    bodies,
    by_arn,
    cancel,
    creation,
    dates,
    errors,
    expiry,
    fields,
    intermittent,
    isolation,
    keys,
    lists,
    pending,
    protocol,
    schedule,
    silences,
    states,
    window,
)
from kms_conformance.catalogue.requirements import Catalogue

_WRITTEN: tuple[Fault, ...] = (
    *window.FAULTS,
    *schedule.FAULTS,
    *cancel.FAULTS,
    *by_arn.FAULTS,
    *pending.FAULTS,
    *states.FAULTS,
    *keys.FAULTS,
    *creation.FAULTS,
    *dates.FAULTS,
    *expiry.FAULTS,
    *lists.FAULTS,
    *fields.FAULTS,
    *errors.FAULTS,
    *bodies.FAULTS,
    *protocol.FAULTS,
    *authentication.FAULTS,
    *isolation.FAULTS,
    *intermittent.FAULTS,
    *silences.FAULTS,
)


def _where_it_breaks(fault: Fault) -> Fault:
    """The fault in those dialects alone that have a requirement which it breaks; an installed dialect may have none."""
    dialects = (name for name in fault.dialects if fault.requirements & Catalogue.load(name).requirements.keys())
    return replace(fault, dialects=tuple(dialects))


FAULTS = tuple(map(_where_it_breaks, _WRITTEN))
