from __future__ import annotations

import gzip
import logging
import re
import socket
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from loopback import LIMITS, Loopback, exchange, refused_port, reply

from kms_conformance.target.model import Limits
from kms_conformance.wire.messages import Request
from kms_conformance.wire.network import MAX_BODY
from kms_conformance.wire.session import Session


def then_close(data: bytes) -> object:
    def script(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(data)
        return False

    return script


def drip(prefix: bytes, drop: bytes) -> object:
    def script(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(prefix)
        for _ in range(100):
            time.sleep(0.05)
            connection.sendall(drop)
        return False

    return script


def failure_kind(script: object, limits: Limits = LIMITS) -> str | None:
    with Loopback(script) as server:
        got = exchange(server, limits)
    assert got.reply is None
    assert got.failure is not None
    return got.failure.kind


def test_bytes_after_a_reply_never_answer_the_next_request() -> None:
    with Loopback(reply(b"{}") + reply(b"smuggled")) as server, Session(LIMITS, [server.url]) as session:
        replies = [session.send(Request("GET", f"{server.url}/")).reply for _ in range(3)]
    assert [each.body for each in replies if each] == [b"{}"] * 3


@pytest.mark.parametrize(
    ("prefix", "drop"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
    ],
    ids=["silent", "head", "continues", "body", "closing", "lengthless", "chunked", "chunk-head"],
)
def test_a_reply_that_drips_ends_at_the_total_time_out(prefix: bytes, drop: bytes) -> None:
    clock = time.monotonic()
    assert failure_kind(drip(prefix, drop), Limits(timeout_seconds=0.2)) == "timeout"
    assert 0.15 < time.monotonic() - clock < 2


def test_a_slow_reply_within_the_time_out_is_a_reply() -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        time.sleep(0.2)
        connection.sendall(reply(b"late"))

    with Loopback(script) as server, Session(Limits(timeout_seconds=0.5), [server.url]) as session:
        # Together they take longer than one time-out: a deadline is a call's, not a connection's.
        bodies = [session.send(Request("GET", f"{server.url}/"), repeatable=True).reply for _ in range(3)]
    assert all(body is not None and body.body == b"late" for body in bodies)
    assert server.connections == 1


def test_a_listener_that_never_accepts_is_a_timeout() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Session(Limits(timeout_seconds=0.2), [url]) as session:
            failure = session.send(Request("GET", f"{url}/")).failure
    assert failure is not None
    assert failure.kind == "timeout"


def test_a_port_where_nobody_listens_is_refused() -> None:
    url = f"http://127.0.0.1:{refused_port()}"
    with Session(LIMITS, [url]) as session:
        failure = session.send(Request("GET", f"{url}/?Signature=SECRET")).failure
    assert failure is not None
    assert (failure.kind, failure.text) == ("refused", "no connection (Connection refused)")


def test_an_unknown_host_is_refused() -> None:
    url = "http://kms.invalid"
    with Session(Limits(timeout_seconds=5), [url]) as session:
        failure = session.send(Request("GET", f"{url}/")).failure
    assert failure is not None
    assert failure.kind == "refused"


def hang_up(connection: socket.socket, _: bytes) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (hang_up, "reset"),
        (then_close(b""), "reset"),
        (then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), "truncated"),
        (then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), "truncated"),
        (then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nab"), "truncated"),
        (then_close(b"lorem ipsum\r\n\r\n"), "bad_http"),
        (then_close(b"HTTP/1.1 abc OK\r\n\r\n"), "bad_http"),
        (then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "bad_http"),
        (then_close(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"), "bad_http"),
        (then_close(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n"), "bad_http"),
        (then_close(b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"b" * 60_000 + b"\r\n") * 3 + b"\r\n"), "too_large"),
        (then_close(b"HTTP/1.1 101 Switching\r\n\r\n" + reply()), "bad_http"),
        (then_close(b"HTTP/1.1 103 Early\r\nLink: x"), "reset"),
        (then_close(reply(b"x" * (MAX_BODY + 1))), "too_large"),
        (then_close(reply(gzip.compress(b"x" * 100)[:-10], "HTTP/1.1 200 OK", "Content-Encoding: gzip")), "truncated"),
        (then_close(reply(b"no gzip at all", "HTTP/1.1 200 OK", "Content-Encoding: gzip")), "bad_http"),
        (then_close(reply(gzip.compress(b"") * 17, "HTTP/1.1 200 OK", "Content-Encoding: gzip")), "bad_http"),
    ],
)
def test_what_is_no_reply_is_named(script: object, kind: str) -> None:
    assert failure_kind(script) == kind


def test_an_endless_body_stops_at_the_cap() -> None:
    sent = 0

    def script(connection: socket.socket, _: bytes) -> bool:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536

    assert failure_kind(script, Limits(timeout_seconds=5)) == "too_large"
    assert sent < 32 * MAX_BODY


@pytest.mark.parametrize("interim", [b"102 Processing\r\n", b"103 Early Hints\r\nLink: x\r\n"])
def test_interim_replies_are_passed_over(interim: bytes) -> None:
    with Loopback(then_close(b"HTTP/1.1 " + interim + b"\r\n" + reply(b"{1}"))) as server:
        got = exchange(server)
    assert got.reply is not None
    assert got.reply.body == b"{1}"


def test_a_connection_that_breaks_is_never_a_reply_and_never_bad_http_wherever_it_breaks() -> None:
    whole = reply(b"{}", "HTTP/1.1 200 OK", "Content-Type: application/json")
    kinds = [failure_kind(then_close(whole[:sent])) for sent in range(len(whole))]
    assert kinds == ["reset"] * (len(whole) - 2) + ["truncated"] * 2


def test_a_gzip_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\x00" * (32 * MAX_BODY), 1)
    assert len(bomb) < MAX_BODY
    tracemalloc.start()
    try:
        kind = failure_kind(reply(bomb, "HTTP/1.1 200 OK", "Content-Encoding: gzip"), Limits(timeout_seconds=5))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kind == "too_large"
    assert peak < 6 * MAX_BODY


def test_no_log_shows_a_url_or_a_header(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Loopback(then_close(b"HTTP/1.1 200 OK\r\nmalformed header line\r\n\r\n")) as server:
        exchange(server, url=f"{server.url}/secret-path?Signature=secret", headers=(("X-Auth-Token", "secret"),))
    assert not re.search("secret", caplog.text)


def test_no_descriptor_is_left_open() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with Loopback(drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x")) as slow, Loopback(reply()) as server:
        exchange(server)
        before = descriptors()
        for _ in range(5):
            exchange(server)
        exchange(slow, Limits(timeout_seconds=0.2))
    assert descriptors() <= before
