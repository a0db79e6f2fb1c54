"""The fourth blind set of variants, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.fourth.alibaba_variants import ALIBABA_VARIANTS
from kms_conformance.apps.selftest.blind.fourth.aws_variants import AWS_VARIANTS
from kms_conformance.apps.selftest.blind.fourth.general_variants import GENERAL_VARIANTS
from kms_conformance.apps.selftest.blind.fourth.huawei_variants import HUAWEI_VARIANTS

# The day on which the set was written.
DATE = "2026-11-30"

FOURTH_VARIANTS = (*GENERAL_VARIANTS, *HUAWEI_VARIANTS, *ALIBABA_VARIANTS, *AWS_VARIANTS)
