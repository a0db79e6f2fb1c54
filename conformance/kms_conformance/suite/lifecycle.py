"""The lifecycle model: random walks, judged step by step.

A walk is a random sequence of operations on two keys. After each step, the reply and both keys are compared with the
prediction of the oracle (`client/oracle.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from kms_conformance.catalogue.api import CHANGES
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lost, Stop
from kms_conformance.client.oracle import ENABLED, GONE, PENDING, KeyModel, Prediction
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import must_have_effect
from kms_conformance.suite.walk_steps import Step, drawn_steps

# The name under which a recording stores the steps of walks.
_PURPOSE = "walks"
# The clock is never moved closer than this to a deletion date, because dates may be rounded up to the hour.
_MARGIN = timedelta(hours=2)
# Later checks need two keys: one whose waiting period ends, and one that must still exist after that.
_KEYS_NEEDED_LATER = 2
# After this many walks that ended with a request without a reply, no more walks are taken.
_MOST_LOST = 3


@dataclass
class _Problems:
    """Errors that ended walks: one `fatal` error ends all walks, and so do `_MOST_LOST` requests without a reply.

    `moved_before`: by how much the run had moved the clock before the first walk.
    """

    moved_before: timedelta
    fatal: list[Inconclusive] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)


def walk(kms: Scenario) -> None:
    """Take the walks that follow from the run's tier and seed. If `Inconclusive` ended them early, it is raised."""
    problems = _Problems(kms.time.moved)
    recorded = kms.client.world.draws.recorded(_PURPOSE)
    if recorded is None:
        _take_walks(kms, problems, _noted(kms, drawn_steps(kms.effort.walks, kms.effort.steps, kms.seed, kms.cache)))
    else:
        _take_walks(kms, problems, recorded)
    if problems.fatal:
        raise problems.fatal[0]


def _noted(kms: Scenario, steps: Iterable[Step]) -> Iterator[Step]:
    """The steps; each is stored in the recording when it is taken."""
    for step in steps:
        kms.client.world.draws.drew(_PURPOSE, step)
        yield step


def _take_walks(kms: Scenario, problems: _Problems, steps: Iterable[Step]) -> None:
    """Take the steps of all walks. Steps after the end of a walk are ignored until the next one begins."""
    walk = _Walk(kms, problems)
    for step in steps:
        if step is None:
            walk = _Walk(kms, problems)
            walk.begin()
        else:
            walk.step(*step)


class _Walk:
    """One walk: two keys, the models of their states, and the steps taken so far (`trail`)."""

    def __init__(self, scenario: Scenario, problems: _Problems) -> None:
        self.scenario = scenario
        self._problems = problems
        self.keys: list[str] = []
        self.models: list[KeyModel] = []
        self.ciphertexts: list[str | None] = []
        self.descriptions: list[str | None] = []
        self.trail: list[str] = []
        self.ended = scenario.judge.broken or bool(problems.fatal)

    def begin(self) -> None:
        """Get two enabled keys and a ciphertext of each."""
        self._take(self._begin)

    def step(self, which: int, action: str, hours: int) -> None:
        """Take one action on key number `which`, unless the walk has ended; `hours` is for the action `time` only."""
        self._take(lambda: self._act(which, action, hours))

    def _take(self, act: Callable[[], None]) -> None:
        if self.ended:
            return
        try:
            act()
        except Lost as lost:
            # The effect of the request is unknown. The next walk begins with keys whose state is known.
            self._end()
            self._problems.lost.append(lost)
            if len(self._problems.lost) >= _MOST_LOST:
                self._problems.fatal.append(lost)
        except Inconclusive as problem:
            self._problems.fatal.append(problem)
            self._end()

    def _begin(self) -> None:
        kms = self.scenario
        for _ in range(2):
            key = kms.key(ENABLED, *self.keys)
            ciphertext = None
            if kms.encrypts:
                answer = kms.done("encrypt", key_id=key, plaintext="text")
                ciphertext = kms.dialect.secret_output("encrypt", answer.value)
            self.keys.append(key)
            self.descriptions.append(kms.pool.read_known(key).description)
            self.models.append(KeyModel(ENABLED))
            self.ciphertexts.append(ciphertext)

    def _act(self, which: int, action: str, hours: int) -> None:
        if action == "time":
            self._pass_time(hours)
        elif action.startswith("schedule"):
            self._schedule(which, action)
        elif action.startswith("unknown "):
            self._unknown(action.removeprefix("unknown "))
        else:
            self._operate(which, action)

    def _operate(self, which: int, operation: str) -> None:
        if operation in ("encrypt", "decrypt") and not self.scenario.encrypts:
            operation = "generate_data_key"
        arguments: dict[str, object] = {"key_id": self.keys[which]}
        if operation == "encrypt":
            arguments["plaintext"] = "text"
        elif operation == "decrypt":
            arguments = {"ciphertext": self.ciphertexts[which]}
        self._step(which, operation, arguments)

    def _schedule(self, which: int, action: str) -> None:
        bounds = self.scenario.window
        windows = {
            "schedule below": bounds.minimum - 1,
            "schedule above": bounds.maximum + 1,
            "schedule longest": bounds.maximum,
        }
        # A key that is pending or gone gets a valid window: the documents do not say whether the state or the window is
        # refused first.
        asked = self._model(which).state not in (PENDING, GONE)
        days = windows.get(action, bounds.minimum) if asked else bounds.minimum
        self._step(which, "schedule", {"key_id": self.keys[which], "window": days}, days)

    def _unknown(self, operation: str) -> None:
        kms = self.scenario
        answer = kms.ask(operation, key_id=kms.dialect.unknown_key())
        self.trail.append(f"{operation} unknown")
        name = as_id(f"unknown-key.{operation}")
        kms.must_be_refused(name if name in kms.judge.catalogue else "lifecycle.sequence", "unknown_key", answer)
        if kms.judge.broken:
            self._end()
        else:
            self._compare(answer)

    def _pass_time(self, hours: int) -> None:
        kms = self.scenario
        if not kms.time.offered:
            return
        now = kms.time.now()
        goal = self._safe(now, now + timedelta(hours=hours))
        moved = kms.time.moved - self._problems.moved_before + (goal - now)
        if goal <= now or moved > timedelta(days=kms.effort.clock_days):
            return
        kms.time.advance((goal - now).total_seconds())
        self.trail.append(f"+{(goal - now).total_seconds() / 3600:.0f} h")
        for which, key in enumerate(self.keys):
            gone = self._model(which).state == GONE
            expected = GONE if gone else self.models[which].state
            view = kms.pool.read_until(key, _in_state(expected))
            name: RequirementId = "expiry.not-early" if view.state == GONE else "lifecycle.sequence"
            name = "expiry.gone" if gone else name
            self._judge(name, view.state == expected, f"state {expected}", f"state {view.state}")
            if gone:
                kms.pool.drop_if_gone(key)

    def _safe(self, now: datetime, goal: datetime) -> datetime:
        """The time to which the clock is moved in place of `goal`, so that it is not near a deletion date.

        If later checks need the key that would be deleted, the time is before its deletion date; else well after it.
        """
        kms = self.scenario
        grace = timedelta(seconds=kms.profile.deletion.gone_within_seconds)
        spare = len(kms.pool.usual) + kms.pool.room - _KEYS_NEEDED_LATER - kms.effort.fuzz_creates
        for date in sorted(m.deletion_at for m in self.models if m.deletion_at is not None and m.deletion_at > now):
            ends = date - _MARGIN <= goal
            if ends and spare <= 0:
                return min(goal, date - _MARGIN)
            if ends:
                spare -= 1
                goal = max(goal, date + timedelta(days=1) + grace + _MARGIN)
        return goal

    def _step(self, which: int, operation: str, arguments: dict[str, object], window: int | None = None) -> None:
        kms = self.scenario
        now = kms.time.now()
        if self._model(which).state == GONE and operation == "decrypt":
            return
        prediction = kms.oracle.predict(self.models[which], operation, now, window)
        answer = kms.ask(operation, **arguments)
        self.trail.append(f"{operation}{'' if window is None else f' {window} d'} #{which}")
        try:
            if prediction.refusal is not None:
                kms.must_be_refused(self._narrow(prediction.requirement, window), prediction.refusal, answer)
            else:
                answer = kms.must_be_accepted(prediction.requirement, answer)
                self._follow(which, operation, prediction, answer, now, window)
        except Stop:
            self._end()
        if self.ended or kms.judge.broken:
            # After a wrong step, the following steps would show nothing new.
            self._end()
        else:
            self._compare(answer)

    def _follow(
        self, which: int, operation: str, prediction: Prediction, answer: Answer, asked_at: datetime, window: int | None
    ) -> None:
        """Judge the effect of an accepted operation, and update the model of the key to the state that reads back."""
        if operation not in CHANGES:
            return
        self.models[which], _ = must_have_effect(
            self.scenario, self.keys[which], self.models[which], operation, prediction, answer, asked_at, window
        )

    def _narrow(self, requirement: RequirementId, window: int | None) -> RequirementId:
        """The requirement on the window if the request must be refused for its window, else `requirement`."""
        bounds = self.scenario.window
        if requirement == "lifecycle.sequence" and window is not None:
            return "schedule.window.below-minimum" if window < bounds.minimum else "schedule.window.above-maximum"
        return requirement

    def _model(self, which: int) -> KeyModel:
        self.models[which] = self.models[which].at(self.scenario.time.now())
        return self.models[which]

    def _compare(self, answer: Answer) -> None:
        """Judge after a step that both keys read as their models predict."""
        for which, key in enumerate(self.keys):
            model = self._model(which)
            described = None if model.state == GONE else self.descriptions[which]
            # The date is compared only for pending keys: another requirement judges a date on any other key.
            dated = model.state == PENDING
            expected = _shown(model.state, dated, described)
            received = partial(_received, dated=dated, now=self.scenario.time.now)
            view = self.scenario.pool.read_until(key, lambda view: received(view) == expected)  # noqa: B023 - called now
            self._judge("lifecycle.sequence", received(view) == expected, expected, received(view), answer)

    def _judge(
        self,
        name: RequirementId,
        holds: bool,  # noqa: FBT001
        expected: str,
        received: str,
        answer: Answer | None = None,
    ) -> None:
        numbers = () if answer is None else (answer.number, self.scenario.client.exchange_log.count)
        hint = f"The walk so far: {', '.join(self.trail[-12:])}."
        if not self.scenario.judge.that(name, holds, expected, received, numbers, hint):
            self._end()

    def _end(self) -> None:
        self.ended = True


def _shown(state: str, dated: bool, description: str | None) -> str:  # noqa: FBT001 - one of the three facts shown
    return f"state {state}{', with a deletion date ahead' if dated else ''}, description {description!r}"


def _received(view: KeyView, *, dated: bool, now: Callable[[], datetime]) -> str:
    return _shown(view.state, dated and _has_date_ahead(view, now()), view.description)


def _in_state(state: str) -> Callable[[KeyView], bool]:
    return lambda view: view.state == state


def _has_date_ahead(view: KeyView, now: datetime) -> bool:
    return view.deletion_at is not None and view.deletion_at > now
