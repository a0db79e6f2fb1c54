from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from pathlib import Path

import pytest
from loopback import LIMITS, Loopback, exchange, refused_port, reply

from kms_conformance.target.model import Limits
from kms_conformance.wire import transport
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import ForeignOrigin, Session


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
    with Loopback(reply()) as server, Session(LIMITS, [server.url]) as session:
        for _ in range(20):
            assert session.send(Request("POST", f"{server.url}/", body=b"{}"), repeatable=True).failure is None
        assert (server.connections, session.sent, len(server.requests)) == (1, 20, 20)


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    def once(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(reply())
        return False

    with Loopback(once) as server, Session(LIMITS, [server.url]) as session:
        for _ in range(3):
            assert session.send(Request("GET", f"{server.url}/")).failure is None
            time.sleep(0.02)  # let the end of the connection arrive
        assert server.connections == 3


def test_a_connection_that_was_idle_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "IDLE_SECONDS", 0.05)
    with Loopback(reply()) as server, Session(LIMITS, [server.url]) as session:
        for pause in (0, 0, 0.1, 0):
            time.sleep(pause)
            assert session.send(Request("GET", f"{server.url}/"), repeatable=True).failure is None
        assert server.connections == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Loopback(reply()) as elsewhere:
        answer = reply(b"", f"HTTP/1.1 {status} Away", f"Location: {elsewhere.url}/")
        with Loopback(answer) as server:
            got = exchange(server, method="POST", headers=(("X-Auth-Token", "t"),), body=b"{}")
    assert got.reply is not None
    assert got.reply.status == status
    assert elsewhere.connections == 0


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
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
    with (
        Loopback(reply(b"{}", "HTTP/1.1 200 OK", "Set-Cookie: a=b; Path=/")) as server,
        Session(LIMITS, [server.url]) as session,
    ):
        session.send(Request("GET", f"{server.url}/"))
        session.send(Request("GET", f"{server.url}/"))
    assert b"Cookie" not in server.requests[1]


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"text", mtime=0)),
        ("X-GZIP", gzip.compress(b"te", mtime=0) + gzip.compress(b"xt", mtime=0)),
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
    with Loopback(reply()) as server, Session(LIMITS, [server.url]) as session:
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
