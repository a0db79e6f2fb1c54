"""Recordings of emulators whose uses of keys, or new keys, lag behind: no answer breaks a requirement."""

from __future__ import annotations

import pytest
from emulator_recordings import emulator, recorded

from kms_conformance.apps.selftest.lag import Mixin, data_plane_behind, new_key_unknown

LAG_SECONDS = 0.7
LAGS = {
    "data plane": data_plane_behind(LAG_SECONDS),
    "new key": new_key_unknown(LAG_SECONDS),
}


@pytest.mark.parametrize("lag", LAGS.values(), ids=LAGS)
def test_a_late_answer_breaks_no_requirement(lag: Mixin) -> None:
    with emulator("huawei", decisions=lag) as served:
        entries = recorded(served).entries
    assert [(entry.question, broken) for entry in entries for broken in entry.answer.breaks] == []
