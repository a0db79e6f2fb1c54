"""Races: two requests are sent at the same moment, and judged by the two orders of carrying them out.

Most races are for one key. Two requests for two keys each change the key that they name, and no other one.

A deviation that also shows when the two are sent one after the other is no matter of two requests at once: other
requirements are broken by it, and it is not judged here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations_with_replacement

from kms_conformance.catalogue.api import CHANGES, USES
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import AFTER, DISABLED, ENABLED, PENDING, KeyModel
from kms_conformance.client.orders import AnsweredRequest, Explanation, explanation
from kms_conformance.client.together import Call
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.transitions import is_dated
from kms_conformance.suite.scenario import Scenario

LOST: RequirementId = "concurrency.nothing-lost"
EXPLAINED: RequirementId = "concurrency.explained"

# Windows of one race, and the date that the key has before it, are so many days apart or more: which date is kept is
# seen also where dates are rounded up to days and may be a day later.
_DAYS_APART = 3
_USE = "generate_data_key"


@dataclass(frozen=True)
class Race:
    """Two operations that are sent at the same moment for a key in this state."""

    state: str
    first: str
    second: str

    @property
    def operations(self) -> tuple[str, str]:
        return self.first, self.second

    @property
    def title(self) -> str:
        return f"{self.first} and {self.second} of one {self.state} key at once"


# The fewest races in which each kind of loss can show: a date, a schedule, a cancel, and a state beside a date. Each
# leads to the state of the next one, or near to it.
_FEW = (
    Race(ENABLED, "schedule", "schedule"),
    Race(PENDING, "cancel", "schedule"),
    Race(PENDING, "cancel", "cancel"),
    Race(DISABLED, "enable", "schedule"),
)
# Requests for two keys at once, by the states of the keys before: the second pair begins where the first one ends.
_OF_TWO_KEYS = (((ENABLED, "schedule"), (ENABLED, "disable")), ((PENDING, "cancel"), (DISABLED, "enable")))


@dataclass(frozen=True)
class _Start:
    """The key before the two requests, the time before them, and their windows in days; None without a window."""

    key: KeyModel
    at: datetime
    windows: tuple[int | None, int | None]


class Races:
    """Runs races on one key of the run."""

    def __init__(self, kms: Scenario) -> None:
        self._kms = kms
        self._key = kms.key(ENABLED)
        self._start: _Start | None = None

    def run(self, times: int) -> None:
        """Run every race so many times, in both orders in turn; a few races once if `times` is 0.

        Ends at the first loss.
        """
        for race in _FEW if times == 0 else self._every(times):
            if all(operation in self._kms.client.api for operation in race.operations) and not self._judge(race):
                return
        if (other := self._other_key()) is not None:
            for pair in _OF_TWO_KEYS * max(1, times):
                if not self._judge_two_keys(other, pair):
                    return
        for requirement in {LOST, EXPLAINED} - self._kms.judge.judged:
            reason = "The same deviations show when these requests are sent one after the other."
            self._kms.judge.leave_open([requirement], Inconclusive(reason))

    def _every(self, times: int) -> Iterator[Race]:
        """Every pair of operations in every state, without those of which neither changes the key."""
        for turn in range(times):
            for state in (ENABLED, PENDING, DISABLED):
                for pair in combinations_with_replacement((*CHANGES, _USE), 2):
                    if any(self._changes(state, operation) for operation in pair):
                        yield Race(state, *(pair if turn % 2 == 0 else pair[::-1]))

    def _changes(self, state: str, operation: str) -> bool:
        kms = self._kms
        prediction = kms.oracle.predict(KeyModel(state), operation, kms.time.now(), kms.days)
        return prediction.after.state != state

    def _judge(self, race: Race) -> bool:
        """Run one race and judge it; returns whether nothing was lost."""
        kms = self._kms
        answers = kms.client.together.ask(lambda: self._prepared(race))
        found, view = self._outcome(race, answers)
        told = f"{race.title}: {', '.join(_told(answer) for answer in answers)}"
        if found in {"lost", "doubled"} and self._shows_in_turn(race):
            kms.client.findings.observe(f"{told}; the same shows one after the other, and is judged there")
            return True
        if found == "refused":
            kms.client.findings.observe(f"{told}; no document says what is answered while another request is under way")
        numbers = (*(answer.number for answer in answers), kms.client.exchange_log.count)
        received = f"{told}; then the key reads as {_shown(view)}"
        kept = kms.judge.that(
            LOST, found != "lost", f"a key to which {race.title} lead, as answered", received, numbers
        )
        if kept:
            expected = f"answers to {race.title} that one of two orders gives"
            kms.judge.that(EXPLAINED, found != "doubled", expected, received, numbers)
        return kept

    def _other_key(self) -> str | None:
        """Another key, if the target disables keys and the run may have one."""
        with suppress(Inconclusive):
            return self._kms.key(ENABLED, self._key) if "disable" in self._kms.client.api else None
        return None

    def _judge_two_keys(self, other: str, pair: Sequence[tuple[str, str]]) -> bool:
        """Send two requests for two keys at once; returns whether each key was changed as its answer says."""
        kms = self._kms

        def prepared() -> tuple[Call, Call]:
            for key, (state, _) in zip((self._key, other), pair, strict=True):
                if kms.pool.bring(key, state) is None:
                    raise Inconclusive(f"The key {key} is gone, so requests for two keys at once cannot be sent.")
            one, two = (operation for _, operation in pair)
            return self._call(one, kms.days if one == "schedule" else None), Call(two, {"key_id": other})

        def wrong(answers: Sequence[Answer]) -> list[str]:
            found = []
            for key, (_, operation), answer in zip((self._key, other), pair, answers, strict=True):
                states = kms.states_after_cancel if operation == "cancel" else (AFTER[operation],)
                if answer.reply.status // 100 != 2:
                    continue
                state = kms.pool.read_until(key, lambda view, states=states: view.state in states, (LOST,)).state  # type: ignore[misc]  # the loop's value is bound
                if state not in states:
                    found.append(f"{operation} of {key} {answer.status}; then it is {state}")
            return found

        differ = wrong(kms.client.together.ask(prepared))
        if differ:
            in_turn = [kms.client.ask(call.operation, **call.arguments) for call in prepared()]
            if wrong(in_turn):
                kms.client.findings.observe(f"{differ[0]}; the same shows one after the other, and is judged there")
                return True
        told = f"{' and '.join(operation for _, operation in pair)} of two keys at once, each with its effect"
        numbers = (kms.client.exchange_log.count,)
        return kms.judge.that(LOST, not differ, told, "; ".join(differ) or "each with its effect", numbers)

    def _shows_in_turn(self, race: Race) -> bool:
        """Whether the two requests, sent one after the other in one of the two orders, show a deviation as well."""
        for order in ((0, 1), (1, 0)):
            calls = self._prepared(race)
            answers = {place: self._kms.client.ask(calls[place].operation, **calls[place].arguments) for place in order}
            if self._outcome(race, (answers[0], answers[1]))[0] in {"lost", "doubled"}:
                return True
        return False

    def _prepared(self, race: Race) -> tuple[Call, Call]:
        """Bring the key into its state; returns the two requests."""
        kms = self._kms
        view = kms.pool.bring(self._key, race.state)
        if view is None:
            raise Inconclusive(f"The key {self._key} is gone, so two requests at once cannot be sent for it.")
        at = kms.time.now()
        date = view.deletion_at if view.state == PENDING else None
        windows = iter(self._windows(at, date))
        one, other = (next(windows) if operation == "schedule" else None for operation in race.operations)
        # Where documents leave the state after a cancel open, each of the states is accepted.
        self._start = _Start(KeyModel(view.state, DISABLED, date), at, (one, other))
        return self._call(race.first, one), self._call(race.second, other)

    def _call(self, operation: str, window: int | None) -> Call:
        return Call(operation, {"key_id": self._key, **({} if window is None else {"window": window})})

    def _windows(self, now: datetime, date: datetime | None) -> Sequence[int]:
        """Two windows in days, far from each other and from the date of the key.

        They are equal where the bounds are close to each other.
        """
        kms = self._kms
        taken = [] if date is None else [(date - now) / timedelta(days=1)]
        found: list[int] = []
        for day in range(kms.days, kms.window.maximum + 1):
            if len(found) < 2 and all(abs(day - other) >= _DAYS_APART for other in (*taken, *found)):
                found.append(day)
        return (*found, kms.days, kms.days)[:2]

    def _outcome(self, race: Race, answers: tuple[Answer, Answer]) -> tuple[Explanation, KeyView]:
        """The explanation of two answers by the key as it reads within the settle time, and this reading."""
        kms, start = self._kms, self._start
        assert start is not None
        one, other = (
            # A success with an undocumented status is a success: other requirements judge the status.
            AnsweredRequest(operation, answer.reply.status // 100 == 2, window)
            for operation, answer, window in zip(race.operations, answers, start.windows, strict=True)
        )

        def found(view: KeyView) -> Explanation:
            now = kms.time.now()
            return explanation(
                kms.oracle, start.key, (one, other), start.at, lambda model: self._reads_as(view, model, now)
            )

        view = kms.pool.read_until(self._key, lambda view: found(view) != "lost", (LOST,))
        if found(view) != "lost" and kms.pool.patience.wait_for_late_effects():
            view = kms.pool.read_until(self._key, lambda view: found(view) != "lost", (LOST,))
        result = found(view)
        if result != "lost":
            kms.pool.settle(self._key, view, LOST)
        return result, view

    def _reads_as(self, view: KeyView, model: KeyModel, now: datetime) -> bool:
        if view.state != model.state:
            return False
        if model.state != PENDING:
            return view.deletion_at is None or view.deletion_at <= now
        if model.deletion_at is None or view.deletion_at is None:
            return model.deletion_at is None
        return is_dated(view.deletion_at, model.deletion_at, self._kms.profile.deletion)


def _told(answer: Answer) -> str:
    name = "" if answer.operation is None else answer.operation.name
    if name in USES and answer.accepted:
        # The body of such a reply has a plaintext.
        return f"{name} {answer.status}"
    return f"{name} {answer.status}" if answer.accepted else f"{name} {answer.summary}"


def _shown(view: KeyView) -> str:
    return (
        view.state if view.deletion_at is None else f"{view.state} with the date {view.deletion_at:%Y-%m-%dT%H:%M:%SZ}"
    )
