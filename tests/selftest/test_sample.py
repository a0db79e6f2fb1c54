"""The sample of the self-test that a change waits for: other faults, dialects and combinations with every commit.

`tox run -e power` tries everything.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kms_conformance.apps.selftest.plan import Task, sample


def commit() -> str:
    """The commit that is tested, so that a run can be repeated; an export without history draws the same each time."""
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "0"


@pytest.mark.parametrize("task", sample(int(commit(), 16)), ids=str)
def test_trial_goes_as_it_should(task: Task) -> None:
    assert task.run().problem == ""
