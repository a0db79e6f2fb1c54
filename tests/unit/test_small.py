"""Small parts: waivers, time control, names of parts, ids with parameters."""

from __future__ import annotations

import pytest

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.time_control import TimeControl
from kms_conformance.emulator import Emulator
from kms_conformance.suite.checks import all_checks
from kms_conformance.target import parse_target
from kms_conformance.wire.session import Session

_OF_BOUNDS = "test_bound_is_accepted_and_dated"


def test_ids_of_requirements_are_filled_in_from_parameters() -> None:
    named = {check.variant: check.declared for check in all_checks("huawei") if check.function == _OF_BOUNDS}
    everywhere = {"schedule.window.start", "schedule.window.exact"}
    assert named == {bound: {f"schedule.window.{bound}", *everywhere} for bound in ("minimum", "maximum")}


def test_clock_of_the_target_is_asked_before_it_is_trusted() -> None:
    with Emulator("huawei") as emulator:
        target = parse_target(emulator.target_yaml(), "t")
        with Session(target.limits, target.urls) as session:
            TimeControl(session, target.time_control).advance(86400)
            later = TimeControl(session, target.time_control)
            ahead = later.now() - TimeControl(session, None).now()
    assert 86390 < ahead.total_seconds() < 86410


def test_waiting_without_a_clock_is_inconclusive() -> None:
    target = parse_target(_TARGET, "t")
    with Session(target.limits, target.urls) as session, pytest.raises(Inconclusive, match="time_control"):
        TimeControl(session, None).advance(1)


_TARGET = """
name: t
dialect: huawei
base_url: http://127.0.0.1:1
auth: {token: abcdefgh, project_id: 0123456789abcdef0123456789abcdef}
"""
