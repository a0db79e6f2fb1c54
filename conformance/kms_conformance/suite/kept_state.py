"""A key that stays in its state while requests are refused; what a refused request does by the id is judged elsewhere.

A check that sends many requests to one key in one state expects each answer of that state. If a refused request moves
the key, all later answers differ, and so would accuse the wrong requirements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
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
    _refused: dict[str, tuple[Answer, Callable[[], Answer]]] = field(default_factory=dict)

    def note_refused(self, operation: str, answer: Answer, plainly: Callable[[], Answer]) -> None:
        """Note a refused request for a change of the state; `plainly` sends it by the key's id, in the usual form."""
        self._refused[operation] = answer, plainly

    def is_restored(self, *, served: bool = False) -> bool:
        """Whether a refused request had moved the key, which is then brought back.

        `served` tells that a change was carried out that the state refuses; it may have brought the key back by
        itself. Sends no request unless a change was refused before. A move that the plain request makes, too, is judged
        by the checks of the state; another one is judged here.
        """
        if not self._refused:
            return False
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
