"""The fifth blind set of faults."""

from __future__ import annotations

from kms_conformance.apps.selftest.deviation import Fault

# The day on which the set was written.
DATE = "2026-12-01"

FIFTH_SET: tuple[Fault, ...] = ()
