"""What a key has may show later than a run waits, by the vendor's page: that is inconclusive, and never a failure."""

from __future__ import annotations

import pytest

from kms_conformance.apps.selftest.deviation import AWS, Variant
from kms_conformance.apps.selftest.lag import belongings_late
from kms_conformance.apps.selftest.trial import try_variant

_FAMILIES = ("replies", "every_name", "pending_use", "pending_belongings", "belongings", "survives", "authentication")


@pytest.mark.parametrize("seconds", [100, 290])
def test_belongings_that_show_within_minutes_are_not_accused(seconds: float) -> None:
    late = Variant("late", "", (AWS,), (belongings_late(seconds),), profile="aws-kms", families=_FAMILIES)
    trial = try_variant(late, AWS)
    assert trial.accused == ()
    assert "tag.reply is inconclusive: list_tags may show the change later" in trial.problem
    assert "set-alias.reply is inconclusive: alias may show the change later" in trial.problem


def test_belongings_that_show_later_than_the_documents_allow_are_accused() -> None:
    late = Variant("late", "", (AWS,), (belongings_late(100),), families=("replies",))
    assert try_variant(late, AWS).accused == ("set-alias.reply", "tag.reply")
