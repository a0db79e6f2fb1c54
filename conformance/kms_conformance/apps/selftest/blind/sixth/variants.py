"""The variants of the sixth blind set, under the name that all sets have."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.sixth_variants.variants import SIXTH_VARIANTS

__all__ = ["SIXTH_VARIANTS"]
