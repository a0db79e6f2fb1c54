"""A field of replies that counts down: recorded replies of Huawei Cloud have the days left of a pending key."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import PENDING, Mixin
from kms_conformance.emulator import Decisions, Inbound, Key, Outbound
from kms_conformance.emulator.messages import encode_json, parse_json


class DaysLeft:
    """The decisions and the filter of an emulator that shows the days left of pending keys as `pending_days`."""

    def __init__(self) -> None:
        self._now: datetime | None = None
        self._pending: dict[str, datetime] = {}

    def days(self, left: float) -> int:
        """The number that is shown for a deletion date in so many days."""
        return math.ceil(left)

    @property
    def decisions(self) -> Mixin:
        """The part that sees keys and the clock."""
        outer = self

        class Telling(Decisions):
            def shown(self, operation: str, key: Key, now: datetime) -> Key:
                outer.note(key, now)
                return super().shown(operation, key, now)

        return Telling

    def note(self, key: Key, now: datetime) -> None:
        """Remember the deletion date of a key that is shown, and the time."""
        self._now = now
        self._pending.pop(key.id, None)
        if key.state is PENDING and key.deletion is not None:
            self._pending[key.id] = key.deletion

    def filter(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        """Add the field to the reply to `describe`."""
        if inbound.operation != "describe" or outbound.refusal is not None or self._now is None:
            return outbound
        body: dict[str, Any] = parse_json(outbound.body)
        info = body["key_info"]
        date = self._pending.get(info["key_id"])
        if date is not None:
            info["pending_days"] = str(self.days((date - self._now) / timedelta(days=1)))
        return replace(outbound, body=encode_json(body))
