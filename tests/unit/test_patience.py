"""Patience: how long a look is repeated, what it observes of lag and flapping, and what it costs without either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.patience import Patience
from kms_conformance.core.runtime import Clock


@dataclass
class _Clock(Clock):
    """A clock that only sleeping moves; `slept` are all pauses in seconds."""

    time: float = 100.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@dataclass
class _World:
    """A target whose looks give what `shows` returns for the seconds since the change; `looks` counts them."""

    shows: Callable[[float, int], str]
    clock: _Clock = field(default_factory=_Clock)
    looks: int = 0
    seen: list[str] = field(default_factory=list)

    def patience(self, settle: float = 2.0, equal: int = 3, most: float = 3600.0) -> Patience:
        made = Patience(settle, equal, most, self.clock, self.seen.append)
        made.note_request(["key"])
        return made

    def look(self) -> str:
        self.looks += 1
        return self.shows(self.clock.time - 100.0, self.looks)


def _is_new(found: str) -> bool:
    return found == "new"


def test_a_look_that_fits_is_the_only_one_and_waits_for_nothing() -> None:
    world = _World(lambda _, __: "new")
    assert world.patience().until("describe", world.look, _is_new) == "new"
    assert (world.looks, world.clock.slept, world.seen) == (1, [], [])


def test_a_change_that_shows_late_is_waited_for_and_observed() -> None:
    world = _World(lambda since, _: "new" if since >= 1.9 else "old")
    patience = world.patience()
    assert patience.until("describe", world.look, _is_new) == "new"
    assert world.seen == ["describe showed a change late, by up to 2 s"]
    assert 1.9 <= patience.lag_seconds <= 2.0
    assert not patience.flaps


def test_the_last_look_comes_after_the_settle_time_and_no_look_follows_it() -> None:
    world = _World(lambda _, __: "old")
    assert world.patience().until("describe", world.look, _is_new) == "old"
    assert 2.0 <= world.clock.time - 100.0 <= 2.1
    assert world.seen == []


def test_patience_does_not_shrink_after_waits_in_vain() -> None:
    world = _World(lambda since, _: "new" if since % 10 >= 1.8 else "old")
    patience = world.patience()
    for round_ in range(5):
        world.clock.time = 100.0 + 10 * round_
        patience.note_request(["key"])
        assert patience.until("describe", world.look, lambda found: found == "never") == "new"
    world.clock.time = 150.0
    patience.note_request(["key"])
    assert patience.until("describe", world.look, _is_new) == "new"


def test_without_a_recent_change_the_first_look_is_final() -> None:
    world = _World(lambda _, __: "old")
    patience = world.patience()
    world.clock.time += 2.0
    assert patience.until("describe", world.look, _is_new) == "old"
    assert world.looks == 1


def test_a_refused_request_opens_no_settle_time() -> None:
    world = _World(lambda _, __: "old")
    patience = Patience(2.0, 3, 3600.0, world.clock)
    patience.note_request(["key"], accepted=False)
    assert not patience.open
    assert patience.until("describe", world.look, _is_new) == "old"


def test_further_looks_at_a_change_that_has_come_are_made_soon_after_each_other() -> None:
    world = _World(lambda since, _: "new" if since >= 20.0 else "old")
    patience = world.patience(settle=60.0, equal=15)
    patience.note_flap("describe")
    assert patience.until("describe", world.look, _is_new) == "new"
    # The pause before the first look that fits was 1.5 s; each of the 14 looks after it follows by 0.05 s.
    assert world.clock.slept[-14:] == [0.05] * 14
    assert world.clock.slept[-15] == 1.5


def test_a_target_that_flaps_must_show_the_change_several_times_in_a_row() -> None:
    world = _World(lambda since, looks: "new" if looks % 2 == 0 or since >= 1.0 else "old")
    patience = world.patience()
    patience.note_flap("describe")
    assert patience.until("describe", world.look, _is_new) == "new"
    assert world.clock.time - 100.0 >= 1.0
    assert world.seen[0] == "describe flapped: after a change, it showed the former state again"


def test_a_target_that_flaps_for_ever_does_not_pass() -> None:
    world = _World(lambda _, looks: "new" if looks % 2 else "old")
    patience = world.patience()
    patience.note_flap("describe")
    assert patience.until("describe", world.look, _is_new) == "old"


def test_equal_looks_are_those_that_are_equal_and_not_only_fit() -> None:
    world = _World(lambda _, looks: f"new {min(looks, 4)}")
    patience = world.patience()
    patience.note_flap("describe")
    found = patience.until("describe", world.look, lambda found: "new" in found, equal=lambda a, b: a == b)
    assert (found, world.looks) == ("new 4", 6)


def test_a_use_that_was_served_once_too_often_must_be_refused_several_times() -> None:
    world = _World(lambda _, looks: "refused" if looks % 2 == 0 else "served")
    assert world.patience().until("encrypt", world.look, lambda f: f == "refused", use=True) == "served"


def test_a_run_that_has_waited_too_long_judges_nothing_more() -> None:
    world = _World(lambda _, __: "old")
    patience = world.patience(settle=60.0, most=90.0)
    patience.until("describe", world.look, _is_new)
    patience.note_request(["key"])
    with pytest.raises(Inconclusive) as caught:
        patience.until("describe", world.look, _is_new)
    assert "waited 1 min in all" in caught.value.reason
    assert "limits.wait_minutes" in caught.value.hint
    patience.renew()
    assert patience.until("describe", world.look, _is_new) == "old"


def test_late_effects_are_waited_for_only_after_a_lag_was_seen() -> None:
    world = _World(lambda since, _: "new" if since >= 0.4 else "old")
    patience = world.patience()
    assert not patience.wait_for_late_effects()
    patience.wait_out_lag()
    assert world.clock.slept == []
    patience.until("describe", world.look, _is_new)
    before = world.clock.time
    assert patience.wait_for_late_effects()
    assert 0.4 < world.clock.time - before < 1.0


def test_a_version_differs_after_a_request_on_the_key_or_on_no_certain_key() -> None:
    patience = Patience(2.0, 3, 3600.0, _Clock())
    versions = [patience.version("a")]
    patience.note_request(["b"])
    assert patience.version("a") == versions[-1]
    for keys in (["a"], [], ["a", "b"]):
        patience.note_request(keys, accepted=False)
        versions.append(patience.version("a"))
    assert len(set(versions)) == len(versions)


def test_a_change_that_was_carried_out_is_not_sent_again_on_a_target_that_flaps() -> None:
    world = _World(lambda _, looks: "new" if looks > 1 else "old")
    patience = world.patience()
    patience.note_flap("describe")
    assert patience.until("enable", world.look, _is_new, once=True) == "new"
    assert world.looks == 2


def test_a_result_that_was_there_before_the_wait_is_not_the_last_one() -> None:
    world = _World(lambda _, __: "new")
    patience = world.patience()
    world.clock.time += 5.0
    assert patience.until("describe", world.look, _is_new, first="old") == "new"
    assert world.looks == 1


def test_a_requirement_that_is_broken_is_waited_for_once_where_nothing_ever_lagged() -> None:
    world = _World(lambda _, __: "old")
    patience = world.patience()
    for _ in range(3):
        patience.note_request(["key"])
        patience.until("describe", world.look, _is_new, judges=["cancel.effect"])
    assert world.clock.time - 100.0 < 2.1
    patience.note_request(["key"])
    patience.until("describe", world.look, _is_new, judges=["cancel.effect", "schedule.twice"])
    assert world.clock.time - 100.0 > 4.0
    patience.lag_seconds = 0.5
    patience.note_request(["key"])
    patience.until("describe", world.look, _is_new, judges=["cancel.effect"])
    assert world.clock.time - 100.0 > 6.0


def test_what_a_key_has_is_not_judged_while_it_may_show_later() -> None:
    world = _World(lambda _, __: "old")
    patience = world.patience()
    patience.slowest_seconds = 300.0
    with pytest.raises(Inconclusive, match="list_tags may show the change later"):
        patience.until("list_tags", world.look, _is_new, judges=("tag.reply",))
    # The run waits no longer for that than for anything else, and not again for what it cannot judge.
    assert 2.0 <= world.clock.time - 100.0 <= 2.1
    with pytest.raises(Inconclusive):
        patience.until("list_tags", world.look, _is_new, judges=("tag.reply",))
    assert world.clock.time - 100.0 <= 2.1
    assert patience.until("describe", world.look, _is_new, judges=("describe.reply",)) == "old"
    world.clock.time = 401.0
    assert patience.until("list_tags", world.look, _is_new, judges=("tag.reply",)) == "old"
