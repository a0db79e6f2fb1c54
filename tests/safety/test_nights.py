"""Night after night: no more than two keys for ever, and one that is planted is watched until it has gone."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from left_over import left_over
from nights import Nights, verdicts

from kms_conformance.apps.selftest.deviation import only
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.runner import Outcome, run_suite
from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Emulator, State

EVERYTHING = os.environ.get("KMS_CONFORMANCE_SAFETY") == "all"
# What a change waits for: the families that use keys up, and the one that watches. All of them under `tox -e safety`.
FAMILIES = () if EVERYTHING else only(("states", "schedule", "planted"))
# The families that give aliases, tags, grants and the like to keys.
GIVING = only(("isolation", "replies", "names", "belongings", "pending_use", "pending_belongings", "fuzzing"))
WATCHED = ("expiry.not-early", "expiry.gone", "expiry.no-cancel", "expiry.not-recoverable", "expiry.decrypt")
WAITED_FOR = {*WATCHED, "expiry.nothing-else", "cancel.before-end"}


def states(outcome, names=WATCHED) -> set[str]:
    return {verdict for verdict, _ in verdicts(outcome, names).values()}


def fault(name: str) -> tuple[type[Decisions], ...]:
    return next(fault for fault in FAULTS if fault.name == name).decisions


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_ten_nights_use_two_keys_in_all(tmp_path: Path, dialect: str) -> None:
    with Emulator(dialect) as emulator:
        nights = Nights(emulator, tmp_path)
        for night in range(10):
            outcome = nights.run(*FAMILIES)
            assert outcome.failed == frozenset()
            assert len(nights.ours) == 2
            assert all(key.state is State.PENDING_DELETION for key in nights.ours)
            assert outcome.verdict["keys_created"] == (0 if night else 2)
            if EVERYTHING:
                assert outcome.ids("inconclusive") == WAITED_FOR
                assert outcome.ids("not_tested") == set()
            nights.pass_night()
        made = [entry for entry in nights.ledger.entries() if entry.event == "intent"]
    assert len(made) == 2


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_each_night_leaves_as_many_of_everything_as_the_first(tmp_path: Path, dialect: str) -> None:
    """Three nights of a few families; ten whole nights where all is asked."""
    with Emulator(dialect, foreign_keys=2) as emulator:
        nights = Nights(emulator, tmp_path)
        before = {key.id: key for key in emulator.store.keys}
        for night in range(10 if EVERYTHING else 3):
            outcome = nights.run(*(() if EVERYTHING else GIVING), tier="standard" if EVERYTHING else "smoke")
            assert outcome.failed == frozenset()
            found = outcome.verdict["belongings"]
            assert found["made"] == found["returned"]
            assert set(found["made"]) >= ({"name"} if dialect == "huawei" else {"alias", "tag"})
            assert (found["earlier"], found["left"]) == ({}, [])
            # Keys of generated creates have what their request gave them.
            assert left_over(dialect, (key for key in nights.ours if key.description[-1] in "01")) == {}, night
            assert {key.id: key for key in emulator.store.keys if key.id in before} == before
            nights.pass_night()
        assert nights.ledger.burdened() == ()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_planted_key_is_waited_for_and_passes(tmp_path: Path, dialect: str) -> None:
    """One dialect a commit: each of the three runs takes seconds, and what they do is the same code in all dialects."""
    with Emulator(dialect) as emulator:
        nights = Nights(emulator, tmp_path, max_keys=3)
        outcome = nights.run(*FAMILIES, "--plant")
        (planted,) = (entry for entry in nights.ledger.entries() if entry.event == "planted")
        until = planted.facts["until"][:19] + "Z"
        found = []
        for _ in range(8):
            found.append(states(outcome))
            if found[-1] == {"inconclusive"}:
                reasons = {reason for _, reason in verdicts(outcome, WATCHED).values()}
                assert reasons == {f"waiting until {until}"}
                assert emulator.store.describe(str(planted.key)).deletion.isoformat()[:19] + "Z" == until
            nights.pass_night()
            outcome = nights.run(*FAMILIES)
        assert found == [{"inconclusive"}] * 7 + [{"passed"}]
        # And so it stays; what outlived the planted key says that it took nothing along.
        assert states(outcome, (*WATCHED, "expiry.nothing-else")) == {"passed"}
        assert verdicts(outcome, ["cancel.before-end"])["cancel.before-end"][0] == "inconclusive"
        made = [entry for entry in nights.ledger.entries() if entry.event == "intent"]
    assert len(made) == 3, "the planted one, and two for all the rest"


def test_rescued_on_its_last_day_and_gone_a_week_later_all_is_judged(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        nights = Nights(emulator, tmp_path, max_keys=3)
        nights.run(*FAMILIES, "--plant", "--rescue")
        for _ in range(14):
            nights.pass_night()
            outcome = nights.run(*FAMILIES, "--rescue")
            assert outcome.failed == frozenset()
        found = verdicts(outcome, sorted(WAITED_FOR))
        assert {verdict for verdict, _ in found.values()} == {"passed"}, found
        assert sum(entry.event == "planted" for entry in nights.ledger.entries()) == 2
        if EVERYTHING:
            assert outcome.exit_code == 0, "a cloud without time_control ends conformant"


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("name", "nights_passed", "broken"),
    [("gone-a-day-early", [1] * 6, "expiry.not-early"), ("never-gone", [1] * 7 + [7], "expiry.gone")],
)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_planted_key_finds_a_wrong_end(
    tmp_path: Path, dialect: str, name: str, nights_passed: list[int], broken: str
) -> None:
    decisions = type("Deviating", fault(name), {})
    with Emulator(dialect, decisions=decisions) as emulator:
        nights = Nights(emulator, tmp_path, max_keys=3)
        nights.run(*only(("planted",)), "--plant")
        for passed in nights_passed:
            nights.pass_night(passed)
            outcome = nights.run("--observe")
        assert broken in outcome.failed
        assert outcome.exit_code == 1
        assert all(key.state is State.PENDING_DELETION for key in nights.ours)


def test_watching_creates_nothing_and_needs_few_requests(tmp_path: Path) -> None:
    with Emulator("alibaba") as emulator:
        nights = Nights(emulator, tmp_path, max_keys=3)
        nights.run(*only(("planted",)), "--plant")
        before = nights.ours
        outcome = nights.run("--observe")
        assert nights.ours == before
    assert (outcome.verdict["keys_created"], states(outcome)) == (0, {"inconclusive"})
    assert outcome.verdict["requests"] < 20


def test_where_the_clock_can_be_moved_the_same_takes_seconds(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        nights = Nights(emulator, tmp_path, max_keys=3)
        nights.text = emulator.target_yaml()
        nights.run(*only(("planted",)), "--plant")
        for night in range(8):
            emulator.clock.advance(24 * 3600 + 60)
            assert states(nights.run("--watch")) == ({"inconclusive"} if night < 6 else {"passed"})


def test_too_few_keys_to_plant_one_is_said(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        nights = Nights(emulator, tmp_path, max_keys=2)
        outcome = nights.run(*only(("planted",)), "--plant")
    found = {reason for _, reason in verdicts(outcome, WATCHED).values()}
    assert "A planted key counts against limits.max_keys (2), and the other checks need two keys." in found
    # What judges a planted key by itself has none.
    assert all(reason.endswith("No key is planted.") for reason in found if "limits.max_keys" not in reason)


def test_a_night_in_which_a_planted_key_waits_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    """Nothing is wrong and not all is judged: 4, which a job may take for green; the verdict says until when."""
    with Emulator("huawei") as emulator:
        nights = Nights(emulator, tmp_path, max_keys=3)
        planted = nights.run("--plant", "--rescue")
        assert (planted.exit_code, planted.verdict["result"]) == (4, "inconclusive")
        waiting = {entry["id"]: entry.get("waiting_until") for entry in planted.verdict["requirements"]}
        (date,) = {date for date in waiting.values() if date}
        assert {name for name, date in waiting.items() if date} == WAITED_FOR
        assert {reason for _, reason in verdicts(planted, tuple(WAITED_FOR)).values()} == {f"waiting until {date}"}
        nights.pass_night()
        watched = nights.run("--watch")
    assert (watched.exit_code, watched.verdict["result"], watched.verdict["watch"]) == (4, "inconclusive", True)


def test_a_night_with_nothing_planted_is_not_called_waiting(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        assert Nights(emulator, tmp_path, max_keys=3).run("--watch").exit_code == 3


def test_planting_works_in_whole_runs_that_move_the_clock(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:

        def run(*arguments: str) -> Outcome:
            served = contextlib.nullcontext(emulator.target_yaml())
            return run_suite(lambda: served, arguments=arguments, state=tmp_path, timeout_seconds=300)

        for arguments in (("--plant",), ("--plant", "--rescue"), ()):
            outcome = run(*arguments)
            assert (outcome.exit_code, outcome.verdict["result"]) == (0, "conformant")
            reasons = {check.reason for check in outcome.checks if check.family == "planted"}
            assert not any("offers no time_control" in reason for reason in reasons)
        watched = run("--watch")
        assert watched.exit_code in {3, 4}
        for check in watched.checks:
            assert not check.waiting_until or check.waiting_until > f"{emulator.clock.now():%Y-%m-%dT%H:%M:%SZ}"
