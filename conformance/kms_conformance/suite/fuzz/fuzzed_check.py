"""The interface of a check that the fuzzing uses; `suite.scenario.Scenario` implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from kms_conformance.catalogue.profile import Profile, Window
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Judge
from kms_conformance.client.oracle import Oracle
from kms_conformance.client.target_client import Client
from kms_conformance.client.time_control import TimeControl
from kms_conformance.core.tier import Effort
from kms_conformance.dialects.base import Dialect, KeyView
from kms_conformance.keys.pool import Pool
from kms_conformance.suite.draw_cache import DrawCache
from kms_conformance.suite.fuzz.examples import ExampleFolder


class FuzzedCheck(Protocol):
    """One check at one target: its client, keys, judge and effort. Members are documented in `Scenario`."""

    client: Client
    pool: Pool
    time: TimeControl
    judge: Judge
    effort: Effort
    seed: int
    cache: DrawCache
    examples: ExampleFolder
    others_before: Mapping[str, KeyView]
    profile: Profile
    window: Window
    dialect: Dialect
    oracle: Oracle

    def key(self, state: str = ..., /) -> str:
        """A key in this state."""
        ...

    def ask(self, operation: str, /, **arguments: object) -> Answer:
        """Send an operation."""
        ...

    def must_read_back(
        self, requirements: RequirementId | Sequence[RequirementId], key: str, states: Sequence[str], answer: Answer
    ) -> KeyView:
        """Judge that a key reads back in one of these states."""
        ...

    def must_be_date(
        self, requirement: RequirementId, view: KeyView, asked_at: datetime, days: int, answer: Answer
    ) -> KeyView:
        """Judge a deletion date: the time of the request plus the window."""
        ...

    def must_be_unchanged(self, requirement: RequirementId, was: KeyView, now: KeyView, answer: Answer) -> KeyView:
        """Judge that a key reads back as before."""
        ...
