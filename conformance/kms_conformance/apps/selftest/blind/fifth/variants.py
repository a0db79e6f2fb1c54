"""The fifth blind set of variants, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.fifth.alibaba_variants import ALIBABA_VARIANTS
from kms_conformance.apps.selftest.blind.fifth.aws_variants import AWS_VARIANTS
from kms_conformance.apps.selftest.blind.fifth.combined_variants import COMBINED_VARIANTS
from kms_conformance.apps.selftest.blind.fifth.general_variants import GENERAL_VARIANTS
from kms_conformance.apps.selftest.blind.fifth.huawei_variants import HUAWEI_VARIANTS

FIFTH_VARIANTS = (*GENERAL_VARIANTS, *HUAWEI_VARIANTS, *ALIBABA_VARIANTS, *AWS_VARIANTS, *COMBINED_VARIANTS)
