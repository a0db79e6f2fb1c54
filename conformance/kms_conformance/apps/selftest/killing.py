"""Crash tests of a run: SIGKILL at selected requests, then a judgement of the keys and the ledger that are left.

At such a request the process of the run is forked. The fork sends the request and is killed when the emulator has
received the request, either before the request is carried out or after, with the reply unsent. A judgement gets the
emulator with its keys and a copy of the ledger. Then the emulator's state is restored, and the original run continues.

Python 3.12 and later warn about forks of processes with threads, because a lock of another thread may stay locked. The
threads here belong to the emulator, which waits for requests during the fork, and to the watchdog. A run that hangs is
ended by its time limit.
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
#: Gets the emulator, its keys before the request, and the folder of the ledger; raises if a check of them fails.
Judgement = Callable[["KillingEmulator", dict[str, Key], Path], None]


@dataclass(frozen=True)
class SavedState:
    """The state of an emulator that a request can change: its keys, its clock offset, and the used nonces."""

    keys: dict[str, Key]
    offset: timedelta
    nonces: dict[Any, datetime]


class KillingEmulator(Emulator):
    """An emulator that can kill the process that sends the next request.

    `victim` is the id of this process, 0 for none; `after` kills it after the request is carried out, not before.
    """

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
        # The reply is held back until the victim is dead.
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

    `wanted` selects request numbers, counted from 1. `judge` is called after each kill, unless keys, clock and ledger
    equal those of an earlier kill. `killed` and `judged` are counters; `problems` are the errors that `judge` raised.
    """

    emulator: KillingEmulator
    wanted: Callable[[int], bool]
    judge: Judgement
    killed: int = 0
    judged: int = 0
    _known: set[Any] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def run(self, *, tier: str = "smoke", arguments: Sequence[str] = (), timeout_seconds: float = 3600) -> Outcome:
        """Run the suite to its end with all kills; see `killed`, `judged` and `problems`."""
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
                # A later run depends on this state only, so equal states are judged once.
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
            # A copy, so that the lease of the continuing run does not lock it.
            shutil.copytree(folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("reports"))
            try:
                self.judge(self.emulator, before, Path(copy))
            except Exception as problem:  # noqa: BLE001 - any error of the judgement is a problem
                return repr(problem)
        return ""


def _nonces_of(emulator: Emulator) -> Nonces | None:
    """The nonce store of an emulator, None if it has none.

    Nonces are restored because the fork and the continuing run send the same request, which is no replay attack.
    """
    authenticator = getattr(emulator._api, "_authenticator", None)  # noqa: SLF001 - as above
    return getattr(authenticator, "_nonces", None)


def _fork_at_requests(emulator: KillingEmulator, wanted: Callable[[int], bool], pipe: Connection) -> None:
    """In the process of the run: have a fork send each wanted request first, twice, killed before and killed after."""
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
                # On a new connection: the open one is shared with the continuing process.
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
