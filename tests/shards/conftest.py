from __future__ import annotations

import pytest
from fleet import CASES, Fleet


@pytest.fixture(
    scope="session", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}-{'clock' if case[2] else 'cloud'}"
)
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    dialect, tier, clock = request.param
    return Fleet(tmp_path_factory.mktemp("fleet"), dialect, tier, clock=clock)
