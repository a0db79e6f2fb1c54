"""The second blind set of faults, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.second_set_belongings import ALIASES, KEPT, MORE
from kms_conformance.apps.selftest.blind.second_set_ends import ENDS
from kms_conformance.apps.selftest.blind.second_set_memory import MEMORIES
from kms_conformance.apps.selftest.blind.second_set_replies import ERRORS, LISTS, REPLIES
from kms_conformance.apps.selftest.blind.second_set_requests import ACCESS, NAMES, REQUESTS
from kms_conformance.apps.selftest.blind.second_set_states import OTHERS, STATES
from kms_conformance.apps.selftest.blind.second_set_windows import WINDOWS

# The day on which the set was written.
DATE = "2026-11-30"

SECOND_SET = (
    *(*WINDOWS, *ENDS, *STATES, *MEMORIES, *OTHERS),
    *(*KEPT, *ALIASES, *MORE),
    *(*REQUESTS, *NAMES, *ACCESS),
    *(*REPLIES, *ERRORS, *LISTS),
)
