"""Waits until a server was restarted, by connections that send nothing, and by the listening socket where it shows."""

from __future__ import annotations

import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from kms_conformance.target import Target
from kms_conformance.wire.messages import port_of

# Seconds between two looks at a server on this machine, and at one elsewhere.
NEAR, FAR = 0.2, 2.0
# Seconds for which a server that came back must stay, because a server with a mistake ends right after it began.
_SETTLED = 0.5
# Seconds that opening a connection may take.
_TIMEOUT = 2.0
# The state LISTEN in the tables of sockets of Linux.
_LISTEN = "0A"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def listening(port: int) -> frozenset[str]:
    """The ids of the sockets of this machine that listen on a port; empty where the system does not show them."""
    found = set()
    for table in _TABLES:
        with suppress(OSError):
            for line in table.read_text(encoding="ascii").splitlines()[1:]:
                columns = line.split()
                if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                    found.add(columns[9])
    return frozenset(found)


@dataclass
class WatchedServer:
    """A server that is watched: where it listens, and what was last seen of it.

    `was_down`: true if it refused a connection since the last restart. `sockets`: its listening sockets, if known.
    """

    host: str
    port: int
    near: bool
    was_down: bool = False
    sockets: frozenset[str] = frozenset()

    @classmethod
    def of(cls, target: Target) -> WatchedServer:
        """The server of a target."""
        return cls(urlsplit(target.base_url).hostname or "", port_of(target.base_url), not target.is_real)

    @property
    def is_up(self) -> bool:
        """Whether it takes a connection now. The connection is closed at once, and nothing is sent."""
        try:
            with socket.create_connection((self.host, self.port), timeout=_TIMEOUT):
                return True
        except OSError:
            return False

    def look(self) -> bool:
        """Look once; returns whether the server was restarted and is up."""
        if not self.is_up:
            self.was_down = True
            return False
        now = listening(self.port) if self.near else frozenset()
        restarted = self.was_down or (bool(self.sockets) and bool(now) and now.isdisjoint(self.sockets))
        self.sockets = now or self.sockets
        return restarted


@dataclass
class Restarts:
    """Waits for restarts of the servers of some targets.

    `sleep` and `asked` are replaced by tests; `asked` waits so many seconds and returns whether the user has pressed
    Enter meanwhile.
    """

    servers: Sequence[WatchedServer]
    sleep: Callable[[float], None] = time.sleep
    asked: Callable[[float], bool] = field(default_factory=lambda: _enter_pressed)

    @classmethod
    def of(cls, targets: Sequence[Target]) -> Restarts:
        """Watch the servers of these targets; what they listen on now is remembered."""
        found = cls([WatchedServer.of(target) for target in targets])
        for server in found.servers:
            server.look()
        return found

    @property
    def pause(self) -> float:
        """Seconds between two looks."""
        return NEAR if all(server.near for server in self.servers) else FAR

    def wait(self) -> None:
        """Return when one of the servers was restarted and all are up, or when the user presses Enter.

        A server that ends again within half a second is waited for again.
        """
        while not self.asked(self.pause):
            if not sum(server.look() for server in self.servers):
                continue
            self.sleep(_SETTLED)
            if all(server.is_up for server in self.servers):
                break
            for server in self.servers:
                server.was_down = True
        for server in self.servers:
            server.was_down = False


def _enter_pressed(seconds: float) -> bool:
    """Wait so long for a line on the terminal; without a terminal, only wait."""
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        time.sleep(seconds)
        return False
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    if ready and sys.stdin.readline():
        return True
    if ready:
        # A terminal that was closed is ready at once, again and again.
        time.sleep(seconds)
    return False
