"""What a key has: which differences between two reads count, and which requirements stay open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kms_conformance.catalogue.profile import KeyFields, Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.judge import Inconclusive, Judge
from kms_conformance.core import specs
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.possessions import changed, changed_others

_NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
_TIMES = ((_NOW, _NOW + timedelta(seconds=10)),)
_KNOWN = KeyFields(fields=("Usage",), name=("Name",), free={"State": "it is the state"})


def _key(**fields: Any) -> KeyView:
    return KeyView("k", "enabled", None, None, None, fields)


def test_listed_fields_are_compared_and_an_empty_field_is_like_an_absent_one() -> None:
    assert changed(("Usage",), _key(Usage="A", Name=""), _key(Usage="B")) == "Usage is 'B' instead of 'A'"
    assert changed(("Usage", "Name"), _key(Usage="A", Name=""), _key(Usage="A")) == ""


@pytest.mark.parametrize(
    ("was", "now", "counts"),
    [
        ("a", "b", True),
        ({"team": "x"}, None, True),
        (None, "new", True),
        (1, 2, False),
        ("41", "40", False),
        ("2026-01-01T00:00:00Z", "2026-01-15T12:00:05Z", False),
        ("2026-01-01T00:00:00Z", "2027-01-15T12:00:05Z", True),
        (True, False, True),
        ("", None, False),
    ],
)
def test_fields_in_no_list_may_count_or_show_the_time(was: object, now: object, counts: bool) -> None:
    found = changed_others(_KNOWN, _key(Usage="A", Other=was), _key(Usage="B", State="x", Other=now), _TIMES)
    assert found == (("Other",) if counts else ())


@pytest.mark.parametrize("dialect", specs.emulated())
def test_profiles_list_the_state_and_the_date_as_free(dialect: str) -> None:
    known = Profile.load(dialect).key_fields
    assert known.fields
    assert known.name
    assert {"keystate", "key_state"} & {name.lower() for name in known.free}
    assert not set(known.fields) & set(known.free)


def test_a_requirement_that_is_left_open_is_not_judged_unless_it_failed() -> None:
    catalogue = Catalogue.load("aws")
    declared = frozenset({"cancel.keeps.tags", "cancel.keeps.grants", "cancel.keeps.policy"})
    judge = Judge(catalogue, frozenset(catalogue.requirements), declared)
    reason = Inconclusive("the target has no such operation")
    judge.holds("cancel.keeps.tags")
    judge.holds("cancel.keeps.grants")
    judge.breaks("cancel.keeps.policy", "as before", "lost")
    judge.leave_open(("cancel.keeps.grants", "cancel.keeps.policy"), reason)
    assert judge.unjudged == {"cancel.keeps.grants"}
