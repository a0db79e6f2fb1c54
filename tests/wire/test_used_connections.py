"""Connections that the other side closes between two requests: nothing is lost by it, and nothing is done twice."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
from loopback import LIMITS, Loopback, exchange, reply
from test_asking_again import JSON, KEY, LISTED, SCHEDULED, accused, client_of

from kms_conformance.wire.messages import Request
from kms_conformance.wire.network import _KEPT_SECONDS
from kms_conformance.wire.session import Session

_CLOSED_AFTER_SECONDS = 0.005


def closing_after_each_reply(connection: socket.socket, request: bytes) -> bool:
    """As some balancers do: the reply says nothing of it, and the next request may be on its way already."""
    connection.sendall(SCHEDULED if b"schedule-key-deletion" in request else LISTED)
    time.sleep(_CLOSED_AFTER_SECONDS)
    return False


def test_a_balancer_that_closes_after_each_reply_loses_and_doubles_nothing() -> None:
    with Loopback(closing_after_each_reply) as server:
        client = client_of(server)
        for _ in range(20):
            assert client.ask("list").accepted
            assert client.ask("schedule", key_id=KEY, window=7).accepted
            time.sleep(_CLOSED_AFTER_SECONDS / 2)
    changes = [request for request in server.requests if b"schedule-key-deletion" in request]
    assert (len(changes), accused(client)) == (20, set())


def shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def test_a_change_goes_over_a_used_connection_only_after_the_target_has_kept_one() -> None:
    with Loopback(reply()) as server, Session(LIMITS, [server.url]) as session:
        change, look = Request("POST", f"{server.url}/change"), Request("GET", f"{server.url}/look")
        opened, waited = [], []
        for request, repeatable in ((look, True), (change, False), (look, True), (change, False), (look, True)):
            began = time.monotonic()
            assert session.send(request, repeatable=repeatable).reply is not None
            opened.append(server.connections)
            waited.append(time.monotonic() - began >= _KEPT_SECONDS / 2)
    # The first change has a connection of its own. After the look that is served over that one, the second change waits
    # to see the connection stay open, once.
    assert (opened, waited) == ([1, 2, 2, 2, 2], [False, False, False, True, False])


def test_a_change_that_nothing_went_before_has_a_connection_of_its_own() -> None:
    with Loopback(reply()) as server, Session(LIMITS, [server.url]) as session:
        assert session.send(Request("POST", f"{server.url}/")).reply is not None
    assert server.connections == 1


@pytest.mark.parametrize("after_seconds", [0.0, 0.005, 0.03])
def test_no_change_is_lost_at_a_balancer_that_closes_later_and_serves_meanwhile(after_seconds: float) -> None:
    ending: set[socket.socket] = set()

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(reply(b"{}", "HTTP/1.1 200 OK", "Connection: keep-alive"))
        if connection not in ending:
            ending.add(connection)
            timer = threading.Timer(after_seconds, shut_down, (connection,))
            timer.daemon = True
            timer.start()

    with Loopback(script) as server, Session(LIMITS, [server.url]) as session:
        lost = []
        for number in range(40):
            change = number % 3 == 2
            sent = session.send(Request("POST" if change else "GET", f"{server.url}/"), repeatable=not change)
            lost.append(change and sent.failure is not None)
            time.sleep(0.002)
    assert not any(lost)


@pytest.mark.parametrize("last_words", [b"", b"HTTP/1.1 200"], ids=["nothing", "half a line"])
def test_a_used_connection_that_ends_without_a_byte_is_told_from_a_reply_that_broke_off(last_words: bytes) -> None:
    served = 0

    def script(connection: socket.socket, _: bytes) -> bool:
        nonlocal served
        served += 1
        connection.sendall(last_words if served == 2 else reply())
        return served != 2

    with Loopback(script) as server, Session(LIMITS, [server.url]) as session:
        kinds = []
        for _ in range(3):
            failure = session.send(Request("GET", f"{server.url}/"), repeatable=True).failure
            kinds.append(None if failure is None else failure.kind)
    assert kinds == [None, "reset" if last_words else "stale", None]
    assert server.connections == 2


def test_a_fresh_connection_that_ends_without_a_byte_is_no_used_one() -> None:
    with Loopback(lambda *_: False) as server:
        failure = exchange(server).failure
    assert failure is not None
    assert failure.kind == "reset"


def test_after_one_connection_was_closed_without_notice_none_is_used_twice() -> None:
    served = 0

    def script(connection: socket.socket, _: bytes) -> bool:
        nonlocal served
        served += 1
        connection.sendall(reply())
        return served != 2

    with Loopback(script) as server, Session(LIMITS, [server.url]) as session:
        for _ in range(5):
            assert session.send(Request("GET", f"{server.url}/"), repeatable=True).failure is None
            time.sleep(0.05)
    assert server.connections == 1 + 3


def test_a_connection_whose_end_was_announced_says_nothing_of_others() -> None:
    served = 0

    def script(connection: socket.socket, _: bytes) -> bool:
        nonlocal served
        served += 1
        connection.sendall(reply(b"{}", "HTTP/1.1 200 OK", JSON, *(["Connection: close"] if served == 2 else [])))
        return served != 2

    with Loopback(script) as server, Session(LIMITS, [server.url]) as session:
        for _ in range(5):
            assert session.send(Request("GET", f"{server.url}/"), repeatable=True).failure is None
            time.sleep(0.05)
    assert server.connections == 2
