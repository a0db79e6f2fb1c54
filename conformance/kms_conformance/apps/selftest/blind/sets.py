"""The blind sets by name: their faults, their variants, and the day on which each was written."""

from __future__ import annotations

from dataclasses import dataclass

from kms_conformance.apps.selftest.blind.fifth.faults import DATE as FIFTH_DATE
from kms_conformance.apps.selftest.blind.fifth.faults import FIFTH_SET
from kms_conformance.apps.selftest.blind.fifth.variants import FIFTH_VARIANTS
from kms_conformance.apps.selftest.blind.first.faults import DATE as FIRST_DATE
from kms_conformance.apps.selftest.blind.first.faults import FIRST_SET
from kms_conformance.apps.selftest.blind.first.variants import FIRST_VARIANTS
from kms_conformance.apps.selftest.blind.fourth.faults import DATE as FOURTH_DATE
from kms_conformance.apps.selftest.blind.fourth.faults import FOURTH_SET
from kms_conformance.apps.selftest.blind.fourth.variants import FOURTH_VARIANTS
from kms_conformance.apps.selftest.blind.second.faults import DATE as SECOND_DATE
from kms_conformance.apps.selftest.blind.second.faults import SECOND_SET
from kms_conformance.apps.selftest.blind.second.variants import SECOND_VARIANTS
from kms_conformance.apps.selftest.blind.seventh.faults import DATE as SEVENTH_DATE
from kms_conformance.apps.selftest.blind.seventh.faults import SEVENTH_SET
from kms_conformance.apps.selftest.blind.seventh.variants import SEVENTH_VARIANTS
from kms_conformance.apps.selftest.blind.sixth.faults import DATE as SIXTH_DATE
from kms_conformance.apps.selftest.blind.sixth.faults import SIXTH_SET
from kms_conformance.apps.selftest.blind.sixth.variants import SIXTH_VARIANTS
from kms_conformance.apps.selftest.blind.third.faults import DATE as THIRD_DATE
from kms_conformance.apps.selftest.blind.third.faults import THIRD_SET
from kms_conformance.apps.selftest.blind.third.variants import THIRD_VARIANTS
from kms_conformance.apps.selftest.deviation import Fault, Variant


@dataclass(frozen=True)
class BlindSet:
    """One blind set: `name` is also that of its first results, see `first_look`; `date` is the day of its writing."""

    name: str
    date: str
    faults: tuple[Fault, ...]
    variants: tuple[Variant, ...]

    def has(self, name: str) -> bool:
        """Whether the fault or variant of this name belongs to the set."""
        return name in {fault.name for fault in self.faults} | {variant.name for variant in self.variants}


BLIND_SETS = (
    BlindSet("first", FIRST_DATE, FIRST_SET, FIRST_VARIANTS),
    BlindSet("second", SECOND_DATE, SECOND_SET, SECOND_VARIANTS),
    BlindSet("third", THIRD_DATE, THIRD_SET, THIRD_VARIANTS),
    BlindSet("fourth", FOURTH_DATE, FOURTH_SET, FOURTH_VARIANTS),
    BlindSet("fifth", FIFTH_DATE, FIFTH_SET, FIFTH_VARIANTS),
    BlindSet("sixth", SIXTH_DATE, SIXTH_SET, SIXTH_VARIANTS),
    BlindSet("seventh", SEVENTH_DATE, SEVENTH_SET, SEVENTH_VARIANTS),
)
BLIND_FAULTS = tuple(fault for one in BLIND_SETS for fault in one.faults)
BLIND_VARIANTS = tuple(variant for one in BLIND_SETS for variant in one.variants)
