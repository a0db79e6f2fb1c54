"""The sixth blind set of faults, written before anything of it was run against the suite.

Its measure is what users of real services and emulators reported, and what their changelogs say was mended.
"""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.sixth.access import ACCESS
from kms_conformance.apps.selftest.blind.sixth.belongings import BELONGINGS
from kms_conformance.apps.selftest.blind.sixth.ends import ENDS
from kms_conformance.apps.selftest.blind.sixth.replies import REPLIES
from kms_conformance.apps.selftest.blind.sixth.states import STATES
from kms_conformance.apps.selftest.blind.sixth.uses import USES

# The day on which the set was written.
DATE = "2026-12-01"

SIXTH_SET = (*ENDS, *STATES, *USES, *BELONGINGS, *REPLIES, *ACCESS)
