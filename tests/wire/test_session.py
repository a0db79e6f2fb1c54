from __future__ import annotations

import gzip
import logging
import re
import socket
import struct
import threading
import time
import tracemalloc
import zlib

import pytest
from loopback import Loopback, refused_port, reply

from conformance.target.model import Limits
from conformance.wire.messages import Exchange, Request
from conformance.wire.session import MAX_BODY, ForeignOrigin, Session

FAST = Limits(timeout_seconds=0.4)


def exchange(server: Loopback, limits: Limits = FAST, **request: object) -> Exchange:
    with Session(limits, [server.url]) as session:
        return session.send(Request(**{"method": "GET", "url": f"{server.url}/", **request}))  # type: ignore[arg-type]


def failure_kind(script: object, limits: Limits = FAST) -> str | None:
    with Loopback(script) as server:  # type: ignore[arg-type]
        got = exchange(server, limits)
    assert got.reply is None
    assert got.failure is not None
    return got.failure.kind


def test_a_reply_comes_back_whole() -> None:
    with Loopback(reply(b'{"a": 1}', "HTTP/1.1 404 No such key", "X-Two: 1", "X-Two: 2", "x-two: 3")) as server:
        got = exchange(server).reply
    assert got is not None
    assert (got.status, got.reason, got.body) == (404, "No such key", b'{"a": 1}')
    assert got.header_values("X-TWO") == ("1", "2", "3")
    assert 0 < got.seconds < 1


@pytest.mark.parametrize(
    "target",
    [
        "/a%2fb%2Fc%7e~?x=%41+b%20c&x=&y&=z&%zz=%",
        "//double/./dots/../here",
        "/?a=1&a=2&&",
        "/[]{}|^`\"<>\\?q='()*!;:@,$",
        "/p?",
        "/v1.0/p/kms/x?Signature=a%2Bb%3D",
    ],
)
def test_a_target_goes_out_byte_for_byte(target: str) -> None:
    with Loopback(reply()) as server:
        got = exchange(server, url=server.url + target)
    assert got.failure is None
    assert server.requests[0].split(b"\r\n")[0] == b"GET " + target.encode() + b" HTTP/1.1"


def test_a_url_without_a_path_asks_for_the_root() -> None:
    with Loopback(reply()) as server:
        exchange(server, url=f"{server.url}?Action=ListKeys")
    assert server.requests[0].startswith(b"GET /?Action=ListKeys HTTP/1.1\r\n")


def test_headers_and_body_go_out_as_given_with_only_the_necessary_added() -> None:
    body = b'\x00\xff{"a": "b"}\r\n'
    with Loopback(reply()) as server:
        exchange(server, method="POST", headers=(("X-a", "1"), ("x-A", "caf\xe9"), ("Content-Type", "a/b")), body=body)
        head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert sent == body
    assert sorted(head.split(b"\r\n")[1:]) == sorted(
        [
            f"Host: 127.0.0.1:{server.port}".encode(),
            b"Accept-Encoding: identity",
            b"User-Agent: kms-conformance",
            b"X-a: 1",
            b"x-A: caf\xe9",
            b"Content-Type: a/b",
            f"Content-Length: {len(body)}".encode(),
        ]
    )


def test_an_empty_post_has_a_length_and_an_empty_get_has_none() -> None:
    with Loopback(reply()) as server:
        exchange(server, method="POST")
        exchange(server, method="GET")
    assert b"Content-Length: 0" in server.requests[0]
    assert b"Content-Length" not in server.requests[1]


def test_given_host_and_accept_encoding_are_kept() -> None:
    with Loopback(reply()) as server:
        exchange(server, headers=(("host", "kms.example.com"), ("accept-encoding", "gzip")))
    head = server.requests[0].lower()
    assert head.count(b"host:") == head.count(b"accept-encoding:") == 1
    assert b"host: kms.example.com" in head
    assert b"accept-encoding: gzip" in head


def test_one_connection_serves_many_requests() -> None:
    with Loopback(reply()) as server, Session(FAST, [server.url]) as session:
        for _ in range(20):
            assert session.send(Request("POST", f"{server.url}/", body=b"{}")).failure is None
        assert (server.connections, session.sent, len(server.requests)) == (1, 20, 20)


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    def once(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(reply())
        return False

    with Loopback(once) as server, Session(FAST, [server.url]) as session:
        for _ in range(3):
            assert session.send(Request("GET", f"{server.url}/")).failure is None
            time.sleep(0.02)  # let the end of the connection arrive
        assert server.connections == 3


def test_bytes_after_a_reply_never_answer_the_next_request() -> None:
    with Loopback(reply(b"{}") + reply(b"smuggled")) as server, Session(FAST, [server.url]) as session:
        bodies = [session.send(Request("GET", f"{server.url}/")).reply.body for _ in range(3)]  # type: ignore[union-attr]
    assert bodies == [b"{}"] * 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Loopback(reply()) as elsewhere:
        answer = reply(b"", f"HTTP/1.1 {status} Away", f"Location: {elsewhere.url}/")
        with Loopback(answer) as server:
            got = exchange(server, method="POST", headers=(("X-Auth-Token", "t"),), body=b"{}")
    assert got.reply is not None
    assert got.reply.status == status
    assert elsewhere.connections == 0


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine 127.0.0.1 login intruder password intruder\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with Loopback(reply()) as proxy, Loopback(reply()) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        exchange(server, headers=(("Authorization", "SDK-HMAC-SHA256 Access=A"),))
    assert proxy.connections == 0
    assert b"Authorization: SDK-HMAC-SHA256 Access=A\r\n" in server.requests[0]


def test_cookies_are_not_kept() -> None:
    with Loopback(reply(b"{}", "HTTP/1.1 200 OK", "Set-Cookie: a=b; Path=/")) as server, Session(FAST, [server.url]) as session:
        session.send(Request("GET", f"{server.url}/"))
        session.send(Request("GET", f"{server.url}/"))
    assert b"Cookie" not in server.requests[1]


def drip(prefix: bytes, drop: bytes) -> object:
    def script(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(prefix)
        for _ in range(100):
            time.sleep(0.05)
            connection.sendall(drop)
        return False

    return script


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
    assert failure_kind(drip(prefix, drop)) == "timeout"
    assert 0.3 < time.monotonic() - clock < 0.9


def test_a_slow_reply_within_the_time_out_is_a_reply() -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        time.sleep(0.15)
        connection.sendall(reply(b"late"))

    with Loopback(script) as server, Session(FAST, [server.url]) as session:
        # Together they take longer than one time-out: a deadline is a call's, not a connection's.
        bodies = [session.send(Request("GET", f"{server.url}/")).reply for _ in range(4)]
    assert all(body is not None and body.body == b"late" for body in bodies)
    assert server.connections == 1


def test_a_listener_that_never_accepts_is_a_timeout() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Session(FAST, [url]) as session:
            failure = session.send(Request("GET", f"{url}/")).failure
    assert failure is not None
    assert failure.kind == "timeout"


def test_a_port_where_nobody_listens_is_refused() -> None:
    url = f"http://127.0.0.1:{refused_port()}"
    with Session(FAST, [url]) as session:
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


def then_close(data: bytes) -> object:
    def script(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(data)
        return False

    return script


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
        (then_close(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + reply()), "bad_http"),
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


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"text")),
        ("X-GZIP", gzip.compress(b"te") + gzip.compress(b"xt")),
        ("deflate", zlib.compress(b"text")),
        ("deflate", zlib.compress(b"text")[2:-4]),
        ("identity", b"text"),
    ],
)
def test_a_packed_body_is_unpacked(encoding: str, packed: bytes) -> None:
    with Loopback(reply(packed, "HTTP/1.1 200 OK", f"Content-Encoding: {encoding}")) as server:
        got = exchange(server)
    assert got.reply is not None
    assert got.reply.body == b"text"
    assert got.reply.header("Content-Encoding") == encoding


def test_an_encoding_that_nobody_asked_for_and_nobody_knows_stays_packed() -> None:
    with Loopback(reply(b"???", "HTTP/1.1 200 OK", "Content-Encoding: br, gzip")) as server:
        got = exchange(server)
    assert got.reply is not None
    assert got.reply.body == b"???"


@pytest.mark.parametrize(
    "request_parts",
    [
        {"method": "GET /"},
        {"method": ""},
        {"url": "/a b"},
        {"url": "/\u00e9"},
        {"url": "/a#b"},
        {"url": "/a\r\nX: y"},
        {"headers": (("X", "a\r\nY: b"),)},
        {"headers": (("X", "a\x00"),)},
        {"headers": (("X", "\u20ac"),)},
        {"headers": (("X Y", "a"),)},
        {"headers": (("", "a"),)},
    ],
)
def test_what_no_wire_can_carry_is_unsendable_and_not_sent(request_parts: dict[str, object]) -> None:
    with Loopback(reply()) as server:
        url = server.url + str(request_parts.pop("url", "/"))
        failure = exchange(server, url=url, **request_parts).failure
        assert server.connections == 0
    assert failure is not None
    assert failure.kind == "unsendable"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2:{port}/",
        "http://localhost:{port}/",
        "https://127.0.0.1:{port}/",
        "http://127.0.0.1:{other}/",
        "http://user@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}@evil.example/",
        "/relative",
        "ftp://127.0.0.1:{port}/",
    ],
)
def test_a_request_to_where_the_user_did_not_send_us_is_refused(url: str) -> None:
    with Loopback(reply()) as server, Session(FAST, [server.url]) as session:
        with pytest.raises(ForeignOrigin):
            session.send(Request("GET", url.format(port=server.port, other=refused_port())))
        assert server.connections == 0


def test_requests_keep_the_promised_pace() -> None:
    with Loopback(reply()) as server, Session(Limits(requests_per_second=20), [server.url]) as session:
        clock = time.monotonic()
        for _ in range(6):
            session.send(Request("GET", f"{server.url}/"))
        took = time.monotonic() - clock
    assert 0.24 < took < 0.6


def test_threads_share_a_session() -> None:
    def echo(connection: socket.socket, request: bytes) -> None:
        connection.sendall(reply(request.split(b" ")[1]))

    with Loopback(echo) as server, Session(Limits(timeout_seconds=5), [server.url]) as session:
        wrong: list[object] = []

        def work(worker: int) -> None:
            for turn in range(25):
                got = session.send(Request("GET", f"{server.url}/{worker}/{turn}")).reply
                if got is None or got.body != f"/{worker}/{turn}".encode():
                    wrong.append(got)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
    assert session.sent == 100


def test_no_log_shows_a_url_or_a_header(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Loopback(then_close(b"HTTP/1.1 200 OK\r\nmalformed header line\r\n\r\n")) as server:
        exchange(server, url=f"{server.url}/secret-path?Signature=secret", headers=(("X-Auth-Token", "secret"),))
    assert not re.search("secret", caplog.text)


def test_no_descriptor_is_left_open() -> None:
    import os

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    with Loopback(drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x")) as slow, Loopback(reply()) as server:  # type: ignore[arg-type]
        exchange(server)
        before = descriptors()
        for _ in range(5):
            exchange(server)
        exchange(slow)
    assert descriptors() <= before
