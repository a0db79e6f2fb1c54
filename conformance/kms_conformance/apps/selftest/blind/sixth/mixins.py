"""Mixins of the sixth blind set: an emulator that remembers requests and times, and short forms of overrides."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kms_conformance.apps.selftest.blind.rows import Row
from kms_conformance.apps.selftest.blind.rows import rows_of as first_rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.emulator import Decisions, Inbound, Key, Rules, State
from kms_conformance.emulator.messages import parse_json

# The dialects whose keys have tags and several aliases.
NAMED = (ALIBABA, AWS)
# The dialects whose replies to schedule and cancel name the key.
NAMING = (HUAWEI, AWS)
# How a service of the dialect names an internal error.
BROKEN = {HUAWEI: "KMS.0101", ALIBABA: "InternalFailure", AWS: "KMSInternalException"}
# The operations that change the state of a key.
LIFECYCLE = frozenset({"enable", "disable", "schedule", "cancel"})
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_START = datetime(1970, 1, 1, tzinfo=UTC)
_KEY_NAMES = ("key_id", "KeyId", "TargetKeyId")
_WINDOWS = ("pending_days", "PendingWindowInDays")


def rows_of(subject: str) -> Row:
    """A function that writes a fault of one subject of this set; see `rows.rows_of`."""
    return first_rows_of(subject, prefix="blind6", of_set="blind6")


class Remembering(Decisions):
    """Knows the admitted request of each thread and the time of the last look at the keys.

    `notes` are what a fault remembers about keys, requests or the service.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.now = _START
        self.notes: dict[Any, Any] = {}
        self.thread = threading.local()

    def method_allowed(self, inbound: Inbound, documented: Collection[str]) -> bool:
        self.thread.inbound = inbound
        return super().method_allowed(inbound, documented)

    def key_visible(self, key: Key, now: datetime) -> bool:
        self.now = now
        return self.lives(key, now)

    def lives(self, key: Key, now: datetime) -> bool:
        """As `key_visible`, for faults of this set."""
        return super().key_visible(key, now)

    def sent(self, *names: str) -> Any:  # noqa: ANN401 - a parameter of a request
        """The first of these parameters that the present request has, None without one."""
        inbound: Inbound | None = getattr(self.thread, "inbound", None)
        values = {} if inbound is None else inbound.parameters
        return next((values[name] for name in names if name in values), None)

    @property
    def operation(self) -> str | None:
        """The operation of the present request."""
        inbound: Inbound | None = getattr(self.thread, "inbound", None)
        return None if inbound is None else inbound.operation

    @property
    def named(self) -> str:
        """How the present request names its key; empty if it names none."""
        name = self.sent(*_KEY_NAMES)
        return name if isinstance(name, str) else ""

    @property
    def window(self) -> int | None:
        """The window of the present request, None for one that is no whole number."""
        text = str(self.sent(*_WINDOWS))
        return int(text) if text.isdecimal() and len(text) < 7 else None


class Storing(Remembering):
    """Faults that store other keys after an accepted request; `stored` replaces `effects`."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        return (*super().effects(operation, before, after, keys), *self.stored(operation, before, after, keys))

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        """Further keys to store; one with the id of `after` replaces it."""
        return ()


class ReadingOtherwise(Remembering):
    """Faults that read other parameters than were sent; `read` changes a copy of them."""

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        values = dict(super().parameters(operation, sent))
        self.read(operation, values)
        return values

    def read(self, operation: str, values: dict[str, Any]) -> None:
        """Change the parameters in place."""


def as_json(value: object) -> Any:  # noqa: ANN401 - a parameter of a request
    """A parameter that is JSON, sent as a value or as its text; None for a malformed text."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value.encode())
    except ValueError:
        return None


def last_part(name: object) -> str:
    """The id in a key id or key ARN."""
    return name.rpartition("/")[2] if isinstance(name, str) else ""


def alias_of(name: str) -> str | None:
    """The alias that a text is, or that is in the ARN of an alias; None for any other text."""
    before, found, rest = name.partition("alias/")
    return found + rest if found and (not before or before.endswith(":")) else None


def is_pending(key: Key) -> bool:
    """Whether the key waits for its deletion."""
    return key.state is State.PENDING_DELETION
