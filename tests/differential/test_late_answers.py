"""Recordings of emulators whose uses of keys, or new keys, lag behind: no answer breaks a requirement."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from emulator_recordings import emulator, recorded

from kms_conformance.apps.selftest.lag import Mixin, data_plane_behind, new_key_unknown, steady
from kms_conformance.core.runtime import skipped_pauses

LAG_SECONDS = 0.7
LAGS = {
    "steady": steady(LAG_SECONDS),
    "data plane": data_plane_behind(LAG_SECONDS),
    "new key": new_key_unknown(LAG_SECONDS),
}


@pytest.fixture(autouse=True)
def _skipped() -> Iterator[None]:
    """The emulator and the recording are in this process, so their pauses need no time."""
    with skipped_pauses():
        yield


@pytest.mark.sampled(1)
@pytest.mark.parametrize("lag", LAGS.values(), ids=LAGS)
def test_a_late_answer_breaks_no_requirement(lag: Mixin) -> None:
    with emulator("huawei", decisions=lag) as served:
        entries = recorded(served).entries
    assert [(entry.question, broken) for entry in entries for broken in entry.answer.breaks] == []
