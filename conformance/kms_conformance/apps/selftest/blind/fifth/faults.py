"""The fifth blind set of faults, written before anything of it was run against the suite.

Its measure is what was reported of real servers; `mixins.CAUSES` has the cause of each fault.
"""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.fifth.belongings import ALIASES, GRANTS, NAMES, TAGS, WRITES
from kms_conformance.apps.selftest.blind.fifth.ends import ENDS, WINDOWS
from kms_conformance.apps.selftest.blind.fifth.replies import ACCESS, FORMS, LISTS, REFUSALS
from kms_conformance.apps.selftest.blind.fifth.states import OTHERS, RESTARTS, STATES, USES

# The day on which the set was written.
DATE = "2026-12-01"

FIFTH_SET = (
    *(*WINDOWS, *ENDS, *STATES, *USES, *OTHERS, *RESTARTS),
    *(*NAMES, *ALIASES, *WRITES, *TAGS, *GRANTS),
    *(*REFUSALS, *LISTS, *FORMS, *ACCESS),
)
