"""Servers in separate processes: emulators, and a socket server with a fixed reply."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from benchmarks.apart import apart
from kms_conformance.emulator import Decisions, Emulator, Inbound, Key, Outbound


class _Roomy(Decisions):
    """An account without a quota of keys, for runs with many foreign keys."""

    def quota_left(self, keys: Collection[Key]) -> bool:
        return True


@dataclass
class Served:
    """`targets` are texts of target files; `first` is the time of the first request (seconds since 1970).

    `requests` and `first` are set after the server has stopped.
    """

    targets: tuple[str, ...]
    requests: int = 0
    first: float = 0.0


@contextlib.contextmanager
def emulators(dialect: str, number: int = 1, foreign_keys: int = 3) -> Iterator[Served]:
    """Serve this number of emulators of a dialect in one process within the context."""
    with apart(_serve_emulators, dialect, number, foreign_keys) as server:
        found = Served(server.place)
        yield found
        found.requests, found.first = server.stop()


@contextlib.contextmanager
def canned(reply: bytes) -> Iterator[str]:
    """Serve a fixed reply, in which `%08d` is replaced by the number of the request. Gives the base URL."""
    with apart(_serve_canned, reply) as server:
        yield server.place
        server.stop()


def _serve_emulators(pipe: Connection, dialect: str, number: int, foreign_keys: int) -> None:
    first: list[float] = []

    def note(_: Inbound, outbound: Outbound) -> Outbound:
        if not first:
            first.append(time.time())
        return outbound

    with contextlib.ExitStack() as stack:
        made = [Emulator(dialect, decisions=_Roomy, filters=(note,), foreign_keys=foreign_keys) for _ in range(number)]
        for emulator in made:
            stack.enter_context(emulator)
        texts = tuple(
            emulator.target_yaml().replace(f"name: emulator-{dialect}", f"name: emulator-{dialect}-{index}", 1)
            for index, emulator in enumerate(made)
        )
        pipe.send(texts)
        with contextlib.suppress(EOFError):
            pipe.recv()
        served = sum(emulator.requests_served for emulator in made)
    pipe.send((served, first[0] if first else 0.0))


def _serve_canned(pipe: Connection, reply: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, reply), daemon=True).start()
        pipe.send(f"http://127.0.0.1:{server.getsockname()[1]}")
        with contextlib.suppress(EOFError):
            pipe.recv()
    pipe.send(None)


def _accept(server: socket.socket, reply: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_answer, args=(connection, reply), daemon=True).start()


def _answer(connection: socket.socket, reply: bytes) -> None:
    """Read each request to the end of its body and answer it."""
    number, waiting = 0, b""
    with connection, contextlib.suppress(OSError):
        while True:
            while b"\r\n\r\n" not in waiting:
                block = connection.recv(1 << 16)
                if not block:
                    return
                waiting += block
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0
            )
            while len(waiting) < length:
                waiting += connection.recv(1 << 16)
            waiting = waiting[length:]
            number += 1
            connection.sendall(reply.replace(b"%08d", b"%08d" % number))
