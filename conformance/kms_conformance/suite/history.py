"""Histories: two keys are led on purpose through every sequence of changes of a given length, in turn.

The first key takes the tour. The second key is scheduled and cancelled in between, so that each of them changes while
the other is pending, and while it is not. After each change, the key must read as the oracle predicts, with the
deletion date of its last window. The first key is used after each of its changes. The second key has no description,
where the documents let a description be taken away.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import cycle

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.front import NotReached
from kms_conformance.client.judge import Inconclusive, Lacking, Stop
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING, KeyModel, Prediction
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.reader import shown
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import must_have_effect
from kms_conformance.suite.tours import Graph, Tour

# The second key takes a step after so many steps of the first key.
_STEPS_OF_FIRST = 3
# After so many schedules of the first key, it is scheduled again while it is pending.
_SCHEDULED_TWICE = 2
# The steps of the second key; it is pending for most of the time, also while the first key is scheduled again. In its
# place in the list, an empty operation is a rest, and `disable` means `enable` if the key is disabled.
_BESIDE = ("schedule", "cancel", "schedule", "", "", "cancel", "disable")
# So many windows in a row differ from each other by so many days or more: a date of another window is seen, also where
# dates are rounded up to days and may be a day later.
_WINDOWS, _DAYS_APART = 8, 3
# The step from one of these windows to the next: neighbours are far from each other.
_STRIDE = 3
# A walk ends when a key differed so often that should be as before.
_MOST_DEVIATIONS = 3
# operation -> the requirement that another key changes with it
_OTHER_CHANGES: dict[str, RequirementId] = {"schedule": "schedule.only-named-key", "cancel": "cancel.only-named-key"}
_TEXT = "text"


@dataclass
class _Key:
    """One key on its tours.

    - view: how it read last.
    - ciphertext: what was encrypted before its first change.
    - uses: the uses so far, each as (state of the key, operation).
    """

    id: str
    model: KeyModel
    view: KeyView
    ciphertext: str | None = None
    uses: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Step:
    """One request for a change, with its outcome as predicted and as it was."""

    key: _Key
    operation: str
    prediction: Prediction
    answer: Answer
    asked_at: datetime
    window: int | None


class Histories:
    """Leads two keys of the run, which are enabled at first, through histories."""

    def __init__(self, kms: Scenario) -> None:
        self._kms = kms
        self._windows = cycle(_windows(kms.window.minimum, kms.window.maximum))
        self._keys: list[_Key] = []
        for first in (True, False):
            key = kms.key(ENABLED, *(known.id for known in self._keys))
            view = kms.view(key) if first else _without_description(kms, key)
            self._keys.append(_Key(key, KeyModel(ENABLED), view))
        # The steps of one key since the other key was read.
        self._since: list[_Step] = []
        # How often the first key was scheduled, and how often a key differed that should be as before.
        self._scheduled = 0
        self._deviations = 0

    def close(self) -> None:
        """Give the second key its description back."""
        with suppress(Inconclusive):
            self._kms.pool.bring(self._keys[1].id, ENABLED)
            self._kms.with_marker(self._keys[1].id)

    def walk(self, length: int, *, refused: bool = False) -> str:
        """Walk every sequence of so many changes; returns what was walked, in words. Raises `Stop` at a failure.

        With `refused`, requests that must be refused count as changes, and the second key rests.
        """
        graph = Graph(self._kms.oracle, self._kms.days, refused)
        first, second = self._keys
        tour = Tour(graph, length, first.model)
        beside = cycle(_BESIDE)
        if not first.uses:
            self._use(first)
        steps = 0
        while (operation := tour.next()) is not None:
            self._take(first, tour, operation)
            steps += 1
            if not refused and steps % _STEPS_OF_FIRST == 0 and (other := next(beside)):
                self._step(second, "enable" if (second.model.state, other) == (DISABLED, "disable") else other)
        while first.model.state != ENABLED:
            self._take(first, tour, "cancel" if first.model.state == PENDING else "enable")
        self._use(first, "decrypt")
        for key in self._keys:
            self._must_be_as_before(key)
        every = graph.sequences(length)
        kind = "requests for changes" if refused else "changes"
        return f"walked {len(every & tour.walked)} of {len(every)} sequences of {length} {kind} of a key"

    def _take(self, key: _Key, tour: Tour, operation: str) -> None:
        """Take one step of the tour of a key, and use the key after it."""
        self._step(key, operation)
        tour.take(operation, key.model)
        self._use(key)
        if operation == "schedule" and key.model.state == PENDING:
            self._scheduled += 1
            if self._scheduled % _SCHEDULED_TWICE == 0:
                self._must_not_change(self._asked(key, "schedule"))

    def _step(self, key: _Key, operation: str) -> None:
        self._must_be_as_before(key)
        step = self._asked(key, operation)
        if step.prediction.refusal is None and step.prediction.after.state != key.model.state:
            self._must_change(step)
        else:
            self._must_not_change(step)

    def _asked(self, key: _Key, operation: str) -> _Step:
        kms = self._kms
        window = next(self._windows) if operation == "schedule" else None
        asked_at = kms.time.now()
        prediction = kms.oracle.predict(key.model, operation, asked_at, window)
        answer = kms.ask(operation, key_id=key.id, **({} if window is None else {"window": window}))
        if prediction.refusal is None:
            answer = kms.must_be_accepted(prediction.requirement, answer)
        step = _Step(key, operation, prediction, answer, asked_at, window)
        self._since.append(step)
        return step

    def _must_change(self, step: _Step) -> None:
        """Judge the effect of an accepted change, and adopt the state to which it led."""
        key = step.key
        key.model, key.view = must_have_effect(
            self._kms, key.id, key.model, step.operation, step.prediction, step.answer, step.asked_at, step.window
        )

    def _must_not_change(self, step: _Step) -> None:
        """Judge a refusal, or a request for the state in which the key is; the key must stay as it is."""
        kms, key, prediction = self._kms, step.key, step.prediction
        if prediction.refusal is not None and not kms.must_be_refused(
            prediction.requirement, prediction.refusal, step.answer
        ):
            # The profile leaves open whether this is carried out.
            self._adopt(key, kms.read(key.id))
        else:
            self._must_be_unchanged(key, prediction.requirement, step.answer)

    def _must_be_unchanged(self, key: _Key, requirement: RequirementId, answer: Answer) -> None:
        """Judge that a key reads as before; if it does not, go on from how it reads, so that it is accused once."""
        now = self._kms.must_be_unchanged(requirement, key.view, self._kms.read(key.id), answer)
        if shown(now) != shown(key.view):
            self._adopt(key, now)
            self._deviations += 1
            if self._deviations == _MOST_DEVIATIONS:
                # Each of them is waited for as long as changes may be late, and a walk has hundreds of steps.
                raise Stop

    def _adopt(self, key: _Key, view: KeyView) -> None:
        key.view = view
        key.model = replace(key.model, state=view.state, deletion_at=view.deletion_at)

    def _must_be_as_before(self, key: _Key) -> None:
        """Judge that the other key's changes since this key was read have not changed this key.

        Only one kind of change can be accused by name.
        """
        if not self._since or self._since[-1].key is key:
            return
        names = {_OTHER_CHANGES.get(step.operation, "lifecycle.sequence") for step in self._since}
        name = names.pop() if len(names) == 1 else "lifecycle.sequence"
        self._must_be_unchanged(key, name, self._since[-1].answer)
        self._since = []

    def _use(self, key: _Key, wanted: str = "") -> None:
        """Judge that a use is served or refused: the one that is wanted, else the rarest in the state of the key."""
        kms = self._kms
        operation = min(self._uses_of(key), key=lambda use: (use != wanted, key.uses.count((key.model.state, use))))
        key.uses.append((key.model.state, operation))
        arguments: dict[str, object] = {"key_id": key.id}
        if operation == "encrypt":
            arguments["plaintext"] = _TEXT
        elif operation == "decrypt":
            arguments = {"ciphertext": key.ciphertext}
        prediction = kms.oracle.predict(key.model, operation, kms.time.now())
        answer = kms.ask(operation, **arguments)
        if prediction.refusal is not None:
            kms.must_be_refused(prediction.requirement, prediction.refusal, answer)
            return
        answer = kms.must_be_accepted(prediction.requirement, answer)
        if operation == "encrypt":
            key.ciphertext = key.ciphertext or kms.dialect.secret_output("encrypt", answer.value)
        elif operation == "decrypt":
            same = kms.dialect.secret_output("decrypt", answer.value) == _TEXT
            kms.judge.that("cancel.usable-again", same, "what was encrypted", "other text", (answer.number,))

    def _uses_of(self, key: _Key) -> Iterator[str]:
        if self._kms.encrypts:
            yield "encrypt"
            if key.ciphertext is not None:
                yield "decrypt"
        yield "generate_data_key"


def _without_description(kms: Scenario, key: str) -> KeyView:
    """Take the description of a key away, where the documents allow that; returns how the key reads then."""
    if not kms.dialect.clears_description or "update_description" not in kms.client.api:
        return kms.view(key)
    with suppress(Lacking, NotReached):
        answer = kms.ask("update_description", key_id=key, description="")
        if answer.accepted:
            view = kms.pool.read_until(key, lambda view: not view.description, ("update-description.reply",))
            told = "no description", f"the description {view.description!r}"
            kms.judge.that("update-description.reply", not view.description, *told, (answer.number,))
    return kms.view(key)


def _windows(minimum: int, maximum: int) -> tuple[int, ...]:
    """Windows in days within these bounds, each far from its neighbours; fewer if the bounds are close."""
    apart = max(_DAYS_APART, (maximum - minimum) // _WINDOWS)
    number = max(1, min(_WINDOWS, (maximum - minimum) // apart + 1))
    return tuple(minimum + apart * (place * _STRIDE % number) for place in range(number))
