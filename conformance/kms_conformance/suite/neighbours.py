"""A neighbour: another key of the run, beside which a check gives belongings to a key and changes its state.

Targets that share, copy or confuse what keys have give the neighbour some of it. Only what the check gave is looked
for, because an account may have automations that tag keys, for example.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.suite.possessions import Given
from kms_conformance.suite.scenario import Scenario

_OTHERS: RequirementId = "isolation.other-keys"
# The neighbour may have these itself, or cannot be asked for them by its id.
_ROTATION, _ALIASES = "rotation", "aliases"


@dataclass(frozen=True)
class Neighbour:
    """Another key of the run; `rotated`: whether its rotation was on at first."""

    key: str
    rotated: bool

    @classmethod
    def of(cls, kms: Scenario, key: str) -> Neighbour | None:
        """The neighbour of a key; None if the run may have no second key."""
        with suppress(Inconclusive):
            other = kms.key(ENABLED, key)
            rotates = "rotation_status" in kms.client.api
            return cls(other, rotates and kms.result("rotation_status", key_id=other) is not False)
        return None

    def must_have_none_of(self, kms: Scenario, given: Iterable[Given], answer: Answer) -> None:
        """Judge that the neighbour has nothing of what was given to the key."""
        for each in given:
            kind = each.possession.kind
            if kind == _ALIASES or (kind == _ROTATION and self.rotated):
                continue
            with suppress(Inconclusive):
                # No change that shows late gives the neighbour what was made for the key.
                lost = kms.pool.patience.until(each.possession.shown_by, partial(each.missing, kms, self.key), bool)
                told = f"the key {self.key} without the {kind} of the key {each.key}", lost or "it has them"
                kms.judge.that(_OTHERS, bool(lost), *told, (answer.number,))

    def schedule(self, kms: Scenario) -> None:
        """Schedule the neighbour, so that the key that was scheduled last is not the one that the check cancels."""
        with suppress(Inconclusive):
            kms.pool.bring(self.key, PENDING)
