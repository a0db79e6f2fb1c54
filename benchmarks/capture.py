"""A pytest plugin for a run of the suite: keeps each check's requests and how long it took, to replay them bare."""

from __future__ import annotations

import pickle
import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from kms_conformance.core import tier
from kms_conformance.wire.exchange_log import ExchangeLog
from kms_conformance.wire.messages import Exchange, Request

#: What comes when all checks are through: keys are let go, and reports are written.
FINISH = "finish"


@dataclass
class Part:
    """One check at one target: what it sent, in order, with the operations, and its seconds.

    `seconds` are by the clock, `cpu` of this process' work: everything that pytest does for a check, set-up to report.
    """

    check: str
    seconds: float = 0.0
    cpu: float = 0.0
    requests: list[tuple[str, Request]] = field(default_factory=list)

    @property
    def family(self) -> str:
        """The family that the check belongs to."""
        return self.check.partition("::")[0].rpartition("/")[2].removeprefix("test_").removesuffix(".py")


def read(path: Path) -> list[Part]:
    """The parts that a run wrote, in the order in which they ran. Only of our own files: a pickle can do anything."""
    parts: list[Part] = pickle.loads(path.read_bytes())  # noqa: S301 - see above
    return parts


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to write the parts to, and how many times as many examples as its tier a run takes."""
    parser.addoption("--parts", type=Path, default=None)
    parser.addoption("--times", type=int, default=1)


def pytest_configure(config: pytest.Config) -> None:
    """Listen, if there is a file to write to."""
    times = config.getoption("--times")
    for name, effort in tier.EFFORTS.items():
        tier.EFFORTS[name] = replace(
            effort, fuzz_examples=effort.fuzz_examples * times, walks=effort.walks * times, chains=effort.chains * times
        )
    path = config.getoption("--parts")
    if path is not None:
        config.pluginmanager.register(_Listener(path))


class _Listener:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: list[Part] = []
        add = ExchangeLog.add

        def listening(log: ExchangeLog, operation: str, exchange: Exchange) -> int:
            if self._parts:
                self._parts[-1].requests.append((operation, exchange.request))
            return add(log, operation, exchange)

        ExchangeLog.add = listening  # type: ignore[method-assign, assignment]  # where every exchange is kept

    def _timed(self, check: str) -> Generator[None, object, object]:
        part = Part(check)
        self._parts.append(part)
        clock, cpu = time.perf_counter(), time.process_time()
        try:
            return (yield)
        finally:
            part.seconds, part.cpu = time.perf_counter() - clock, time.process_time() - cpu

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        return (yield from self._timed(item.nodeid))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        try:
            return (yield from self._timed(FINISH))
        finally:
            self._path.write_bytes(pickle.dumps(self._parts))
