"""The class `Emulator`: serves one dialect on a local port. Tests can move its clock and read its keys."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from kms_conformance.emulator import state_file
from kms_conformance.emulator.clock import CONTROL_PATH, MovableClock, answer_control
from kms_conformance.emulator.decisions import Decisions
from kms_conformance.emulator.log import RequestLog
from kms_conformance.emulator.messages import Filter, Headers, Inbound, Outbound, encode_json, reply
from kms_conformance.emulator.rules import Rules
from kms_conformance.emulator.server import Server
from kms_conformance.emulator.service import Service, emulated
from kms_conformance.emulator.store import Store
from kms_conformance.emulator.tls import ServerTls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType


class Emulator:
    """A context manager that serves one dialect while it is open.

    - dialect, profile: the API to serve, and the profile whose facts it follows.
    - port, host: the address to serve at; port 0 takes any free port.
    - decisions: the behaviour. A class is instantiated with the facts of `profile`; an instance has its own facts.
    - filters: functions that change every reply before it is sent, applied in this order.
    - foreign_keys: the number of keys of other users that exist from the start. The first one is enabled, the second
      disabled, the third pending deletion, the fourth enabled, and so on.
    - connections: how many connections are served at once; others wait until one is closed. None: all.
    - moves_everything: whether its clock moves all time, also that of signatures, tokens and HTTP dates.
    - tls: serve https with a certificate that is made now. A path: where the certificate of its authority is written.
    - state: a file with the keys that exist from the start in place of all others (see `state_file`).
    - log: is called with one line for each request (see `RequestLog`); None: nothing is logged.

    The attribute `failures` holds exceptions that bugs of the emulator caused; it must stay empty.
    """

    def __init__(  # noqa: PLR0913 - all but the dialect are options
        self,
        dialect: str,
        *,
        profile: str = "documents",
        port: int = 0,
        host: str = "127.0.0.1",
        decisions: Decisions | type[Decisions] = Decisions,
        filters: Sequence[Filter] = (),
        foreign_keys: int = 3,
        connections: int | None = None,
        moves_everything: bool = False,
        tls: bool | Path = False,
        state: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.clock = MovableClock(everything=moves_everything)
        self.decisions = decisions(Rules.of(dialect, profile)) if isinstance(decisions, type) else decisions
        # The rules are taken from the decisions, because a subclass of `Decisions` may change facts of the profile.
        self.rules = self.decisions.rules
        if self.rules.dialect != dialect:
            raise ValueError(f"These decisions are for {self.rules.dialect!r}, not for {dialect!r}.")
        self.store = Store(self.decisions, self.clock)
        self.filters = tuple(filters)
        self.failures: list[Exception] = []
        self.requests_served = 0
        self._log = None if log is None else RequestLog(log)
        self._numbers = itertools.count(1)
        self._count_lock = threading.Lock()
        self._tls = ServerTls(host, tls if isinstance(tls, Path) else None) if tls else None
        context = None if self._tls is None else self._tls.context
        self._server = Server((host, port), self._respond, self._unreadable, self.clock.real, connections, context)
        written = f"[{host}]" if ":" in host else host
        self.base_url = f"{'http' if self._tls is None else 'https'}://{written}:{self._server.server_port}"
        spoken = emulated(dialect)
        self._seed = spoken.seed
        self._api = spoken.api(Service(self.rules, self.decisions, self.clock, self.store, self.base_url))
        # The server polls every 5 ms, because closing the emulator waits for one poll, and tests close emulators often.
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
        now = self.clock.now()
        seeded = self._seed.keys(foreign_keys, now)
        for key in seeded if state is None else state_file.load(Path(state), self._seed.foreign, now):
            self.store.put(key)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.close_all()
        self._server.server_close()
        self._thread.join()
        if self._tls is not None:
            self._tls.close()

    def target(self, auth: str | None = None) -> dict[str, Any]:
        """The content of a target file for this emulator; `auth` names a way to sign in (see `SeedData.auth_of`)."""
        url = self.base_url + CONTROL_PATH
        profile = {} if self.rules.profile == "documents" else {"profile": self.rules.profile}
        return {
            "name": f"emulator-{self.rules.dialect}",
            "dialect": self.rules.dialect,
            **profile,
            "base_url": self.base_url,
            **({} if self.authority is None else {"verify": str(self.authority)}),
            "auth": self._seed.auth_of(auth, self.base_url),
            "time_control": {"url": url, "moves": "everything"} if self.clock.everything else url,
            "disposable": True,
        }

    def target_yaml(self, auth: str | None = None) -> str:
        """The target file as YAML text."""
        return yaml.safe_dump(self.target(auth), sort_keys=False)

    @property
    def authority(self) -> Path | None:
        """The file of the authority that clients must trust; None without TLS. It is gone when the emulator ends."""
        return None if self._tls is None else self._tls.authority

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which the vendor's SDKs use this emulator; see `SeedData.environment`."""
        trusted = {} if self.authority is None else dict.fromkeys(self._seed.trusting, str(self.authority))
        return {**self._seed.environment(self.base_url), **trusted}

    @property
    def set_in_code(self) -> str:
        """What the vendor's SDKs take from no environment variable, as a sentence; empty if there is nothing."""
        return self._seed.set_in_code

    def save(self, path: Path) -> None:
        """Write the keys that exist now to a state file, which only its owner can read; `state=path` loads it."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(state_file.dump(self.store.keys))

    def _unreadable(self) -> Outbound:
        outbound = self._api.unreadable()
        if self._log is not None:
            self._log.note_unreadable(outbound)
        return outbound

    def _respond(self, method: str, target: str, headers: Headers, body: bytes) -> Outbound:
        inbound = Inbound(next(self._numbers), method, target, headers, body)
        with self._count_lock:
            self.requests_served += 1
        inbound, outbound = self._answer(inbound)
        if self._log is not None:
            self._log.note(inbound, outbound)
        return outbound

    def _answer(self, inbound: Inbound) -> tuple[Inbound, Outbound]:
        """The request, with its operation if it is known, and the reply."""
        try:
            if inbound.path == CONTROL_PATH:
                outbound = answer_control(inbound, self.clock)
                self.store.expire()
                return inbound, outbound
            inbound, outbound = self._api.answer(inbound)
            for modify in self.filters:
                outbound = modify(inbound, outbound)
        except Exception as failure:  # noqa: BLE001 - a bug of the emulator must reach the client as a reply
            self.failures.append(failure)
            return inbound, reply(500, (), {"emulator_failed": repr(failure)}, encode_json)
        return inbound, outbound
