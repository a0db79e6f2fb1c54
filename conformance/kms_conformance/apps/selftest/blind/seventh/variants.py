"""The variants of the seventh blind set; this set has faults only."""

from __future__ import annotations

from kms_conformance.apps.selftest.deviation import Variant

SEVENTH_VARIANTS: tuple[Variant, ...] = ()
