"""The third blind set of variants, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.deviation import Variant

# The day on which the set was written.
DATE = "2026-11-30"

THIRD_VARIANTS: tuple[Variant, ...] = ()
