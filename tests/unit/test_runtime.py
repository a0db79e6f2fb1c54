"""The clock of a process: real, or with pauses that take no time."""

import time
from datetime import timedelta

from kms_conformance.core.runtime import REAL, skipped_pauses


def test_a_skipped_pause_takes_no_time_and_moves_both_clocks() -> None:
    started = time.monotonic()
    with skipped_pauses():
        now, monotonic = REAL.now(), REAL.monotonic()
        REAL.sleep(3600)
        REAL.sleep(-1)
        assert timedelta(hours=1) <= REAL.now() - now < timedelta(hours=1, seconds=10)
        assert 3600 <= REAL.monotonic() - monotonic < 3610
    assert REAL.now() - now < timedelta(minutes=1)
    assert time.monotonic() - started < 10


def test_a_pause_takes_its_time_otherwise() -> None:
    with skipped_pauses():
        pass
    started = time.monotonic()
    REAL.sleep(0.05)
    assert time.monotonic() - started >= 0.05
