from __future__ import annotations

from collections.abc import Iterator

import pytest
from emulator_recordings import emulator, recorded

from kms_conformance.apps.differential import AnswerRecording


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KMS_CONFORMANCE_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def faultless(_own_state: None) -> AnswerRecording:
    """The recording of the emulator without a fault."""
    with emulator("huawei") as served:
        return recorded(served)
