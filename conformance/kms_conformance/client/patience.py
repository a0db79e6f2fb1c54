"""Patience: a look that another moment could reverse is repeated until it stands or the settle time is over.

Services may be eventually consistent: for some time after a change, reads, lists and uses of a key may still show or
obey the former state. The profile says for how long (`settle_seconds`). A look that fits ends the wait at once. A look
that does not fit is repeated until the settle time since the last change is over, and is final only then. What a key
has besides its state may show later still, if the vendor names a longer time for it; it is not judged before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from kms_conformance.catalogue.api import LISTS_OF_KEY
from kms_conformance.client.judge import Inconclusive
from kms_conformance.core.runtime import REAL, Clock

T = TypeVar("T")

#: The name of a look at the key that an alias names.
ALIAS = "alias"
# The looks at what a key has besides its state.
_BELONGINGS = frozenset({ALIAS, *LISTS_OF_KEY})

_FIRST_PAUSE_SECONDS = 0.05
_PAUSE_GROWTH = 1.5
# The longest pause between two looks, as a part of the settle time.
_LONGEST_PAUSE = 1 / 40
# A look that must not find a late change is made after the longest lag that was seen, times this factor, plus a moment.
_LAG_MARGIN, _LAG_MOMENT_SECONDS = 1.25, 0.1
# Observations tell lags by these bounds in seconds, so that equal ones are counted.
_LAG_BOUNDS = (0.5, 1, 2, 5, 10, 30, 60, 300)


def _always(_: object, __: object) -> bool:
    return True


@dataclass
class Patience:
    """The waits of a run for changes that become visible late.

    - settle_seconds: the longest time for which a look may show the state before a change, by the profile.
    - equal_looks: the number of fitting looks in a row that settle, once the target was seen to flap.
    - most_seconds: the longest time that all waits of a run may take together.
    - observe: notes an event that counts against no requirement.
    - lag_seconds: the longest lag that was seen in this run; 0 if the target never lagged.
    - flaps: whether a look showed the former state again after the new one.
    - joint: adds to the seconds that all processes of this run have waited, and returns the sum; None for one process.
    - changes: the number of requests that may have changed any key, and of moves of the clock.
    - slowest_seconds: the time after which a vendor's page says that even the slowest changes show.
    """

    settle_seconds: float
    equal_looks: int
    most_seconds: float
    clock: Clock = REAL
    observe: Callable[[str], None] = lambda _: None
    joint: Callable[[float], float] | None = None
    lag_seconds: float = 0.0
    flaps: bool = False
    changes: int = 0
    slowest_seconds: float = 0.0
    _changed_at: float | None = None
    _waited: float = 0.0
    _requests_on: Counter[str] = field(default_factory=Counter)
    # The requests that may have changed the state of a key, by key; by "", those that may have changed any.
    _moves_of: Counter[str] = field(default_factory=Counter)
    _broken: set[str] = field(default_factory=set)
    _requested_at: dict[str, float] = field(default_factory=dict)

    # --- changes ------------------------------------------------------------------------------------------------------

    def note_request(self, keys: Iterable[str] = (), *, accepted: bool = True, moves: bool = True) -> None:
        """Note a request that may change these keys, or any key if it names none, and whether it was accepted.

        `moves`: whether it may change the states of keys.
        """
        named = tuple(keys)
        if moves:
            self._moves_of.update(named or ("",))
        now = self.clock.monotonic()
        self._requests_on.update(named)
        self._requested_at.update(dict.fromkeys(named, now))
        if not named:
            self.changes += 1
        if accepted:
            self._changed_at = now

    def version(self, key: str) -> tuple[int, int]:
        """A value that differs after each request that may have changed the key."""
        return self.changes, self._requests_on[key]

    def state_version(self, key: str) -> tuple[int, int]:
        """A value that differs after each request that may have changed the state of the key."""
        return self._moves_of[""], self._moves_of[key]

    @property
    def open(self) -> bool:
        """Whether the last change is so recent that a look may still show the former state."""
        return self._changed_at is not None and self.clock.monotonic() < self._changed_at + self.settle_seconds

    # --- looks --------------------------------------------------------------------------------------------------------

    def until(
        self,
        what: str,
        look: Callable[[], T],
        fits: Callable[[T], bool],
        *,
        equal: Callable[[T, T], bool] = _always,
        use: bool = False,
        once: bool = False,
        first: T | None = None,
        judges: Collection[str] = (),
    ) -> T:
        """Look until the result fits, or until the settle time since the last change is over; returns the last result.

        `what` names the look in observations. If the target was seen to flap, `equal_looks` results in a row must fit
        and be `equal` while the settle time lasts. The same holds for a `use` of a key after a first result that does
        not fit: uses flap without being seen otherwise. `first` is the result of a look that was made already; if it
        does not fit, at least one look follows. With `once`, the first result that fits is returned: a request that was
        carried out must not be sent again. `judges` are the requirements that are broken if no result fits: once all of
        them are broken, and the target has never lagged, waiting again could change no verdict. Raises `Inconclusive`
        if the run has waited too long in all, and for `judges` if what a key has may show later than the settle time.
        """
        streak, late, pause = 0, False, _FIRST_PAUSE_SECONDS
        last: T | None = None
        decided = bool(judges) and self._broken.issuperset(judges) and not self.lag_seconds
        while True:
            if first is not None:
                found, final, first = first, False, None
            else:
                if self.flaps and not streak:
                    # The first look may meet a replica that knows the change, and the next look another replica.
                    self.wait_out_lag()
                # After the settle time, a result that does not fit is final.
                final = decided or not self.open
                found = look()
            if fits(found):
                if not streak and late:
                    self._note_lag(what)
                streak = streak + 1 if last is None or equal(last, found) else 1
                last = found
                if once or streak >= (self.equal_looks if self.flaps or (use and late) else 1) or (final and not late):
                    return found
            else:
                if streak:
                    self.note_flap(what)
                if final:
                    self._note_broken(what, judges)
                    return found
                streak, late, last = 0, True, None
            if streak:
                # What is awaited has come; further looks only meet other replicas.
                self._sleep(_FIRST_PAUSE_SECONDS)
                continue
            self._sleep(pause)
            pause = min(pause * _PAUSE_GROWTH, max(_FIRST_PAUSE_SECONDS, self.settle_seconds * _LONGEST_PAUSE))

    def _note_broken(self, what: str, judges: Collection[str]) -> None:
        """Note that a final look did not fit. Raises `Inconclusive` if the vendor says that it may fit later."""
        self._broken.update(judges)
        slow = bool(judges) and what in _BELONGINGS and self.slowest_seconds > self.settle_seconds
        if slow and self._changed_at is not None and self.clock.monotonic() < self._changed_at + self.slowest_seconds:
            raise Inconclusive(
                f"{what} may show the change later: the vendor's page says that the slowest changes take "
                f"{self.slowest_seconds:g} s, and a run waits for {self.settle_seconds:g} s.",
                "Run again; if it never shows, the target does not do what it accepted.",
            )

    def wait_out_lag(self, key: str = "") -> None:
        """Wait until the last change, and any effect of the last request on `key`, shows. Without lag, it returns.

        The lag is the longest one that this target was seen to have.
        """
        since = (self._changed_at, self._requested_at.get(key))
        if self.lag_seconds and any(moment is not None for moment in since):
            ends = max(moment for moment in since if moment is not None) + self._usual_lag
            self._sleep(max(0.0, ends - self.clock.monotonic()))

    @property
    def _usual_lag(self) -> float:
        return min(self.settle_seconds, self.lag_seconds * _LAG_MARGIN + _LAG_MOMENT_SECONDS)

    def wait_out_settling(self) -> None:
        """Wait until the settle time since the last change is over: from then on, no look may show the former state."""
        if self._changed_at is not None:
            self._sleep(max(0.0, self._changed_at + self.settle_seconds - self.clock.monotonic()))

    def wait_for_late_effects(self) -> bool:
        """Wait as long as this target was seen to lag, so that a change that just happened shows.

        Returns whether the target was seen to lag. Without lag, it does not wait.
        """
        if not self.lag_seconds:
            return False
        self._sleep(self._usual_lag)
        return True

    def note_flap(self, what: str) -> None:
        """Note that a look showed the former state again after the new one."""
        self.flaps = True
        if self._changed_at is not None:
            self.lag_seconds = max(self.lag_seconds, self.clock.monotonic() - self._changed_at)
        self.observe(f"{what} flapped: after a change, it showed the former state again")

    def renew(self) -> None:
        """Forget how long the run has waited, because keys must be scheduled for deletion at its end in any case."""
        self._waited = 0.0
        self.joint = None

    def _note_lag(self, what: str) -> None:
        assert self._changed_at is not None
        lag = self.clock.monotonic() - self._changed_at
        self.lag_seconds = max(self.lag_seconds, lag)
        bound = next((bound for bound in _LAG_BOUNDS if lag < bound), None)
        told = f"more than {_LAG_BOUNDS[-1]:g} s" if bound is None else f"up to {bound:g} s"
        self.observe(f"{what} showed a change late, by {told}")

    def _sleep(self, seconds: float) -> None:
        waited = self._waited if self.joint is None else self.joint(0.0)
        if waited + seconds > self.most_seconds:
            raise Inconclusive(
                f"The run has waited {waited / 60:.0f} min in all for changes to become visible, and may wait no "
                "longer: what was seen last may change yet, so it is not judged.",
                "Raise limits.wait_minutes in the target file if the endpoint is just slow.",
            )
        self._waited += seconds
        if self.joint is not None:
            self.joint(seconds)
        self.clock.sleep(seconds)
