"""The variants of the sixth blind set; this set has faults only."""

from __future__ import annotations

from kms_conformance.apps.selftest.deviation import Variant

SIXTH_VARIANTS: tuple[Variant, ...] = ()
