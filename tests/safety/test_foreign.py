"""200 keys of others, in all states: byte for byte as before, whatever a run asks; and the report says so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from kms_conformance.apps.selftest.deviation import only
from kms_conformance.apps.selftest.runner import Outcome, run_suite
from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Emulator, Key, State
from kms_conformance.report.html import render as html
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.verdict.model import Verdict

NUMBER = 200


class Roomy(Decisions):
    """An account that may hold more keys than the documents' default."""

    def quota_left(self, keys) -> bool:
        return True


def furnish(emulator: Emulator) -> dict[str, Key]:
    """Put keys of others there in every state, with every sign that a state can leave; returns all of them."""
    patterns = [
        {"state": State.ENABLED},
        {"state": State.DISABLED},
        {"state": State.PENDING_DELETION, "deletion": timedelta(days=1), "window_days": 7},
        {"state": State.PENDING_DELETION, "deletion": timedelta(days=29), "window_days": 30},
        {"state": State.PENDING_IMPORT, "external": True},
        {"state": State.ENABLED, "protected": True, "protection_description": "payroll"},
        {"state": State.ENABLED, "tags": (("team", "payroll"),), "aliases": ()},
        {"state": State.ENABLED, "description": ""},
        {"state": State.DISABLED, "external": True, "description": "kms-conformance"},
    ]
    now = emulator.clock.now()
    for number, key in enumerate(emulator.store.keys):
        if not key.default:
            pattern = {"deletion": None} | patterns[number % len(patterns)]
            if pattern["deletion"] is not None:
                pattern["deletion"] = now + pattern["deletion"]
            emulator.store.put(replace(key, **pattern))
    return {key.id: key for key in emulator.store.keys}


def run(emulator: Emulator, *arguments: str, tier: str = "smoke", clock: bool = False, **limits: int) -> Outcome:
    @contextlib.contextmanager
    def served() -> Iterator[str]:
        target = emulator.target()
        if not clock:
            # Else the deletions of others would come to their end while we look.
            del target["time_control"]
        yield yaml.safe_dump(target | ({"limits": limits} if limits else {}))

    return run_suite(served, tier=tier, arguments=arguments, timeout_seconds=900)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_two_hundred_foreign_keys_are_untouched_by_a_whole_run(pytestconfig: pytest.Config, dialect: str) -> None:
    """All families at smoke; nights ask all of standard, which takes three times as long.

    Every change still fuzzes foreign keys at standard: `test_fuzzing_keeps_to_the_limit_and_to_its_own_keys`.
    """
    tier = "standard" if pytestconfig.getoption("--nightly") else "smoke"
    with Emulator(dialect, decisions=Roomy, foreign_keys=NUMBER) as emulator:
        before = furnish(emulator)
        outcome = run(emulator, tier=tier)
        after = {key.id: key for key in emulator.store.keys}
    assert {key: after.get(key) for key in before} == before
    assert outcome.failed == frozenset()
    assert all(key.state is State.PENDING_DELETION for key in after.values() if key.id not in before)
    found = outcome.verdict["isolation"]
    assert (found["described"], found["complete"], found["changed"]) == (NUMBER, True, [])
    assert found["digest_before"] == found["digest_after"]
    assert (found["appeared"], found["vanished"]) == ([], [])


def test_what_others_do_meanwhile_is_shown_and_held_against_nobody() -> None:
    class Busy(Roomy):
        """Somebody works on the account: one key is disabled, one is deleted, one is made."""

        def effects(self, operation, before, after, keys):
            yield after
            if operation == "schedule" and not self.__dict__.setdefault("done", False):
                self.done = True
                yield replace(victims[0], state=State.DISABLED)
                gone.add(victims[1].id)
                emulator.store.put(replace(victims[1], id="new"))

        def key_visible(self, key, now) -> bool:
            return key.id not in gone and super().key_visible(key, now)

    gone: set[str] = set()
    with Emulator("huawei", decisions=Busy, foreign_keys=20) as emulator:
        victims = [key for key in emulator.store.keys if key.state is State.ENABLED and not key.default]
        outcome = run(emulator, *only(("schedule",)))
    found = outcome.verdict["isolation"]
    assert [change["key"] for change in found["changed"]] == sorted({victims[0].id, victims[1].id})
    assert (found["appeared"], found["vanished"]) == (["new"], [victims[1].id])
    assert found["digest_before"] != found["digest_after"]
    assert "isolation.other-keys" not in outcome.failed
    page = html.render(Report((TargetReport(Verdict.from_json(outcome.verdict), ()),)))
    assert "Possible causes: the target itself, other users of the account" in page
    assert victims[0].id in page


def keeps_to_the_limit(families: tuple[str, ...], most: int, tier: str) -> None:
    with Emulator("alibaba") as emulator:
        before = {key.id: key for key in emulator.store.keys}
        outcome = run(emulator, *only(families), "--plant", tier=tier, clock=True, max_keys=most)
        after = {key.id: key for key in emulator.store.keys}
    made = after.keys() - before.keys()
    assert len(made) <= most
    assert outcome.verdict["keys_created"] <= most
    assert outcome.failed == frozenset()
    # The clock is moved, which ends the lifetime of keys that others have scheduled for deletion.
    stay = {name: key for name, key in before.items() if key.state is not State.PENDING_DELETION}
    assert stay
    assert {name: after.get(name) for name in stay} == stay


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("families", [("states",), ("cancel", "schedule"), ("isolation", "planted")])
def test_never_more_keys_than_the_limit_whatever_is_selected(most: int, families: tuple[str, ...]) -> None:
    keeps_to_the_limit(families, most, "smoke")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("most", [1, 2, 3])
def test_fuzzing_keeps_to_the_limit_and_to_its_own_keys(most: int) -> None:
    keeps_to_the_limit(("fuzzing",), most, "standard")
