"""The first blind set of faults, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.access import ACCESS
from kms_conformance.apps.selftest.blind.cryptography import CRYPTOGRAPHY
from kms_conformance.apps.selftest.blind.dates import DATES
from kms_conformance.apps.selftest.blind.encodings import ENCODINGS
from kms_conformance.apps.selftest.blind.errors import ERRORS
from kms_conformance.apps.selftest.blind.isolation import ISOLATION
from kms_conformance.apps.selftest.blind.lists import LISTS
from kms_conformance.apps.selftest.blind.names import NAMES
from kms_conformance.apps.selftest.blind.protocol import PROTOCOL
from kms_conformance.apps.selftest.blind.replies import REPLIES
from kms_conformance.apps.selftest.blind.states import STATES
from kms_conformance.apps.selftest.blind.time import TIME
from kms_conformance.apps.selftest.blind.uses import USES
from kms_conformance.apps.selftest.blind.windows import WINDOWS

# The day on which the set was written.
DATE = "2026-11-30"

_STATES = (*STATES, *USES, *TIME, *DATES, *WINDOWS)
_REPLIES = (*LISTS, *REPLIES, *ENCODINGS, *CRYPTOGRAPHY, *ERRORS, *PROTOCOL)

FIRST_SET = (*_STATES, *NAMES, *ISOLATION, *_REPLIES, *ACCESS)
