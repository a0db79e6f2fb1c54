"""Kills a run at its requests, one after another, and lets it go on: what would be left behind each time?

At a request the process of the run is forked. The fork sends the request and is killed by SIGKILL when the emulator has
received it, either before it is carried out or after, with the reply unsent. What is left, the emulator's keys and a
copy of the ledger, is handed to a judgement; then the emulator is put back and the run goes on from where it was.

From 3.12 on Python warns of forks beside threads, which may wait for a lock that a thread held. The threads here are
the emulator's, which wait for requests while the run is forked, and the watchdog's. A run that hangs ends by its limit.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from kms_conformance.apps.selftest.runner import Outcome, run_suite
from kms_conformance.emulator import Emulator, Key, Outbound
from kms_conformance.emulator.alibaba.authenticate import Nonces
from kms_conformance.wire.transport import Transport

_LONGEST_SECONDS = 10.0
_POLL_SECONDS = 0.0005
#: Gets the emulator, the keys as they were before the request, and the folder of the ledger; raises if all is not well.
Judgement = Callable[["KillingEmulator", dict[str, Key], Path], None]


@dataclass(frozen=True)
class Saved:
    """What of an emulator a request can change: its keys, its clock, and the nonces that it remembers."""

    keys: dict[str, Key]
    offset: timedelta
    nonces: dict[Any, datetime]


class KillingEmulator(Emulator):
    """An emulator that can be told to kill whoever sends the next request; `after` it has been carried out, or not."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - those of the class above
        super().__init__(*args, **options)
        shared = multiprocessing.get_context("fork")
        self.victim = shared.Value("i", 0)
        self.after = shared.Value("b", 0)

    def _respond(self, *request: Any) -> Outbound:  # noqa: ANN401 - as above
        if not self.victim.value:
            return super()._respond(*request)
        outbound = super()._respond(*request) if self.after.value else self._unreadable()
        os.kill(self.victim.value, signal.SIGKILL)
        # Nothing is sent before whoever waits for it is dead.
        until = time.monotonic() + _LONGEST_SECONDS
        while self.victim.value and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        return outbound

    def saved(self) -> Saved:
        """What a request can change."""
        nonces = _nonces_of(self)
        return Saved(dict(self.store._keys), self.clock._offset, {} if nonces is None else dict(nonces._used))  # noqa: SLF001 - to be put back

    def put_back(self, saved: Saved) -> None:
        """Make it what it was."""
        self.store._keys, self.clock._offset = dict(saved.keys), saved.offset  # noqa: SLF001 - as above
        nonces = _nonces_of(self)
        if nonces is not None:
            nonces._used = dict(saved.nonces)  # noqa: SLF001 - as above


@dataclass
class KilledRun:
    """One run, killed at those requests, counted from 1, that `wanted` names; `judge` is called after each death."""

    emulator: KillingEmulator
    wanted: Callable[[int], bool]
    judge: Judgement
    killed: int = 0
    judged: int = 0
    _known: set[Any] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def run(self, *, tier: str = "smoke", arguments: Sequence[str] = (), timeout_seconds: float = 3600) -> Outcome:
        """Run the suite to its end; `killed` and `problems` say what happened on the way."""
        here, there = multiprocessing.get_context("fork").Pipe()
        keeper = threading.Thread(target=self._keep, args=(here,), daemon=True)
        keeper.start()

        @contextlib.contextmanager
        def served() -> Iterator[str]:
            _fork_at_requests(self.emulator, self.wanted, there)
            yield self.emulator.target_yaml()

        outcome = run_suite(served, tier=tier, arguments=arguments, timeout_seconds=timeout_seconds)
        there.send(None)
        keeper.join(_LONGEST_SECONDS)
        return outcome

    def _keep(self, pipe: Connection) -> None:
        saved = self.emulator.saved()
        while (message := pipe.recv()) is not None:
            what, number, after, folder = message
            if what == "save":
                saved = self.emulator.saved()
            else:
                self.killed += 1
                left = self._left(Path(folder))
                # What is left is all that a later run has to go by: the same twice need not be judged twice.
                problem = "" if left in self._known else self._judged(saved.keys, Path(folder))
                self._known.add(left)
                if problem:
                    self.problems.append(f"request {number}, killed {'after' if after else 'before'}: {problem}")
                self.emulator.put_back(saved)
            pipe.send(what)

    def _left(self, folder: Path) -> Any:  # noqa: ANN401 - only to be compared
        now = self.emulator.saved()
        return tuple(now.keys.values()), now.offset, tuple(path.read_bytes() for path in sorted(folder.glob("*.jsonl")))

    def _judged(self, before: dict[str, Key], folder: Path) -> str:
        self.judged += 1
        with tempfile.TemporaryDirectory() as copy:
            # A copy, so that the lease of the run that goes on is not on it.
            shutil.copytree(folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("reports"))
            try:
                self.judge(self.emulator, before, Path(copy))
            except Exception as problem:  # noqa: BLE001 - all of them are to be told
                return repr(problem)
        return ""


def _nonces_of(emulator: Emulator) -> Nonces | None:
    """The fork's request and that of the run that goes on are one and the same: the second is no replay."""
    authenticator = getattr(emulator._api, "_authenticator", None)  # noqa: SLF001 - as above
    return getattr(authenticator, "_nonces", None)


def _fork_at_requests(emulator: KillingEmulator, wanted: Callable[[int], bool], pipe: Connection) -> None:
    """In the process of the run: let every wanted request be sent by a fork first, which dies of it, in both ways."""
    send = Transport.exchange
    count = 0

    def exchange(self: Transport, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - those of the original
        nonlocal count
        count += 1
        for after in (False, True) if wanted(count) else ():
            told = (count, after, os.environ["KMS_CONFORMANCE_STATE"])
            pipe.send(("save", *told))
            pipe.recv()
            victim = os.fork()
            if victim == 0:
                emulator.after.value = after
                emulator.victim.value = os.getpid()
                # On a connection of its own: the one in use is shared with the process that goes on.
                send(Transport(), *args, **options)
                os._exit(1)
            _, status = os.waitpid(victim, 0)
            emulator.victim.value = 0
            if not os.WIFSIGNALED(status):
                raise RuntimeError("the run outlived its death")
            pipe.send(("judge", *told))
            pipe.recv()
        return send(self, *args, **options)

    Transport.exchange = exchange  # type: ignore[method-assign]  # for this process, which runs one run
