"""A pytest plugin for a run of the suite: keeps each check's requests and how long it took, to replay them bare."""

from __future__ import annotations

import pickle
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conformance.wire.messages import Exchange, Request
from conformance.wire.session import Session


@dataclass
class Part:
    """One check at one target: what it sent, in order, and its seconds, by the clock and of this process' work.

    They are of everything that pytest does for a check, from set-up to report.
    """

    check: str
    seconds: float = 0.0
    cpu: float = 0.0
    requests: list[Request] = field(default_factory=list)

    @property
    def family(self) -> str:
        """The family that the check belongs to."""
        return self.check.partition("::")[0].rpartition("/")[2].removeprefix("test_").removesuffix(".py")


def read(path: Path) -> list[Part]:
    """The parts that a run wrote, in the order in which they ran. Only of our own files: a pickle can do anything."""
    parts: list[Part] = pickle.loads(path.read_bytes())  # noqa: S301 - see above
    return parts


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to write the parts to."""
    parser.addoption("--parts", type=Path, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Listen, if there is a file to write to."""
    path = config.getoption("--parts")
    if path is not None:
        config.pluginmanager.register(_Listener(path))


class _Listener:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: list[Part] = []
        send = Session.send

        def listening(session: Session, request: Request) -> Exchange:
            exchange = send(session, request)
            if self._parts:
                self._parts[-1].requests.append(exchange.request)
            return exchange

        Session.send = listening  # type: ignore[assignment, method-assign]  # the one way to an endpoint

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        part = Part(item.nodeid)
        self._parts.append(part)
        clock, cpu = time.perf_counter(), time.process_time()
        try:
            return (yield)
        finally:
            part.seconds, part.cpu = time.perf_counter() - clock, time.process_time() - cpu

    def pytest_sessionfinish(self) -> None:
        self._path.write_bytes(pickle.dumps(self._parts))
