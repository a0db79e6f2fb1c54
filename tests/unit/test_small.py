"""Small parts: waivers, time control, names of parts, ids with parameters."""

from __future__ import annotations

import pytest

from conformance import coverage
from conformance.emulator import Emulator
from conformance.judge import Inconclusive
from conformance.suite import test_window
from conformance.target import parse_target
from conformance.terminal import _part
from conformance.timecontrol import TimeControl
from conformance.wire.session import Session


def test_ids_of_requirements_are_filled_in_from_parameters() -> None:
    named = coverage.named_requirements(test_window.test_bound_is_accepted_and_dated)
    everywhere = ("schedule.window.start", "schedule.window.exact")
    assert named == ("schedule.window.minimum", *everywhere, "schedule.window.maximum")


@pytest.mark.parametrize(
    ("node_id", "part"),
    [
        ("test_window.py::test_x[emulator-huawei-minimum]", ("emulator-huawei", "window")),
        ("conformance/suite/test_entry.py::test_x[emulator-huawei]", ("emulator-huawei", "entry")),
        ("test_window.py::test_x[emulator-huawei-2-minimum]", ("emulator-huawei-2", "window")),
        ("test_other.py::test_x", None),
    ],
)
def test_part_of_a_run_is_read_off_an_id(node_id: str, part: tuple[str, str] | None) -> None:
    assert _part(node_id, ["emulator-huawei", "emulator-huawei-2"]) == part


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
