"""The first blind set of faults, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.first.access import ACCESS
from kms_conformance.apps.selftest.blind.first.cryptography import CRYPTOGRAPHY
from kms_conformance.apps.selftest.blind.first.dates import DATES
from kms_conformance.apps.selftest.blind.first.encodings import ENCODINGS
from kms_conformance.apps.selftest.blind.first.errors import ERRORS
from kms_conformance.apps.selftest.blind.first.isolation import ISOLATION
from kms_conformance.apps.selftest.blind.first.lists import LISTS
from kms_conformance.apps.selftest.blind.first.names import NAMES
from kms_conformance.apps.selftest.blind.first.protocol import PROTOCOL
from kms_conformance.apps.selftest.blind.first.replies import REPLIES
from kms_conformance.apps.selftest.blind.first.states import STATES
from kms_conformance.apps.selftest.blind.first.time import TIME
from kms_conformance.apps.selftest.blind.first.uses import USES
from kms_conformance.apps.selftest.blind.first.windows import WINDOWS

# The day on which the set was written.
DATE = "2026-11-30"

_STATES = (*STATES, *USES, *TIME, *DATES, *WINDOWS)
_REPLIES = (*LISTS, *REPLIES, *ENCODINGS, *CRYPTOGRAPHY, *ERRORS, *PROTOCOL)

FIRST_SET = (*_STATES, *NAMES, *ISOLATION, *_REPLIES, *ACCESS)
