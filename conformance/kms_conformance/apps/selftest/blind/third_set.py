"""The third blind set of faults, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.third_set_access import ACCESS
from kms_conformance.apps.selftest.blind.third_set_belongings import ALIASES, MORE
from kms_conformance.apps.selftest.blind.third_set_ends import ENDS
from kms_conformance.apps.selftest.blind.third_set_memory import MEMORIES
from kms_conformance.apps.selftest.blind.third_set_refusals import PROTECTION, REFUSALS
from kms_conformance.apps.selftest.blind.third_set_replies import REPLIES
from kms_conformance.apps.selftest.blind.third_set_requests import NAMES, REQUESTS
from kms_conformance.apps.selftest.blind.third_set_states import STATES
from kms_conformance.apps.selftest.blind.third_set_texts import ERRORS, LISTS, TEXTS
from kms_conformance.apps.selftest.blind.third_set_windows import WINDOWS

# The day on which the set was written.
DATE = "2026-11-30"

THIRD_SET = (
    *(*WINDOWS, *ENDS, *STATES, *MEMORIES),
    *(*REFUSALS, *PROTECTION, *ALIASES, *MORE),
    *(*REQUESTS, *NAMES, *ACCESS),
    *(*REPLIES, *ERRORS, *TEXTS, *LISTS),
)
