"""The sample of the self-test that a change waits for: other faults, dialects and combinations with every commit.

`tox run -e power` tries everything.
"""

from __future__ import annotations

import pytest

from kms_conformance.apps.selftest.plan import Task, sample
from tools import this_commit


@pytest.mark.parametrize("task", sample(this_commit.number()), ids=str)
def test_trial_goes_as_it_should(task: Task) -> None:
    assert task.run().problem == ""
