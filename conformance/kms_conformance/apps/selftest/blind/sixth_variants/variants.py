"""The sixth blind set of variants, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.sixth_variants.account import ACCOUNT_VARIANTS
from kms_conformance.apps.selftest.blind.sixth_variants.answers import ANSWER_VARIANTS
from kms_conformance.apps.selftest.blind.sixth_variants.texts import TEXT_VARIANTS
from kms_conformance.apps.selftest.blind.sixth_variants.wire import WIRE_VARIANTS

SIXTH_VARIANTS = (*WIRE_VARIANTS, *TEXT_VARIANTS, *ACCOUNT_VARIANTS, *ANSWER_VARIANTS)
