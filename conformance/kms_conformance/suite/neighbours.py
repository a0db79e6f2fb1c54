"""A neighbour: another key of the run, beside which a check gives belongings to a key and changes its state.

What the neighbour has must stay as it is. On targets that share, copy or confuse what keys have, it does not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.suite.possessions import POSSESSIONS, Possession
from kms_conformance.suite.scenario import Scenario

_OTHERS: RequirementId = "isolation.other-keys"
_NOT_ROTATED = "false"


@dataclass(frozen=True)
class Neighbour:
    """Another key of the run; `had`: what it has of each kind that the target shows."""

    key: str
    had: Mapping[str, object]

    @classmethod
    def of(cls, kms: Scenario, key: str) -> Neighbour | None:
        """The neighbour of a key; None if the run may have no second key."""
        with suppress(Inconclusive):
            other = kms.key(ENABLED, key)
            kms.pool.patience.wait_for_late_effects()
            had = {}
            for possession in _shown(kms):
                with suppress(Inconclusive):
                    had[possession.kind] = _look(kms, possession, other)
            if had.get("rotation") != _NOT_ROTATED:
                # It rests while the key is pending.
                had.pop("rotation", None)
            return cls(other, had)
        return None

    def must_be_as_before(self, kms: Scenario, answer: Answer | None = None) -> None:
        """Judge that the neighbour has what it had."""
        for possession in _shown(kms):
            if possession.kind not in self.had:
                continue
            was = self.had[possession.kind]
            told = f"the {possession.kind} of the key {self.key} as before: {was}", str
            with suppress(Inconclusive):
                kms.must_show(
                    _OTHERS,
                    partial(_look, kms, possession, self.key),
                    lambda now, was=was: now == was,  # type: ignore[misc]  # the loop's value is bound
                    told,
                    answer,
                    possession.shown_by,
                )

    def schedule(self, kms: Scenario) -> None:
        """Schedule the neighbour, so that the key that was scheduled last is not the one that the check cancels."""
        with suppress(Inconclusive):
            kms.pool.bring(self.key, PENDING)


def _shown(kms: Scenario) -> tuple[Possession, ...]:
    """The kinds that the target shows for a key without naming one of them, as it does not for aliases."""
    named = (possession for possession in POSSESSIONS if possession.kind != "aliases")
    return tuple(possession for possession in named if possession.shown_by in kms.client.api)


def _look(kms: Scenario, possession: Possession, key: str) -> str:
    """What a key has of a kind, as text; of grants, their ids alone."""
    found = possession.look(kms, key, None)
    if possession.kind == "grants":
        entries = found if isinstance(found, list) else []
        found = sorted(str(entry.get("GrantId")) for entry in entries if isinstance(entry, Mapping))
    return json.dumps(found, sort_keys=True, default=str)
