"""The second blind set of faults, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.second.belongings import ALIASES, KEPT, MORE
from kms_conformance.apps.selftest.blind.second.ends import ENDS
from kms_conformance.apps.selftest.blind.second.memory import MEMORIES
from kms_conformance.apps.selftest.blind.second.replies import ERRORS, LISTS, REPLIES
from kms_conformance.apps.selftest.blind.second.requests import ACCESS, NAMES, REQUESTS
from kms_conformance.apps.selftest.blind.second.states import OTHERS, STATES
from kms_conformance.apps.selftest.blind.second.windows import WINDOWS

# The day on which the set was written.
DATE = "2026-11-30"

SECOND_SET = (
    *(*WINDOWS, *ENDS, *STATES, *MEMORIES, *OTHERS),
    *(*KEPT, *ALIASES, *MORE),
    *(*REQUESTS, *NAMES, *ACCESS),
    *(*REPLIES, *ERRORS, *LISTS),
)
