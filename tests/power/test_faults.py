"""Every deliberate fault is reported, by a requirement that speaks of it."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from conformance.catalogue.requirements import Catalogue
from conformance.selftest.fault import Fault
from conformance.selftest.faults import FAULTS
from conformance.selftest.runner import run_suite
from conformance.suite import FAMILIES

# What a change waits for: the critical faults and every fourth of the others, each in one of its dialects by turns.
# `tox run -e power` asks all of them in each.
EVERYTHING = os.environ.get("KMS_CONFORMANCE_POWER") == "all"
CASES = [
    pytest.param(fault, dialect, id=f"{fault.name}-{dialect}")
    for index, fault in enumerate(FAULTS)
    if EVERYTHING or fault.severity == "critical" or index % 4 == 0
    for dialect in (fault.dialects if EVERYTHING else [fault.dialects[index % len(fault.dialects)]])
]
# More than this, and a user has to guess which of the accusations is the true one.
MOST_ACCUSED = 5


@pytest.mark.parametrize(("fault", "dialect"), CASES)
def test_the_fault_is_reported(fault: Fault, dialect: str) -> None:
    outcome = run_suite(fault.serving(dialect), arguments=fault.arguments())
    assert outcome.failed & fault.requirements, f"accused instead: {sorted(outcome.failed)}"
    assert len(outcome.failed) <= MOST_ACCUSED or fault.why_more, sorted(outcome.failed)
    # Where only recommendations are broken, a run of some families leaves the obligations of the others untested.
    assert outcome.exit_code in ((1,) if fault.exit_code else (0, 3) if fault.families else (0,))


def test_every_fault_has_one_name_in_a_dialect() -> None:
    counted = Counter((fault.name, dialect) for fault in FAULTS for dialect in fault.dialects)
    assert [case for case, count in counted.items() if count > 1] == []


def test_faults_name_what_there_is() -> None:
    for fault in FAULTS:
        assert set(fault.families) <= set(FAMILIES), fault.name
        for dialect in fault.dialects:
            levels = {
                Catalogue.load(dialect)[name].level for name in fault.requirements if name in Catalogue.load(dialect)
            }
            assert levels, fault.name
            assert ("MUST" in levels) == (fault.exit_code == 1), fault.name
