"""Crash tests of a run: SIGKILL at selected requests, then a judgement of the keys and the ledger that are left.

At each selected request, the process of the run forks twice. Each fork sends the request, and is killed when the
emulator has received it: the first fork before the request is carried out, the second one afterwards, before the reply.
After each kill, a judgement function checks the emulator's keys and a copy of the ledger. Then the state of the
emulator is restored, and the original process continues.

Python 3.12 and later warn about forks of processes with threads, because a lock that another thread holds stays locked
in the fork. The other threads here belong to the emulator, which waits for requests during a fork, and to the watchdog
of the transport. A time limit ends a run that hangs.
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
#: Checks the state after a kill: gets the emulator, its keys before the request, and the folder with the ledger. An
#: exception is a problem that it found.
Judgement = Callable[["KillingEmulator", dict[str, Key], Path], None]


@dataclass(frozen=True)
class SavedState:
    """The state of an emulator that a request can change: its keys, its clock offset, and the used nonces."""

    keys: dict[str, Key]
    offset: timedelta
    nonces: dict[Any, datetime]


class KillingEmulator(Emulator):
    """An emulator that can kill the process that sends the next request.

    - victim: the id of the process to kill; 0 for none.
    - after: whether to kill it after the request is carried out, instead of before.
    """

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - arguments of the base class
        super().__init__(*args, **options)
        shared = multiprocessing.get_context("fork")
        self.victim = shared.Value("i", 0)
        self.after = shared.Value("b", 0)

    def _respond(self, *request: Any) -> Outbound:  # noqa: ANN401 - as above
        if not self.victim.value:
            return super()._respond(*request)
        outbound = super()._respond(*request) if self.after.value else self._unreadable()
        os.kill(self.victim.value, signal.SIGKILL)
        # The reply is held back until the run sees that the victim is dead, and sets `victim` to 0.
        until = time.monotonic() + _LONGEST_SECONDS
        while self.victim.value and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        return outbound

    def saved(self) -> SavedState:
        """A copy of the state that a request can change."""
        nonces = _nonces_of(self)
        return SavedState(dict(self.store._keys), self.clock._offset, {} if nonces is None else dict(nonces._used))  # noqa: SLF001 - restored below

    def restore(self, saved: SavedState) -> None:
        """Restore a saved state."""
        self.store._keys, self.clock._offset = dict(saved.keys), saved.offset  # noqa: SLF001 - as above
        nonces = _nonces_of(self)
        if nonces is not None:
            nonces._used = dict(saved.nonces)  # noqa: SLF001 - as above


@dataclass
class KilledRun:
    """One run that is killed at the selected requests.

    - wanted: selects requests by their numbers, counted from 1.
    - judge: called after each kill, unless keys, clock and ledger equal those after an earlier kill.
    - killed, judged: the numbers of kills and of calls of `judge`.
    - problems: the errors that `judge` raised, as texts.
    """

    emulator: KillingEmulator
    wanted: Callable[[int], bool]
    judge: Judgement
    killed: int = 0
    judged: int = 0
    _known: set[Any] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def run(self, *, tier: str = "smoke", arguments: Sequence[str] = (), timeout_seconds: float = 3600) -> Outcome:
        """Run the suite to its end, with two kills at each wanted request; sets `killed`, `judged` and `problems`."""
        here, there = multiprocessing.get_context("fork").Pipe()
        thread = threading.Thread(target=self._handle_kills, args=(here,), daemon=True)
        thread.start()

        @contextlib.contextmanager
        def served() -> Iterator[str]:
            _fork_at_requests(self.emulator, self.wanted, there)
            yield self.emulator.target_yaml()

        outcome = run_suite(served, tier=tier, arguments=arguments, timeout_seconds=timeout_seconds)
        there.send(None)
        thread.join(_LONGEST_SECONDS)
        return outcome

    def _handle_kills(self, pipe: Connection) -> None:
        saved = self.emulator.saved()
        while (message := pipe.recv()) is not None:
            action, number, after, folder = message
            if action == "save":
                saved = self.emulator.saved()
            else:
                self.killed += 1
                left = self._left(Path(folder))
                # A later run depends on keys, clock and ledger only, so equal states are judged once.
                problem = "" if left in self._known else self._judged(saved.keys, Path(folder))
                self._known.add(left)
                if problem:
                    self.problems.append(f"request {number}, killed {'after' if after else 'before'}: {problem}")
                self.emulator.restore(saved)
            pipe.send(action)

    def _left(self, folder: Path) -> Any:  # noqa: ANN401 - only compared
        now = self.emulator.saved()
        return tuple(now.keys.values()), now.offset, tuple(path.read_bytes() for path in sorted(folder.glob("*.jsonl")))

    def _judged(self, before: dict[str, Key], folder: Path) -> str:
        self.judged += 1
        with tempfile.TemporaryDirectory() as copy:
            # `judge` gets a copy of the folder, because the lease of the continuing run locks the original.
            shutil.copytree(folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("reports"))
            try:
                self.judge(self.emulator, before, Path(copy))
            except Exception as problem:  # noqa: BLE001 - any error of the judgement is a problem
                return repr(problem)
        return ""


def _nonces_of(emulator: Emulator) -> Nonces | None:
    """The nonce store of an emulator, None if it has none.

    The used nonces are restored, because the continuing run sends the request of the fork again with the same nonce.
    """
    authenticator = getattr(emulator._api, "_authenticator", None)  # noqa: SLF001 - as above
    return getattr(authenticator, "_nonces", None)


def _fork_at_requests(emulator: KillingEmulator, wanted: Callable[[int], bool], pipe: Connection) -> None:
    """Patch the transport in the process of the run, so that two forks send each wanted request before the run does.

    The first fork is killed before the request is carried out, the second one afterwards.
    """
    send = Transport.exchange
    count = 0

    def exchange(self: Transport, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - those of the original
        nonlocal count
        count += 1
        for after in (False, True) if wanted(count) else ():
            details = (count, after, os.environ["KMS_CONFORMANCE_STATE"])
            pipe.send(("save", *details))
            pipe.recv()
            victim = os.fork()
            if victim == 0:
                emulator.after.value = after
                emulator.victim.value = os.getpid()
                # The fork opens a new connection, because it shares the open one with the continuing process.
                send(Transport(), *args, **options)
                os._exit(1)
            _, status = os.waitpid(victim, 0)
            emulator.victim.value = 0
            if not os.WIFSIGNALED(status):
                raise RuntimeError("the fork was not killed")
            pipe.send(("judge", *details))
            pipe.recv()
        return send(self, *args, **options)

    Transport.exchange = exchange  # type: ignore[method-assign]  # in this process only, which runs one run
