from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from kms_conformance.client.judge import Judge
from kms_conformance.client.ledger import Ledger
from kms_conformance.core.tier import EFFORTS
from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.suite.scenario import Scenario
from kms_conformance.target import parse_target


@dataclass
class Scene:
    """An emulator with foreign keys, the session of a run with it, and every request that the emulator has received."""

    emulator: Emulator
    target_session: TargetSession
    kms: Scenario
    received: list[Inbound]

    @contextlib.contextmanager
    def nothing_is_sent(self) -> Iterator[None]:
        before, keys = len(self.received), self.emulator.store.keys
        yield
        assert self.received[before:] == []
        assert self.emulator.store.keys == keys

    @property
    def foreign(self) -> str:
        """The id of an enabled key of somebody else's."""
        return next(key.id for key in self.emulator.store.keys if key.description == "Not yours.")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    with ExitStack() as stack:

        def begin(dialect: str, *, most: int = 2, limits: dict[str, Any] | None = None, **options: Any) -> Scene:
            received: list[Inbound] = []

            def note(inbound: Inbound, outbound: Outbound) -> Outbound:
                received.append(inbound)
                return outbound

            filters = [note, *options.pop("filters", ())]
            emulator = stack.enter_context(Emulator(dialect, filters=filters, **options))
            target = parse_target(yaml.safe_dump(emulator.target() | {"limits": limits or {}}), "t")
            target_session = TargetSession(target, Ledger.of(target, tmp_path), most)
            stack.callback(target_session.close)
            target_session.open()
            judge = Judge(
                target_session.catalogue, target_session.applicable, take=target_session.client.start_findings().take
            )
            kms = Scenario(
                target_session.client,
                target_session.pool,
                target_session.time,
                judge,
                EFFORTS["smoke"],
                1,
                target_session.others,
            )
            return Scene(emulator, target_session, kms, received)

        yield begin
