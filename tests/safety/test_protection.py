"""Deletion protection that a check sets is taken off again: if a reply is lost, and if the run was killed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest
from nights import Nights

from kms_conformance.apps.selftest.deviation import Variant, only
from kms_conformance.apps.selftest.trial import try_variant
from kms_conformance.emulator import Emulator, Filter, Inbound, Outbound, State


def _losing(numbers: Collection[int]) -> Filter:
    """The replies to these requests for protection, counted from 1, are lost."""
    seen = 0

    def lose(inbound: Inbound, outbound: Outbound) -> Outbound:
        nonlocal seen
        if inbound.operation != "set_deletion_protection" or outbound.refusal is not None:
            return outbound
        seen += 1
        return replace(outbound, silence="closed") if seen in numbers else outbound

    return lose


@pytest.mark.parametrize(("lost", "left_open"), [((1,), True), ((2,), False)])
def test_the_protection_is_taken_off(lost: Collection[int], left_open: bool) -> None:
    variant = Variant("lost", "", dialects=("alibaba",), filters=(_losing(lost),), families=("schedule", "cancel"))
    trial = try_variant(variant, "alibaba")
    assert trial.accused == ()
    assert bool(trial.problem) is left_open


def test_the_protection_that_a_killed_run_left_is_not_held_against_the_endpoint(tmp_path: Path) -> None:
    with Emulator("alibaba") as emulator:
        nights = Nights(emulator, tmp_path)
        assert nights.run(*only(("states", "schedule"))).failed == frozenset()
        for key in nights.ours:
            emulator.store.put(replace(key, state=State.ENABLED, deletion=None, window_days=None, protected=True))
        outcome = nights.run(*only(("states", "schedule")))
        assert outcome.failed == frozenset()
        assert "schedule.from-enabled" in outcome.ids("passed")
        assert outcome.verdict["keys_created"] == 0
        assert [(key.state, key.protected) for key in nights.ours] == [(State.PENDING_DELETION, False)] * 2
