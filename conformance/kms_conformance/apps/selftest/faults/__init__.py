"""The catalogue of deliberate faults, one file a class of them."""

from __future__ import annotations

from kms_conformance.apps.selftest.fault import Fault
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

FAULTS: tuple[Fault, ...] = (
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
