"""A key that stays in its state while requests are refused; what a refused request does by the id is judged elsewhere.

A check that sends many requests to one key in one state expects each answer of that state. If a refused request moves
the key, all later answers differ, and so would accuse the wrong requirements.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from kms_conformance.catalogue.api import CHANGES
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.reader import shown
from kms_conformance.suite.scenario import Scenario


@dataclass
class KeptState:
    """One key in one state, and the refused requests that could have moved it.

    - requirement: what fails if a refused request moves the key, and the same request in its plainest form does not.
    - bring_back: brings the key into the state again.
    """

    kms: Scenario
    key: str
    state: str
    requirement: RequirementId
    bring_back: Callable[[], object]
    # The refused requests that could have moved the key since it was brought into the state last, and all refused ones.
    _refused: dict[str, tuple[Answer, Callable[[], Answer]]] = field(default_factory=dict)
    _plain: dict[str, Callable[[], Answer]] = field(default_factory=dict)

    def note_refused(self, operation: str, answer: Answer, plainly: Callable[[], Answer]) -> None:
        """Note a refused request; `plainly` sends it by the key's id, in the usual form."""
        self._plain[operation] = plainly
        if operation in CHANGES:
            self._refused[operation] = answer, plainly

    def must_be_unchanged(self, before: KeyView, answer: Answer) -> None:
        """Judge that the key reads as before all refused requests; `answer` is the last one."""
        kms, now = self.kms, self.kms.read(self.key)
        if now.state != self.state and self.is_restored():
            return
        if shown(now) != shown(before):
            now = kms.pool.read_until(self.key, lambda view: shown(view) == shown(before))
        if shown(now) == shown(before) or now.state != self.state:
            kms.must_be_unchanged(self.requirement, before, now, answer)
        elif not self._changed_plainly():
            kms.judge.that(self.requirement, shown(now) == shown(before), shown(before), shown(now), (answer.number,))

    def _changed_plainly(self) -> bool:
        """Whether the plain requests are refused and change what the key shows, too: its date or its description.

        Before and after them, the key gets its description and its date anew, so that other checks see such a change.
        """
        self._renew()
        before = shown(self.kms.view(self.key))
        for ask in self._plain.values():
            with suppress(Inconclusive):
                ask()
        now = shown(self.kms.read(self.key))
        self._renew()
        return now != before

    def _renew(self) -> None:
        """Bring the key by way of the state enabled, where it gets its own description, into the state again."""
        self.kms.pool.bring(self.key, ENABLED)
        self.kms.with_marker(self.key)
        self.bring_back()

    def is_restored(self, *, served: bool = False) -> bool:
        """Whether a refused request had moved the key, which is then brought back.

        `served` tells that a change was carried out that the state refuses; it may have brought the key back by
        itself. Sends no request unless a change was refused before. A move that the plain request makes, too, is judged
        by the checks of the state; another one is judged here.
        """
        if not self._refused:
            return False
        # On a target that was seen to lag, the key still reads as before a refused request that moved it.
        self.kms.pool.patience.wait_for_late_effects()
        view = self.kms.pool.read_until(self.key, lambda view: view.state == self.state)
        if view.state == self.state and not served:
            return False
        refused = dict(self._refused)
        self._refused.clear()
        plainly = any(self._moves(ask) for _, ask in refused.values())
        self.bring_back()
        if not plainly and not served:
            expected = f"a refused request leaves the key {self.state}"
            exchanges = tuple(answer.number for answer, _ in refused.values())
            self.kms.judge.that(self.requirement, False, expected, shown(view), exchanges)  # noqa: FBT003 - the verdict
        return plainly or not served

    def _moves(self, plainly: Callable[[], Answer]) -> bool:
        """Whether the plain request is refused and moves the key nevertheless."""
        self.bring_back()
        return not plainly().accepted and self.kms.view(self.key).state != self.state
