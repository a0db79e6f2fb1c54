"""Reads keys: one key, a key until a condition holds, and all keys that a target lists. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import eq
from typing import Any

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Denied, Inconclusive
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING, PENDING_IMPORT, UNAVAILABLE
from kms_conformance.client.target_client import Client
from kms_conformance.dialects.base import KeyView, Page
from kms_conformance.keys.transitions import EFFECTS, Transition, date_text

_MOST_READS = 4
#: A date that moves with time differs between two reads that are so far apart: dates have a resolution of a second.
DATE_PAUSE_SECONDS = 2.1
# The states that a key leaves only by a request. A pending key may also be gone, by its date.
_STAYS = frozenset({ENABLED, DISABLED, PENDING})
# Refusals of requests that name no key, or none by a well-formed id.
_OF_NO_KEY = ("missing_key", "malformed_key")
# HTTP 403: a gateway or an identity service in front of a cloud denies with codes of its own.
_FORBIDDEN = 403
# After this many pages, reading a list ends, because on a faulty target the list may never end.
_MOST_PAGES = 100
# After this many pages, the rest of a list, and all further lists, are asked for in the largest pages.
_MANY_PAGES = 10


@dataclass(frozen=True)
class Settled:
    """A key as a judgement saw it last.

    - view: the key.
    - requirement: the requirement that is broken if the key reads otherwise later, without a change in between.
    - exchange: the number of the exchange that was judged.
    - version, state_version: the values of `Patience.version` and `Patience.state_version` at that time.
    """

    view: KeyView
    requirement: RequirementId
    exchange: int
    version: tuple[int, int]
    state_version: tuple[int, int]


class Reader:
    """Reads keys through a client, and allows for changes that become visible late.

    - `keys`: the ids of the run's keys that exist, which every list must contain.
    - `rows`: what the last listing told of these keys, by id, as in `Page.rows`.
    - `first`: how these keys read first in this run, by id.
    - `denied`: the ids of keys that these credentials may not read, as far as they were asked for.
    - `moving_fields`: the fields of no page that were seen to move by themselves, such as the time of the read.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.patience = client.patience
        self.keys: list[str] = []
        self.denied: set[str] = set()
        self.moving_fields: set[str] = set()
        self.first: dict[str, KeyView] = {}
        # The keys whose deletion dates were seen to move with time.
        self._sliding: set[str] = set()
        self._changed_by_itself: RequirementId | None = None
        self._many_pages = False
        self.rows: dict[str, Mapping[str, Any]] = {}
        self._last: tuple[int, KeyView] | None = None
        self._settled: dict[str, Settled] = {}
        # The last operation that changed the state of a key, by key.
        self._transitions: dict[str, str] = {}
        # The value of `Patience.changes` when a key was last read as living, and how it read then, by key.
        self._living: dict[str, tuple[int, KeyView]] = {}
        self._seen: dict[str, tuple[tuple[int, int], list[KeyView]]] = {}

    def read(self, key: str) -> KeyView:
        """Describe a key; an unknown key reads as gone.

        Raises `Denied` or `Inconclusive` for any other refusal, and `Inconclusive` for a key of ours that cannot be
        used at the moment.
        """
        try:
            answer = self.client.ask("describe", key_id=key)
        except Denied as error:
            self.denied.add(key)
            if key in self.keys:
                raise
            raise Denied(f"The key {key} may not be described: {error.reason}", error.hint) from error
        if answer.accepted:
            if answer.problems and not isinstance(answer.value, Mapping):
                raise Inconclusive(f"What the key {key} is cannot be read: {answer.summary}.", "Repair the body first.")
            view = self.client.dialect.key(answer.value)
        elif self.client.profile.refusal("unknown_key").admits(answer.status, answer.code):
            view = KeyView(key, GONE, None, None, None, {})
        elif self._is_denial(answer):
            self.denied.add(key)
            raise Denied(f"The key {key} may not be described: {answer.summary}.")
        else:
            named = "A key of this run" if key in self.keys else f"The key {key}"
            raise Inconclusive(f"{named} could not be read: {answer.summary}.")
        if view.state == UNAVAILABLE and key in self.keys:
            raise Inconclusive(
                f"The key {key} cannot be used at the moment: its state is {view.state}.", "Run again later."
            )
        self.client.findings.was_read(view.state)
        self._last = self.client.requests, view
        self._note_flap(key, view)
        if view.state != GONE:
            self._living[key] = self.patience.changes, view
            if key in self.keys:
                self.first.setdefault(key, view)
        return view

    def _is_denial(self, answer: Answer) -> bool:
        return answer.status == _FORBIDDEN or self.client.profile.admits("not_permitted", answer.status, answer.code)

    def lives(self, key: object) -> bool:
        """Whether the key was read as living, and nothing that may have deleted it has happened since."""
        known = self._living.get(str(key))
        return known is not None and known[0] == self.patience.changes

    def _note_flap(self, key: str, view: KeyView) -> None:
        """Note a flapping target: without a change in between, a key reads as before again after it read otherwise."""
        version = self.patience.version(key)
        known = self._seen.get(key)
        if known is None or known[0] != version:
            self._seen[key] = (version, [view])
        elif view != known[1][-1]:
            if view in known[1] and self.patience.open:
                self.patience.note_flap("describe")
            known[1].append(view)
            del known[1][:-_MOST_READS]

    def last_read(self, key: str) -> KeyView:
        """The view of a key from the last request, if the last request described this key; else from a new request."""
        if self._last is not None and self._last[0] == self.client.requests and self._last[1].id == key:
            return self._last[1]
        return self.read(key)

    def read_stable(self, key: str) -> KeyView:
        """Read a key until two successive reads agree, and agree with what was judged last: reads may lag behind."""
        view = self.last_read(key)
        for _ in range(_MOST_READS):
            again = self.read(key)
            if again == view:
                break
            view = again
        settled = self.settled(key)
        if settled is None or shown(view) == shown(settled.view):
            return view
        return self.read_until(key, lambda view: shown(view) == shown(settled.view))

    def slides(self, was: KeyView, now: KeyView) -> bool:
        """Whether the deletion date of a pending key moves with time, without a request that moves it.

        Reads the key several times, with a pause that is longer than the resolution of dates, if nothing but the date
        of the key differs from `was`.
        """
        if was.id is None or not _differ_in_date(was, now):
            return False
        if was.id not in self._sliding:
            first = self.read(was.id)
            self.client.world.clock.sleep(DATE_PAUSE_SECONDS)
            later = [self.read(was.id) for _ in range(_MOST_READS - 1)]
            stays = not any(_differ_in_date(first, each) for each in later)
            if stays or was.deletion_at in {each.deletion_at for each in (first, *later)}:
                return False
            self._sliding.add(was.id)
        return True

    def read_until(self, key: str, wanted: Callable[[KeyView], bool], judges: Collection[str] = ()) -> KeyView:
        """Read a key until `wanted` is true or the settle time is over; returns the last view.

        `judges`: the requirements that are broken if `wanted` stays false (see `Patience.until`).
        """
        return self.patience.until("describe", lambda: self.read(key), wanted, equal=eq, judges=judges)

    def read_known(self, key: str) -> KeyView:
        """Read a key until it reads as it was judged last, if nothing has changed it since; else read it once."""
        settled = self.settled(key)
        if settled is None:
            self.patience.wait_out_lag(key)
            return self.read_until(key, lambda _: True)
        return self.read_until(key, lambda view: shown(view) == shown(settled.view))

    def confirm(self, key: str) -> KeyView:
        """Read a key in a known state, and judge that it still reads as it was judged last.

        On a target that was seen to lag, what the last request on the key did may show only after the lag.
        """
        known = self.client.profile.facts["states"]
        settled = self.settled(key)
        self.patience.wait_out_lag(key)
        if settled is None:
            return self._confirm_state(key, self.read_until(key, lambda view: view.state in known))
        was = shown(settled.view)
        view = self.read_until(key, lambda view: shown(view) == was)
        if shown(view) != was:
            changed = f"without a request that changes it: {shown(view)}"
            numbers = (settled.exchange, self.client.exchange_log.count)
            self.client.findings.breaks(self._broken(settled, view), f"the key stays: {was}", changed, numbers)
        return view

    def _confirm_state(self, key: str, view: KeyView) -> KeyView:
        """Judge that a key is in the state that was judged last, if no request since may have changed a state."""
        settled = self._settled.get(key)
        if settled is None or settled.state_version != self.patience.state_version(key):
            return view
        was = settled.view.state
        if was == view.state or not {was, view.state} <= _STAYS:
            return view
        view = self.read_until(key, lambda view: view.state == was)
        if view.state != was and view.state in _STAYS:
            expected = f"state {was}, as no request since then changes the state"
            numbers = (settled.exchange, self.client.exchange_log.count)
            self.client.findings.breaks("lifecycle.sequence", expected, f"state {view.state}", numbers)
        return view

    def _broken(self, settled: Settled, now: KeyView) -> RequirementId:
        """The requirement that a key breaks which changed by itself: for all keys, that of the first such change."""
        if self.slides(settled.view, now):
            return "pending.describe"
        self._changed_by_itself = self._changed_by_itself or settled.requirement
        return self._changed_by_itself

    def judge_refused_transition(self, was: KeyView, operation: str, answer: Answer) -> None:
        """Judge a refusal that time has not changed, if it is for a state that the key does not have, or for no key.

        Nothing is judged if the documents refuse the operation in the state of the key, or if it is refused otherwise.
        Keys that wait for import have requirements of their own, and protected keys too.
        """
        refused = self.client.profile.refusal_in(operation, was.state) is not None
        refused = refused or self.client.dialect.without_protection(was) is not None
        profile = self.client.profile
        documented = (
            each for name in _OF_NO_KEY if profile.has_refusal(name) for each in profile.refusal(name).answers
        )
        for_no_key = any((each.status, each.code) == (answer.status, answer.code) for each in documented)
        if refused or was.state == PENDING_IMPORT or not (for_no_key or self.client.may_be_late(answer)):
            return
        cancelled = operation == "enable" and self._transitions.get(str(was.id)) == "cancel"
        requirement = "cancel.usable-again" if cancelled else EFFECTS[operation]
        expected = f"{operation} of a key that reads as {was.state}: it is carried out"
        self.client.findings.breaks(requirement, expected, answer.summary, (answer.number,))

    def judge_transition(self, key: str, transition: Transition, after: KeyView, answer: Answer) -> KeyView:
        """Judge what a key shows after a transition besides its new state; returns the key as it was judged.

        `answer` is the reply to the operation. A key that shows nothing else is not read again.
        """
        profile, findings = self.client.profile, self.client.findings
        self._transitions[key] = transition.operation
        wrong = tuple(transition.mismatches(after, profile))
        if wrong:
            judges = [each.requirement for each in wrong]
            after = self.read_until(key, lambda view: not any(transition.mismatches(view, profile)), judges)
        for each in transition.mismatches(after, profile):
            numbers = (answer.number, self.client.exchange_log.count)
            findings.breaks(each.requirement, each.expected, each.received, numbers)
            # What differs now is judged, and is no difference from the first read any more.
            self.first[key] = after
        return after

    def settle(self, key: str, view: KeyView, requirement: RequirementId) -> None:
        """Note how a key was judged to read. If it reads otherwise later without a change, `requirement` is broken."""
        number = self.client.exchange_log.count
        versions = self.patience.version(key), self.patience.state_version(key)
        self._settled[key] = Settled(view, requirement, number, *versions)

    def settled(self, key: str) -> Settled | None:
        """How the key was judged to read last; None if it was not judged, or may have changed since."""
        known = self._settled.get(key)
        return known if known is not None and known.version == self.patience.version(key) else None

    def judge_end(self, key: str, now: datetime | None) -> None:
        """Judge that a key that reads as gone was pending, and that its deletion date has passed; `now` is the time.

        Nothing is judged if a request may have changed the key since it was judged last.
        """
        settled, living = self._settled.get(key), self._living.get(key)
        if settled is None or living is None or settled.version[1] != self.patience.version(key)[1]:
            return
        was, read = settled.view, living[1]
        numbers = (settled.exchange, self.client.exchange_log.count)
        tolerance = timedelta(seconds=self.client.profile.deletion.date_tolerance_seconds)
        if PENDING not in (was.state, read.state):
            expected = f"the key lives, because no deletion is scheduled: {shown(was)}"
            self.client.findings.breaks("expiry.nothing-else", expected, f"state {GONE}", numbers)
        elif now is None or was.deletion_at is None or was.deletion_at != read.deletion_at:
            return
        elif was.deletion_at > now + tolerance:
            self.client.findings.breaks("expiry.not-early", f"the key is there: {shown(was)}", f"state {GONE}", numbers)

    def list_keys(self, limit: int | None = None, first: Answer | None = None) -> tuple[str, ...]:
        """The ids of all keys that the target lists, in the target's order.

        `limit`: the number of keys a page; None for the target's default. `first`: the reply to the request for the
        first page, if that was sent already. Judges that the run's existing keys are listed within the profile's settle
        time. Raises `Inconclusive` if a page is refused or the list does not end.
        """
        size: dict[str, object] = {} if limit is None else {"limit": limit}
        given = [first]

        def look() -> tuple[str, ...]:
            return tuple(key for page in self._pages(size, given.pop() if given else None) for key in page.ids)

        missing: list[str] = []

        def complete(ids: tuple[str, ...]) -> bool:
            missing[:] = [key for key in self.keys if key not in ids and self.read(key).state != GONE]
            return not missing

        ids = self.patience.until("list", look, complete)
        if missing:
            self.client.findings.breaks("list.complete", "every living key of the run", f"missing: {missing}")
        else:
            self.client.findings.holds("list.complete")
        return ids

    def list_some(self, arguments: Mapping[str, object]) -> tuple[str, ...]:
        """The ids of all keys that the target lists for these arguments of `list`; raises as `list_keys`."""
        return tuple(key for page in self._pages(arguments, None) for key in page.ids)

    def _pages(self, size: Mapping[str, object], first: Answer | None) -> Iterator[Page]:
        cursor: dict[str, object] = {}
        seen: set[str] = set()
        largest = self.client.dialect.largest_page
        for number in range(_MOST_PAGES):
            self._many_pages = self._many_pages or number >= _MANY_PAGES
            usual = {"limit": largest} if self._many_pages and largest else {}
            answer = first or self.client.ask("list", **{**usual, **size}, **cursor)
            first = None
            if not answer.accepted:
                raise Inconclusive(f"Keys could not be listed: {answer.summary}.")
            page = self.client.dialect.page(answer.value)
            self.client.gate.note_listed(page.ids)
            self.rows.update((key, page.rows[key]) for key in self.keys if key in page.rows)
            yield page
            if page.cursor is None:
                return
            if seen.issuperset(page.ids):
                self.client.findings.breaks("list.complete", "new keys, or the last page", "neither", (answer.number,))
                return
            seen.update(page.ids)
            cursor = {"cursor": page.cursor}
        raise Inconclusive(f"The list of keys has more than {_MOST_PAGES} pages.", "Use an account with fewer keys.")


def _differ_in_date(one: KeyView, other: KeyView) -> bool:
    """Whether a pending key reads with another deletion date, and else as before."""
    dates = one.state == PENDING and one.deletion_at != other.deletion_at
    return dates and shown(replace(one, deletion_at=None)) == shown(replace(other, deletion_at=None))


def shown(view: KeyView) -> str:
    """The facts of a key that a refused request must not change, as text: state, deletion date, description."""
    return f"state {view.state}, deletion date {date_text(view.deletion_at)}, description {view.description!r}"
