"""Which shard has which checks: each check in one, the same every time, balanced, and with keys enough."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from kms_conformance.auth import TokenAuth
from kms_conformance.core import specs
from kms_conformance.core.shard_marks import created_by_sibling
from kms_conformance.core.tier import TIERS
from kms_conformance.run.shards import durations
from kms_conformance.run.shards.division import Division, PlannedCheck, divide
from kms_conformance.run.shards.shard import Shard, of_fleet
from kms_conformance.target import TargetError
from kms_conformance.target.model import Limits, Target


def checks(count: int, **further: object) -> list[PlannedCheck]:
    return [
        PlannedCheck(f"window::test_{n}", "window", ("schedule.window",), decides=True, **further) for n in range(count)
    ]


def seconds_of(division: Division, seconds: dict[str, float]) -> list[float]:
    return [
        sum(seconds[check] for check, where in division.where.items() if where == index)
        for index in range(1, division.of + 1)
    ]


@pytest.mark.parametrize("of", [1, 2, 3, 8])
@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_recorded_durations_balance_shards(dialect: str, tier: str, of: int) -> None:
    """No shard takes longer than its part of the whole and the longest check together."""
    seconds = dict(durations.load(None, dialect, tier))
    planned = [PlannedCheck(name, name.partition("::")[0], ("x",), decides=True) for name in seconds]
    division = divide("t", planned, of, seconds, None)
    assert list(division.where) == list(seconds)
    assert max(seconds_of(division, seconds)) <= sum(seconds.values()) / of + max(seconds.values())
    assert divide("t", planned, of, seconds, None) == division


def test_check_that_was_not_measured_counts_as_the_mean() -> None:
    planned = checks(8)
    known = {planned[0].check: 30.0, planned[1].check: 10.0}
    division = divide("t", planned, 2, known, None)
    assert sorted(division.where.values()).count(division.where[planned[0].check]) in (3, 4)


def test_checks_that_read_what_nights_have_left_stay_in_the_first_shard() -> None:
    planned = [*checks(9), *(PlannedCheck(f"planted::test_{n}", "planted", ("x",), decides=True) for n in range(3))]
    seconds = {check.check: 1.0 for check in planned} | {planned[0].check: 50.0, planned[1].check: 60.0}
    division = divide("t", planned, 4, seconds, None)
    assert {division.where[check.check] for check in planned if check.family == "planted"} == {1}
    assert set(division.where.values()) == {1, 2, 3, 4}


def test_keys_are_divided_by_what_checks_need() -> None:
    planned = checks(8)
    planned[3] = dataclasses.replace(planned[3], keys=3)
    division = divide("t", planned, 3, {}, 9, reserve=1)
    assert sum(division.keys) == 9
    assert division.keys[division.where[planned[3].check] - 1] >= 3
    assert division.keys[0] >= 3
    assert min(division.keys) >= 2


@pytest.mark.parametrize(("count", "of", "budget", "says"), [(8, 3, 5, "max_keys to 6"), (3, 4, None, "fewer shards")])
def test_what_cannot_be_divided_is_refused_with_what_to_do(count: int, of: int, budget: int | None, says: str) -> None:
    with pytest.raises(TargetError) as refused:
        divide("otc", checks(count), of, {}, budget)
    assert says in refused.value.hint
    assert len(str(refused.value).splitlines()) == 3


def test_shard_without_anything_that_decides_is_refused() -> None:
    planned = [dataclasses.replace(check, decides=number < 2) for number, check in enumerate(checks(6))]
    with pytest.raises(TargetError, match="checks of MUST requirements"):
        divide("otc", planned, 3, {}, None)


def test_plan_survives_json() -> None:
    division = divide("t", checks(5), 2, {}, 8)
    assert Division.from_json(json.loads(json.dumps(division.to_json()))) == division


def test_checks_of_other_shards_are_named_with_them() -> None:
    division = divide("t", checks(4), 2, {}, None)
    planned = division.planned({1})
    assert sum(name.endswith(" (shard 2/2)") for name in planned) == 2
    assert list(division.planned({1, 2})) == [check.check for check in division.checks]


@pytest.mark.parametrize("text", ["", "0/8", "9/8", "3", "3/", "-1/8", "3/8/9", "a/b", "٣/٨"])
def test_shard_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(TargetError, match="--shard 3/8"):
        Shard.parse(text)


def test_pace_is_divided() -> None:
    target = Target("t", "huawei", "https://kms.example", TokenAuth("x", "y"), limits=Limits(requests_per_second=4.0))
    assert math.isclose(Shard(3, 8).paced(target).limits.requests_per_second or 0, 0.5)


@pytest.mark.parametrize(("url", "refused"), [("https://kms.example", True), ("http://127.0.0.1:9000", False)])
def test_clock_that_other_machines_share_is_not_moved(url: str, *, refused: bool) -> None:
    target = Target("t", "huawei", url, TokenAuth("x", "y"), time_control=f"{url}/clock")
    if refused:
        with pytest.raises(TargetError, match="time_control"):
            Shard(1, 2).refuse_moving_clocks([target])
    else:
        Shard(1, 2).refuse_moving_clocks([target])


def test_workers_of_a_fleet_count_through_targets_and_shards() -> None:
    found = [of_fleet(str(index), "JOB_COMPLETION_INDEX", 2, 3) for index in range(6)]
    assert found == [(target, Shard(shard, 3)) for target in (0, 1) for shard in (1, 2, 3)]


@pytest.mark.parametrize("index", [None, "", "6", "-1", "x"])
def test_index_that_no_worker_has_is_refused(index: str | None) -> None:
    with pytest.raises(TargetError, match="from 0 to 5"):
        of_fleet(index, "JOB_COMPLETION_INDEX", 2, 3)


@pytest.mark.parametrize(
    ("mark", "marker", "kin"),
    [
        ("3of8", "kms-conformance-5of8-ab-0", True),
        ("3of8", "kms-conformance-3of8-ab-0", False),
        ("3of8", "kms-conformance-5of9-ab-0", False),
        ("3of8", "kms-conformance-abcd1234-0", False),
        ("", "kms-conformance-5of8-ab-0", False),
    ],
)
def test_shards_of_one_division_know_each_other(mark: str, marker: str, *, kin: bool) -> None:
    assert created_by_sibling(mark, marker, "kms-conformance-") is kin


def test_durations_that_are_none_are_refused(tmp_path: object) -> None:
    with pytest.raises(TargetError, match="--durations"):
        durations.load(str(tmp_path), "huawei", "smoke")
