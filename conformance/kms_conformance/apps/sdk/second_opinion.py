"""Asks a target by the suite's own request what a client asked, before a refusal is called a fault of the target.

Reasons for which a plain run would judge nothing, such as missing permissions, limits of the account and operations
that an installation may lack, then hold for the client as well.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import NamedTuple

from kms_conformance.client.gate import NotOurs
from kms_conformance.client.judge import Inconclusive, Judge
from kms_conformance.core.tier import EFFORTS
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.suite.requests import Requests


class Unjudged(NamedTuple):
    """The reason why a plain run would judge nothing, and the number of the exchange that shows it."""

    reason: str
    exchange: int


class SecondOpinion:
    """Sends the suite's own requests to the target of a client."""

    def __init__(self, target_session: TargetSession) -> None:
        self._client = target_session.client
        judge = Judge(target_session.catalogue, target_session.applicable)
        self._requests = Requests(
            target_session.client, target_session.pool, target_session.time, judge, EFFORTS["smoke"], seed=0
        )

    def on(self, operation: str, arguments: Mapping[str, object]) -> Unjudged | None:
        """Send an operation once; None if the target gave an answer that a plain run judges."""
        written = {name: _as_text(value) for name, value in arguments.items()}
        try:
            self._requests.ask(operation, **written)
        except Inconclusive as error:
            return Unjudged(told(error), self._client.exchange_log.count)
        except NotOurs:
            return None
        return None


def told(error: Inconclusive) -> str:
    """The reason with the next step."""
    return f"{error.reason} {error.hint}".strip()


def _as_text(value: object) -> object:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
