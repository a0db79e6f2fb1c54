"""The fourth blind set of faults, written before anything of it was run against the suite."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.fourth.access import ACCESS
from kms_conformance.apps.selftest.blind.fourth.aliases import ALIASES
from kms_conformance.apps.selftest.blind.fourth.belongings import GRANTS, PROTECTION, TAGS
from kms_conformance.apps.selftest.blind.fourth.ends import ENDS
from kms_conformance.apps.selftest.blind.fourth.forms import FORMS
from kms_conformance.apps.selftest.blind.fourth.isolation import OTHERS
from kms_conformance.apps.selftest.blind.fourth.lists import LISTS
from kms_conformance.apps.selftest.blind.fourth.refusals import BREAKS, REFUSALS
from kms_conformance.apps.selftest.blind.fourth.replies import REPLIES
from kms_conformance.apps.selftest.blind.fourth.requests import CRYPTO, NAMES, REQUESTS
from kms_conformance.apps.selftest.blind.fourth.states import STATES, USES
from kms_conformance.apps.selftest.blind.fourth.windows import WINDOWS

# The day on which the set was written.
DATE = "2026-11-30"

FOURTH_SET = (
    *(*WINDOWS, *ENDS, *STATES, *USES, *OTHERS),
    *(*ALIASES, *TAGS, *GRANTS, *PROTECTION),
    *(*REQUESTS, *NAMES, *CRYPTO, *ACCESS),
    *(*REFUSALS, *BREAKS, *REPLIES, *FORMS, *LISTS),
)
