"""Two requests at once: both are sent before a reply is awaited, over connections of their own, within bounded time."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
from loopback import LIMITS, Loopback, refused_port, reply
from test_session_tls import AUTHORITY

from kms_conformance.target.model import Limits
from kms_conformance.wire.messages import Exchange, Request
from kms_conformance.wire.session import ForeignOrigin, Session
from kms_conformance.wire.world import ExchangeObserver, World


class Observed(ExchangeObserver):
    def __init__(self) -> None:
        self.seen: list[Exchange] = []

    def saw(self, exchange: Exchange) -> None:
        self.seen.append(exchange)


def post(url: str, path: str) -> Request:
    return Request("POST", f"{url}/{path}", body=b"{}")


def pair(url: str) -> tuple[Request, Request]:
    return post(url, "first"), post(url, "second")


def meeting() -> Loopback:
    """A server that replies to a request only while another one is in flight; it echoes the path."""
    both = threading.Barrier(2)

    def script(connection: socket.socket, request: bytes) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(5)
        connection.sendall(reply(request.split(b" ")[1]))

    return Loopback(script)


def bodies(exchanges: tuple[Exchange, Exchange]) -> list[bytes | None]:
    return [None if each.reply is None else each.reply.body for each in exchanges]


def test_both_are_in_flight_before_a_reply_comes() -> None:
    observer = Observed()
    with meeting() as server, Session(LIMITS, [server.url], world=World(observer=observer)) as session:
        for _ in range(20):
            sent = session.send_together(*pair(server.url))
            assert bodies(sent) == [b"/first", b"/second"]
            assert sent[0].started == sent[1].started
            assert observer.seen[-2:] == list(sent)
        assert (session.sent, server.connections) == (40, 40)


def test_other_requests_are_served_before_and_after() -> None:
    with Loopback(reply()) as server, Session(LIMITS, [server.url]) as session:
        for _ in range(3):
            assert session.send(post(server.url, "one"), repeatable=True).failure is None
            assert bodies(session.send_together(*pair(server.url))) == [b"{}", b"{}"]
            assert session.send(post(server.url, "one")).failure is None


def test_both_over_tls() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(AUTHORITY)
    with Loopback(reply(), context) as server, Session(LIMITS, [server.url], verify=AUTHORITY) as session:
        assert bodies(session.send_together(*pair(server.url))) == [b"{}", b"{}"]


@contextlib.contextmanager
def one_at_a_time(seconds: float = 0.0) -> Iterator[str]:
    """The URL of a server that serves a connection until it is closed before it accepts the next one."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    while Loopback._read(connection):  # noqa: SLF001 - the same reading, other connections
                        time.sleep(seconds)
                        connection.sendall(reply())

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_of_one_connection_at_a_time_serves_both() -> None:
    with one_at_a_time() as url, Session(Limits(timeout_seconds=2), [url]) as session:
        assert session.send(Request("GET", f"{url}/"), repeatable=True).failure is None
        started = time.monotonic()
        assert bodies(session.send_together(*pair(url))) == [b"{}", b"{}"]
        assert time.monotonic() - started < 1


def test_such_a_server_has_the_time_of_two_requests() -> None:
    with one_at_a_time(0.4) as url, Session(Limits(timeout_seconds=0.6), [url]) as session:
        assert bodies(session.send_together(*pair(url))) == [b"{}", b"{}"]


def test_a_reply_that_never_comes_ends_in_time_and_does_not_touch_the_other() -> None:
    stop = threading.Event()

    def script(connection: socket.socket, request: bytes) -> None:
        if b"second" in request:
            stop.wait(5)
        connection.sendall(reply())

    with Loopback(script) as server, Session(Limits(timeout_seconds=0.2), [server.url]) as session:
        started = time.monotonic()
        first, second = session.send_together(*pair(server.url))
        took = time.monotonic() - started
        stop.set()
    assert first.reply is not None
    assert second.failure is not None
    assert (second.failure.kind, second.reply) == ("timeout", None)
    assert 0.3 < took < 2


def test_without_a_connection_both_fail() -> None:
    url = f"http://127.0.0.1:{refused_port()}"
    with Session(LIMITS, [url]) as session:
        started = time.monotonic()
        kinds = [each.failure and each.failure.kind for each in session.send_together(*pair(url))]
        assert kinds == ["refused", "refused"]
        assert time.monotonic() - started < 1


class Closed:
    """A gate that lets no second request pass."""

    def check(self, request: Request) -> None:
        if request.url.endswith("second"):
            raise RuntimeError("not this one")


def test_neither_is_sent_if_one_must_not() -> None:
    with Loopback(reply()) as server, Session(LIMITS, [server.url], gate=Closed()) as session:
        with pytest.raises(RuntimeError):
            session.send_together(*pair(server.url))
        with pytest.raises(ForeignOrigin):
            session.send_together(post(server.url, "first"), post("http://127.0.0.2:1", "x"))
        assert (server.connections, session.sent) == (0, 0)
        unsendable = session.send_together(post(server.url, "first"), Request("NO METHOD", f"{server.url}/"))
        assert [each.failure and each.failure.kind for each in unsendable] == ["unsendable", "unsendable"]
        assert (server.connections, session.sent) == (0, 0)


def test_two_requests_take_two_places_in_the_rate() -> None:
    with Loopback(reply()) as server, Session(Limits(requests_per_second=20), [server.url]) as session:
        started = time.monotonic()
        for _ in range(3):
            session.send_together(*pair(server.url))
        assert 0.24 < time.monotonic() - started < 0.8
