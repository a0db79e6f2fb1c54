"""The seventh blind set of faults, written before anything of it was run against the suite.

Its measure is the whole lifecycle: each fault is of a kind that an implementation can have.
"""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.seventh.ends import ENDS
from kms_conformance.apps.selftest.blind.seventh.names import NAMES
from kms_conformance.apps.selftest.blind.seventh.uses import USES

# The day on which the set was written.
DATE = "2026-12-01"

SEVENTH_SET = (*ENDS, *USES, *NAMES)
