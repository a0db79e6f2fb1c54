"""Together: two requests in flight on one key end as if they had been carried out one after the other."""

from __future__ import annotations

import pytest

from kms_conformance.suite.marks import requirement
from kms_conformance.suite.races import Races
from kms_conformance.suite.scenario import Scenario


@requirement("concurrency.nothing-lost", "concurrency.explained")
@pytest.mark.alone
def test_two_requests_at_once_end_as_one_after_the_other(kms: Scenario) -> None:
    """At higher tiers, every pair of requests is sent at once in every state, several times."""
    Races(kms).run(kms.effort.races)
