"""The emulator decides and changes in one step, however many requests for one key are in flight."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from kms_conformance.emulator import Decisions, Key, Refused, Rules, State
from kms_conformance.emulator.clock import MovableClock
from kms_conformance.emulator.keys import KeyDraft
from kms_conformance.emulator.store import Store

_THREADS, _TURNS = 4, 25


class Yielding(Decisions):
    """Lets another thread run between each decision and the change."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        found = super().refusal_for(operation, key)
        threading.Event().wait(0.0002)
        return found


def at_once(*calls: Callable[[], Any]) -> Counter[str]:
    """Run calls at the same moment; counts which were accepted and which were refused."""
    counts: Counter[str] = Counter()
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> None:
        start.wait(5)
        try:
            call()
        except Refused as refused:
            counts[refused.name] += 1
        else:
            counts["accepted"] += 1

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts


@pytest.mark.parametrize("dialect", ["huawei", "alibaba", "aws"])
def test_of_changes_at_once_one_is_carried_out(dialect: str) -> None:
    store = Store(Yielding(Rules.of(dialect, "documents")), MovableClock())
    key = store.create(KeyDraft(spec="AES_256", usage="ENCRYPT_DECRYPT")).id
    others = {"accepted": 1}
    for turn in range(_TURNS):
        days = [7 + turn % 5 + thread for thread in range(_THREADS)]
        found = at_once(*(lambda window=str(day): store.schedule(key, window) for day in days))
        assert found == others | {"already_pending": _THREADS - 1}
        shown = store.describe(key)
        assert shown.window_days in days
        assert at_once(*[lambda: store.cancel(key)] * _THREADS) == others | {"not_pending": _THREADS - 1}
        assert (store.describe(key).deletion, store.describe(key).state is State.PENDING_DELETION) == (None, False)
