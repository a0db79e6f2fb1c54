from __future__ import annotations

from pathlib import Path

import pytest
from faulty_runs import failures

from kms_conformance.apps.replay.find import FoundFailure


@pytest.fixture(scope="module")
def failure(reports: Path) -> FoundFailure:
    """The failure of the module's run (its fixture `reports`): a cancellation that has no effect."""
    return next(found for found in failures(reports) if found.failure.requirement == "cancel.effect")
