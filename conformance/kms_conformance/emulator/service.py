"""What a face of the emulator works with, and what the emulator asks of a face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from kms_conformance.emulator.clock import Clock
    from kms_conformance.emulator.decisions import Decisions
    from kms_conformance.emulator.keys import Draft
    from kms_conformance.emulator.replies import Inbound, Outbound
    from kms_conformance.emulator.rules import Rules
    from kms_conformance.emulator.store import Store


@dataclass(frozen=True)
class Service:
    """The parts that all faces share; `base_url` is where the emulator listens."""

    rules: Rules
    decisions: Decisions
    clock: Clock
    store: Store
    base_url: str


class Face(Protocol):
    """One wire protocol in front of the store."""

    def answer(self, inbound: Inbound) -> tuple[Inbound, Outbound]:
        """Carry out a request: returns it with `operation` and `parameters` filled in, and the reply."""

    def unreadable(self) -> Outbound:
        """The reply to bytes that are no HTTP request, or too many."""

    def auth(self, kind: str | None) -> dict[str, Any]:
        """The `auth` of a target file that gets in; raises `ValueError`, naming the kinds, for an unknown kind."""

    def own_keys(self) -> tuple[Draft, ...]:
        """The service's own keys, which are there from the start and cannot be deleted."""

    def foreign_key(self, number: int) -> Draft:
        """A key that some other user of the account made."""
