"""Deletion protection that a check sets is taken off again, also if the reply to that request is lost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from kms_conformance.apps.selftest.deviation import Variant
from kms_conformance.apps.selftest.trial import try_variant
from kms_conformance.emulator import Filter, Inbound, Outbound


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
