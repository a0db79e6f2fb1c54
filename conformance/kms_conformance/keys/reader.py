"""Reads keys: one key, a key until a condition holds, and all keys that a target lists. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import GONE, UNAVAILABLE
from kms_conformance.client.target_client import Client
from kms_conformance.dialects.base import KeyView, Page

_MOST_READS = 4
_POLL_SECONDS = 0.05
# After this many waits without a change, the reader waits only a tenth of the time: on a target whose changes never
# become visible, each step would otherwise take the whole time.
_TIMEOUTS_BEFORE_SHORTER_WAITS = 2
# After this many pages, reading a list ends, because on a faulty target the list may never end.
_MOST_PAGES = 100


class Reader:
    """Reads keys through a client, and allows for changes that become visible late.

    `keys`: the ids of the run's keys that exist, which every list must contain.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._clock = client.world.clock
        self.keys: list[str] = []
        self._timeouts = 0
        self._last: tuple[int, KeyView] | None = None

    def read(self, key: str) -> KeyView:
        """Describe a key; an unknown key reads as gone.

        Raises `Inconclusive` for any other refusal, and for a key of ours that cannot be used at the moment.
        """
        answer = self.client.ask("describe", key_id=key)
        if answer.accepted:
            view = self.client.dialect.key(answer.value)
        elif self.client.profile.refusal("unknown_key").admits(answer.status, answer.code):
            view = KeyView(key, GONE, None, None, None, {})
        else:
            raise Inconclusive(f"A key could not be read: {answer.summary}.")
        if view.state == UNAVAILABLE and key in self.keys:
            raise Inconclusive(
                f"The key {key} cannot be used at the moment: its state is {view.state}.", "Run again later."
            )
        self.client.findings.was_read(view.state)
        self._last = self.client.requests, view
        return view

    def last_read(self, key: str) -> KeyView:
        """The view of a key from the last request, if the last request described this key; else from a new request."""
        if self._last is not None and self._last[0] == self.client.requests and self._last[1].id == key:
            return self._last[1]
        return self.read(key)

    def read_stable(self, key: str) -> KeyView:
        """Read a key until two successive reads agree: replicas of a service may lag behind."""
        view = self.last_read(key)
        for _ in range(_MOST_READS):
            again = self.read(key)
            if again == view:
                break
            view = again
        return view

    def read_until(self, key: str, wanted: Callable[[KeyView], bool]) -> KeyView:
        """Read a key until `wanted` is true or `settle_seconds` have passed; returns the last view."""
        deadline = self._clock.monotonic() + self.settle_seconds
        while not wanted(view := self.read(key)):
            if self._clock.monotonic() >= deadline:
                self._timeouts += 1
                break
            self._clock.sleep(_POLL_SECONDS)
        return view

    @property
    def settle_seconds(self) -> float:
        """The number of seconds to wait until a change becomes visible."""
        return self.client.profile.settle_seconds / (1 if self._timeouts < _TIMEOUTS_BEFORE_SHORTER_WAITS else 10)

    def list_keys(self, limit: int | None = None, first: Answer | None = None) -> tuple[str, ...]:
        """The ids of all keys that the target lists, in the target's order.

        `limit`: the number of keys a page; None for the target's default. `first`: the reply to the request for the
        first page, if that was sent already. Judges that the run's existing keys are listed within the profile's settle
        time. Raises `Inconclusive` if a page is refused or the list does not end.
        """
        size: dict[str, object] = {} if limit is None else {"limit": limit}
        deadline = self._clock.monotonic() + self.client.profile.settle_seconds
        while True:
            ids = tuple(key for page in self._pages(size, first) for key in page.ids)
            first = None
            lost = [key for key in self.keys if key not in ids and self.read(key).state != GONE]
            if not lost or self._clock.monotonic() >= deadline:
                break
            self._clock.sleep(_POLL_SECONDS)
        if lost:
            self.client.findings.breaks("list.complete", "every living key of the run", f"missing: {lost}")
        else:
            self.client.findings.holds("list.complete")
        return ids

    def _pages(self, size: dict[str, object], first: Answer | None) -> Iterator[Page]:
        cursor: dict[str, object] = {}
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            answer = first or self.client.ask("list", **size, **cursor)
            first = None
            if not answer.accepted:
                raise Inconclusive(f"Keys could not be listed: {answer.summary}.")
            page = self.client.dialect.page(answer.value)
            self.client.gate.note_listed(page.ids)
            yield page
            if page.cursor is None:
                return
            if seen.issuperset(page.ids):
                self.client.findings.breaks("list.complete", "new keys, or the last page", "neither", (answer.number,))
                return
            seen.update(page.ids)
            cursor = {"cursor": page.cursor}
        raise Inconclusive(f"The list of keys has more than {_MOST_PAGES} pages.", "Use an account with fewer keys.")
