"""The fixture that every check asks for."""

from __future__ import annotations

import pytest

from conformance.session import Worker
from conformance.suite.scenario import Scenario


@pytest.fixture
def kms(request: pytest.FixtureRequest) -> Scenario:
    """The target, as a check speaks to it."""
    worker = request.config.pluginmanager.get_plugin("kms-worker")
    assert isinstance(worker, Worker)
    return worker.scenario(request.node)
