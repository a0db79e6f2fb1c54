"""A run is killed at its requests, before each is carried out and after; then `sweep` finds and finishes everything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from left_over import left_over
from test_looked_up import UNTOLD, answering
from test_refused_creates import refusing_what_is_done

from kms_conformance.apps.selftest.deviation import only
from kms_conformance.apps.selftest.killing import Judgement, KilledRun, KillingEmulator
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.cli.sweep import sweep_target
from kms_conformance.client.ledger import Ledger
from kms_conformance.core import specs
from kms_conformance.emulator import Inbound, Key, Outbound, State
from kms_conformance.target import Target, parse_target
from tools import this_commit

EVERY = os.environ.get("KMS_CONFORMANCE_SAFETY") == "all"
# What a change waits for: of the requests of a run one in so many, and others with every commit.
ONE_IN = 67
ONE_IN_FEWER = 17
CHANGING = ("schedule", "cancel", "enable", "disable")
NOBODYS = ("unknown_key", "malformed_key")
OTHER_CREDENTIALS = {"huawei": "password", "alibaba": "sts", "aws": "sts"}


def first() -> int:
    return this_commit.number() % ONE_IN


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling the specs is most of what a sweep costs, and there are thousands."""
    apis = {dialect: Api.load(Profile.load(dialect)) for dialect in specs.dialects()}
    monkeypatch.setattr(Api, "load", lambda profile: apis[profile.dialect])


def judging(emulator: KillingEmulator, target: Target, monkeypatch: pytest.MonkeyPatch) -> Judgement:
    """After each death: a sweep with this target leaves none of our keys undone, and nobody's key was touched."""
    foreign = {key.id for key in emulator.store.keys}

    def judge(at: KillingEmulator, before: dict[str, Key], state: Path) -> None:
        monkeypatch.setenv("KMS_CONFORMANCE_STATE", str(state))
        others = {key.id: key for key in at.store.keys if key.id in foreign}
        assert sweep_target(target, dry_run=False) == 0
        keys = at.store.keys
        assert {key.id: key for key in keys if key.id in foreign} == others
        assert all(others[key] == before[key] for key in others), "the request itself touched a foreign key"
        left = [key for key in keys if key.id not in foreign and key.state is not State.PENDING_DELETION]
        assert not left, f"neither scheduled nor gone: {left}"
        assert Ledger.of(target).unfinished() == ()
        assert Ledger.of(target).burdened() == ()
        assert left_over(target.dialect, (key for key in keys if key.id not in foreign)) == {}

    return judge


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_killed_at_any_request_a_run_leaves_nothing_that_sweep_does_not_finish(
    dialect: str, monkeypatch: pytest.MonkeyPatch, record_property
) -> None:
    with KillingEmulator(dialect, foreign_keys=3) as emulator:
        judge = judging(emulator, parse_target(emulator.target_yaml(), "t"), monkeypatch)
        beginning = first()
        killings = KilledRun(emulator, lambda number: EVERY or number % ONE_IN == beginning, judge)
        outcome = killings.run()
    record_property(
        "killed", f"{killings.killed} times in {outcome.verdict['requests']} requests, {killings.judged} states"
    )
    assert killings.problems == []
    assert killings.killed >= (2 * outcome.verdict["requests"] if EVERY else 10)
    wrong = [
        (r["id"], r["reason"])
        for r in outcome.verdict["requirements"]
        if r["level"] == "MUST" and r["verdict"] not in ("passed", "not_applicable")
    ]
    assert wrong == [], "the run that went on was disturbed, so it was not the run that is meant"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_killed_while_keys_have_aliases_and_tags_nothing_is_left_that_sweep_does_not_give_back(
    dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    giving = only(("replies", "names", "belongings", "pending_use", "pending_belongings"))
    with KillingEmulator(dialect, foreign_keys=3) as emulator:
        judge = judging(emulator, parse_target(emulator.target_yaml(), "t"), monkeypatch)
        killings = KilledRun(emulator, some, judge)
        outcome = killings.run(arguments=giving)
    assert killings.problems == []
    assert killings.killed > 1
    assert outcome.failed == frozenset()


# Runs in which more is at stake, each confined to the families that meet it.


def some(number: int) -> bool:
    return EVERY or number % ONE_IN_FEWER == first() % ONE_IN_FEWER


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_killed_where_creates_are_refused_and_carried_out_nothing_is_left(
    dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with KillingEmulator(dialect, foreign_keys=3, filters=[refusing_what_is_done(dialect)]) as emulator:
        judge = judging(emulator, parse_target(emulator.target_yaml(), "t"), monkeypatch)
        killings = KilledRun(emulator, some, judge)
        outcome = killings.run(arguments=only(("isolation", "afterwards")))
    assert killings.problems == []
    assert killings.killed > 1
    assert outcome.failed == {"refused.changes-nothing"}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_killed_where_look_ups_are_answered_by_any_status_nothing_unknown_was_asked_for(
    dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [answering(dialect, status, code) for of, status, code in UNTOLD if of == dialect]
    reached = []

    def by_turns(inbound: Inbound, outbound: Outbound) -> Outbound:
        named = inbound.parameters.get("key_id") or inbound.parameters.get("KeyId")
        if inbound.operation in CHANGING and isinstance(named, str) and outbound.refusal in NOBODYS:
            reached.append((inbound.operation, named))
        return answers[inbound.number % len(answers)](inbound, outbound)

    with KillingEmulator(dialect, foreign_keys=3, filters=[by_turns]) as emulator:
        judge = judging(emulator, parse_target(emulator.target_yaml(), "t"), monkeypatch)
        killings = KilledRun(emulator, some, judge)
        outcome = killings.run(
            arguments=only(("unknown_keys", "protocol", *(("fuzzing", "lifecycle") if EVERY else ())))
        )
    assert killings.problems == []
    assert killings.killed > 1
    assert reached == []
    assert "unknown-key.schedule" in outcome.ids("inconclusive")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_killed_and_swept_with_the_credentials_of_another_night_nothing_is_left(
    dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with KillingEmulator(dialect, foreign_keys=3) as emulator:
        another = parse_target(emulator.target_yaml(OTHER_CREDENTIALS[dialect]), "t")
        killings = KilledRun(emulator, some, judging(emulator, another, monkeypatch))
        outcome = killings.run(arguments=only(("isolation", "states", "afterwards")))
    assert killings.problems == []
    assert killings.killed > 1
    assert outcome.failed == frozenset()
