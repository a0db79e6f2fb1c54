"""The rounds of a loop: what is red, what a round has fixed, when a server was restarted, and how Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kms_conformance.apps.until_fixed import Loop, RedSet, Restarts, RoundCounts
from kms_conformance.apps.until_fixed import loop as loop_module
from kms_conformance.apps.until_fixed.restart import WatchedServer, listening
from kms_conformance.apps.until_fixed.rounds import open_lines, round_lines
from kms_conformance.client.judge import Judgement
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.red import checks_not_passed, red_requirements
from kms_conformance.run.first_checks import FirstChecks
from kms_conformance.target import load_target
from kms_conformance.verdict.decide import Circumstances, Run, decide
from kms_conformance.verdict.results import CheckResult

MUSTS = ("cancel.effect", "cancel.status", "schedule.twice")
Make = Callable[..., Report]
TARGET = """
name: mine
dialect: huawei
base_url: http://127.0.0.1:8080
auth: {token: EXAMPLE, project_id: 0123456789abcdef0123456789abcdef}
"""


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """A function that makes the report of a run by the outcome of each requirement."""
    path = tmp_path / "t.yaml"
    path.write_text(TARGET)
    target = load_target(path)

    def report(outcomes: dict[str, str], *, confined: bool = False) -> Report:
        results = [_result(name, outcome) for name, outcome in outcomes.items() if outcome != "missing"]
        planned = {f"x::{name}": (name,) for name in MUSTS}
        beside = Circumstances(filters={"failed": "--only"} if confined else {})
        verdict = decide(target, results, Run("smoke", 7, datetime.now(UTC), 1.0), planned, beside=beside)
        return Report((TargetReport.of(verdict, results),))

    return report


def _result(name: str, outcome: str) -> CheckResult:
    passed = {"passes": {name: 1}, "productive": {name: 1}}
    found = {
        "passed": passed,
        "failed": {"failures": (Judgement(name, False, "this", "that", ()),)},
        "inconclusive": {"inconclusive": (name,), "reason": "a prerequisite was missing"},
    }[outcome]
    return CheckResult("mine", "cancel", f"x::{name}", "", outcome, 0.1, declared=(name,), requests=10, **found)  # type: ignore[arg-type]


def test_red_is_what_failed_or_was_left_open(made: Make) -> None:
    (target,) = made({"cancel.effect": "failed", "cancel.status": "inconclusive", "schedule.twice": "passed"}).targets
    assert checks_not_passed(target) == ("x::cancel.effect", "x::cancel.status")
    assert red_requirements(target) == {"cancel.effect", "cancel.status"}


def test_a_check_that_did_not_run_is_red_unless_options_left_it_out(made: Make) -> None:
    outcomes = {"cancel.effect": "failed", "cancel.status": "passed", "schedule.twice": "missing"}
    (whole,), (confined,) = made(outcomes).targets, made(outcomes, confined=True).targets
    assert checks_not_passed(whole) == ("x::cancel.effect", "x::schedule.twice")
    assert checks_not_passed(confined) == ("x::cancel.effect",)
    assert red_requirements(confined) == {"cancel.effect"}


def test_one_failure_of_a_confined_run_does_not_turn_all_others_red(made: Make) -> None:
    """Without a passed judgement, the verdict calls all requirements open, because nothing shows kept state."""
    (target,) = made({"cancel.effect": "failed"}, confined=True).targets
    assert red_requirements(target) == {"cancel.effect"}


def test_the_line_of_a_round_counts_fixed_still_and_new(made: Make) -> None:
    before = RedSet.of(made({"cancel.effect": "failed", "cancel.status": "failed", "schedule.twice": "passed"}))
    after = made({"cancel.effect": "passed", "cancel.status": "inconclusive", "schedule.twice": "failed"})
    counts = RoundCounts.of(after)
    assert list(round_lines(2, before, RedSet.of(after), counts, counts.plus(counts))) == [
        (
            "round 2: 1 fixed, 0 still failing, 1 could not be judged, 1 new · "
            "30 requests, 0 keys created; in all 2 runs, 60 requests, 0 keys created"
        ),
        "  still: cancel.status",
        "  new: schedule.twice",
    ]
    assert list(open_lines(after, RedSet.of(after))) == [], "something failed, which may be the cause"
    opened = made({"cancel.status": "inconclusive"}, confined=True)
    assert list(open_lines(opened, RedSet.of(opened))) == ["  open: a prerequisite was missing"]
    assert str(before) == "2 requirements failed: cancel.effect, cancel.status"


def looping(monkeypatch: pytest.MonkeyPatch, runs: list[Report], folder: Path, asked: list[object]) -> Loop:
    """A loop whose runs have these reports; `asked` gets what each run is told."""
    left = iter(runs)
    current: list[Report] = []

    def run(first: FirstChecks, where: Path, seed: int | None) -> int:
        current[:] = [next(left)]
        asked.append((dict(first.checks), first.only, where.name, seed))
        return current[0].exit_code

    monkeypatch.setattr(loop_module, "load_report", lambda _: current[0])
    return Loop(folder, FirstChecks(), run, lambda: Restarts((), asked=lambda _: True))


def test_rounds_ask_what_is_still_red_with_the_same_seed_and_the_whole_comes_last(
    made: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    green = dict.fromkeys(MUSTS, "passed")
    runs = [
        made(green | {"cancel.effect": "failed", "cancel.status": "failed"}),
        made({"cancel.effect": "passed", "cancel.status": "failed"}, confined=True),
        made({"cancel.status": "passed"}, confined=True),
        made(green | {"schedule.twice": "failed"}),
        made({"schedule.twice": "passed"}, confined=True),
        made(green),
    ]
    asked: list[object] = []
    code = looping(monkeypatch, runs, tmp_path / "out", asked).main()
    assert code == runs[-1].exit_code
    assert asked == [
        ({}, False, "out", None),
        ({"mine": ("x::cancel.effect", "x::cancel.status")}, True, "round", 7),
        ({"mine": ("x::cancel.status",)}, True, "round", 7),
        ({}, False, "out", None),
        ({"mine": ("x::schedule.twice",)}, True, "round", 7),
        ({}, False, "out", None),
    ]
    said = capsys.readouterr().out
    assert "round 1: 1 fixed, 1 still failing, 0 new · 20 requests" in said
    assert said.count("all green: the whole run follows") == 2


def test_ctrl_c_while_waiting_ends_with_the_report_of_the_whole_run(
    made: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: float) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("not interrupted")

    loop = looping(monkeypatch, [made({"cancel.effect": "failed"})], tmp_path / "out", [])
    loop.restarts = lambda: Restarts((), asked=interrupted)
    before = signal.getsignal(signal.SIGINT)
    assert loop.main() == 130
    assert signal.getsignal(signal.SIGINT) is before
    assert "Ended after 1 run (10 requests, 0 keys created). The report of the last whole run: " in (
        capsys.readouterr().out
    )


def test_a_run_that_a_signal_ended_ends_the_loop(made: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loop = looping(monkeypatch, [made({"cancel.effect": "failed"})], tmp_path, [])
    loop.run = lambda *_: 143
    assert loop.main() == 143


def listener(port: int = 0) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen()
    return made


def test_a_server_that_went_away_and_came_back_was_restarted() -> None:
    first = listener()
    port = first.getsockname()[1]
    server = WatchedServer("127.0.0.1", port, near=False)
    assert [server.look(), server.look()] == [False, False]
    first.close()
    assert not server.look()
    with listener(port):
        assert server.look()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the system does not show its sockets")
def test_a_restart_between_two_looks_shows_in_the_listening_socket() -> None:
    first = listener()
    port = first.getsockname()[1]
    server = WatchedServer("127.0.0.1", port, near=True)
    assert [server.look(), server.look()] == [False, False]
    assert len(listening(port)) == 1
    first.close()
    with listener(port):
        assert server.look()


def test_a_server_that_ends_right_after_its_start_is_waited_for_again() -> None:
    first = listener()
    port = first.getsockname()[1]
    server, looks, slept = WatchedServer("127.0.0.1", port, near=False), [], []
    first.close()
    servers: list[socket.socket] = []

    def asked(_: float) -> bool:
        looks.append(1)
        assert len(looks) < 9
        if len(looks) in (2, 4):
            servers.append(listener(port))
        return False

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            servers.pop().close()

    Restarts((server,), sleep=sleep, asked=asked).wait()
    servers.pop().close()
    assert (len(looks), len(slept)) == (4, 2)
