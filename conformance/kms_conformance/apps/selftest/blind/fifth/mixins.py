"""Mixins of the fifth blind set: rows with a cause, refusals by dialect, and restarts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING
from kms_conformance.apps.selftest.blind.memory import Memory, Mixin
from kms_conformance.apps.selftest.blind.rows import rows_of as first_rows_of
from kms_conformance.apps.selftest.blind.second.mixins import DAY
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.request_mutations import Seeing
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.emulator import Decisions, Inbound, Key, RefusalAnswer, State

# The dialects whose keys have tags and several aliases.
NAMED = (ALIBABA, AWS)
# The states in which a key exists and waits for nothing to be imported.
EVERY = (ENABLED, DISABLED, PENDING)
# How a service of the dialect names an internal error.
BROKEN = {HUAWEI: "KMS.0101", ALIBABA: "InternalFailure", AWS: "KMSInternalException"}

CAUSES: dict[str, str] = {}
"""For each fault of the set, why somebody writes it, and the kind of source that tells so."""


def rows_of(subject: str) -> Callable[..., Fault]:
    """A function that writes a fault of one subject; as in `rows.rows_of`, with the keyword `because` for `CAUSES`."""
    row = first_rows_of(subject, prefix="blind5", of_set="fifth blind set")

    def caused(name: str, severity: str, title: str, *requirements: RequirementId, because: str, **more: Any) -> Fault:  # noqa: ANN401 - the keywords of the row
        fault = row(name, severity, title, *requirements, **more)
        CAUSES[fault.name] = because
        return fault

    return caused


def refusing_by(operation: str, refusals: Mapping[str, str], *states: State) -> Mixin:
    """The operation is refused in these states, by the refusal of each dialect."""

    class RefusingBy(Decisions):
        def refusal_for(self, operation_asked: str, key: Key) -> str | None:
            closed = operation_asked == operation and key.state in states and not key.default
            return refusals[self.rules.dialect] if closed else super().refusal_for(operation_asked, key)

    return RefusingBy


def answering_by(status: int, codes: Mapping[str, str], *refusals: str) -> Mixin:
    """These refusals are answered with this HTTP status, and with the code of the dialect."""

    class AnsweringBy(Decisions):
        def answer(self, refusal: str) -> RefusalAnswer:
            found = super().answer(refusal)
            return RefusalAnswer(status, codes[self.rules.dialect]) if refusal in refusals else found

    return AnsweringBy


def in_vain_when(operation: str, picked: Callable[[Inbound], bool]) -> Mixin:
    """The operation succeeds without an effect for requests for which `picked` is true."""

    class InVainWhen(Seeing):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            found = tuple(super().effects(operation_asked, before, after, keys))
            lost = operation_asked == operation and self.inbound is not None and picked(self.inbound)
            return (before,) if lost else found

    return InVainWhen


def restarting_on_jumps(reloaded: Callable[[Key], Key]) -> Mixin:
    """Whenever a day or more passes between two requests, the service restarts and loads each key as `reloaded`."""

    class RestartingOnJumps(Memory):
        _restarted = False

        def key_visible(self, key: Key, now: datetime) -> bool:
            self._restarted = self._restarted or now - self.now >= DAY
            return super().key_visible(key, now)

        def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
            restarted, self._restarted = self._restarted, False
            found = tuple(super().changed_by_time(keys))
            return (*found, *(reloaded(key) for key in keys if not key.default)) if restarted else found

    return RestartingOnJumps
