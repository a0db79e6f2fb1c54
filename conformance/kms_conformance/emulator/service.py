"""The parts of the emulator that all dialects share, and the lookup of emulated dialects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from kms_conformance.core import specs

if TYPE_CHECKING:
    from collections.abc import Callable

    from kms_conformance.emulator.clock import MovableClock
    from kms_conformance.emulator.decisions import Decisions
    from kms_conformance.emulator.messages import Inbound, Outbound
    from kms_conformance.emulator.rules import Rules
    from kms_conformance.emulator.seed_data import SeedData
    from kms_conformance.emulator.store import Store


@dataclass(frozen=True)
class Service:
    """The parts that the APIs of all dialects share; `base_url` is the address of the emulator."""

    rules: Rules
    decisions: Decisions
    clock: MovableClock
    store: Store
    base_url: str


class DialectApi(Protocol):
    """The API of one dialect: reads requests, calls the store, and builds replies."""

    def answer(self, inbound: Inbound) -> tuple[Inbound, Outbound]:
        """Carry out a request; returns the request, with `operation` and `parameters` filled in, and the reply."""

    def unreadable(self) -> Outbound:
        """The reply to bytes that are no HTTP request, and to a request that is too long."""


@dataclass(frozen=True)
class EmulatedDialect:
    """One dialect of the emulator: `api` is the class of its API, `seed` its seed data."""

    api: Callable[[Service], DialectApi]
    seed: SeedData


@cache
def emulated(dialect: str) -> EmulatedDialect:
    """Load `API` and `SEED` from the emulator module of a dialect; raises `ValueError` if the dialect has none."""
    name = specs.locate(dialect).emulator
    if name is None:
        raise ValueError(f"The emulator does not speak {dialect!r}; it speaks: {', '.join(specs.emulated())}.")
    module = import_module(name)
    return EmulatedDialect(module.API, module.SEED)
