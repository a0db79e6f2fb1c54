"""The third blind set of faults, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.third.access import ACCESS
from kms_conformance.apps.selftest.blind.third.belongings import ALIASES, MORE
from kms_conformance.apps.selftest.blind.third.ends import ENDS
from kms_conformance.apps.selftest.blind.third.memory import MEMORIES
from kms_conformance.apps.selftest.blind.third.refusals import PROTECTION, REFUSALS
from kms_conformance.apps.selftest.blind.third.replies import REPLIES
from kms_conformance.apps.selftest.blind.third.requests import NAMES, REQUESTS
from kms_conformance.apps.selftest.blind.third.states import STATES
from kms_conformance.apps.selftest.blind.third.texts import ERRORS, LISTS, TEXTS
from kms_conformance.apps.selftest.blind.third.windows import WINDOWS

# The day on which the set was written.
DATE = "2026-11-30"

THIRD_SET = (
    *(*WINDOWS, *ENDS, *STATES, *MEMORIES),
    *(*REFUSALS, *PROTECTION, *ALIASES, *MORE),
    *(*REQUESTS, *NAMES, *ACCESS),
    *(*REPLIES, *ERRORS, *TEXTS, *LISTS),
)
