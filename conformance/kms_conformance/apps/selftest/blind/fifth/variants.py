"""The fifth blind set of variants."""

from __future__ import annotations

from kms_conformance.apps.selftest.deviation import Variant

FIFTH_VARIANTS: tuple[Variant, ...] = ()
