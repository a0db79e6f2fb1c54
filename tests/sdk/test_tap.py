"""Tap: bytes are captured unchanged, and no request is sent to other origins than those of the target file."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from pathlib import Path

import pytest
import requests
import urllib3

from kms_conformance.apps.sdk.tap import Tap
from kms_conformance.emulator import Emulator
from kms_conformance.wire.messages import Exchange, Request
from kms_conformance.wire.session import ForeignOrigin

BODY = b'{"key": "gr\xc3\xbcezi"}'


def answering(*replies: bytes) -> tuple[str, socket.socket]:
    """The URL and socket of a server that sends these replies to the requests of one connection."""
    import threading  # noqa: PLC0415 - here alone

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for each in replies:
                connection.recv(1 << 16)
                connection.sendall(each)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", listener


def tapped(url: str, seconds: float = 5.0) -> Tap:
    return Tap([url], lambda _: None, seconds)


def only(tap: Tap) -> Exchange:
    [exchange] = tap.exchanges()
    return exchange


@pytest.mark.parametrize("library", ["requests", "urllib3", "http.client"])
def test_an_exchange_is_taken_down_as_it_was(library: str) -> None:
    head = b"HTTP/1.1 404 Not Here\r\nX-Twice: 1\r\nX-Twice: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
    url, listener = answering(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY))
    with listener, tapped(url) as tap:
        if library == "requests":
            requests.post(f"{url}/a%20b?c=d", data=b"sent", headers={"X-Mine": "1"}, timeout=5)
        elif library == "urllib3":
            urllib3.PoolManager().request("POST", f"{url}/a%20b?c=d", body=b"sent", headers={"X-Mine": "1"})
        else:
            connection = http.client.HTTPConnection("127.0.0.1", int(url.rpartition(":")[2]))
            connection.request("POST", "/a%20b?c=d", body=b"sent", headers={"X-Mine": "1"})
            connection.getresponse().read()
    exchange = only(tap)
    assert (exchange.request.method, exchange.request.url) == ("POST", f"{url}/a%20b?c=d")
    assert (exchange.request.header("X-Mine"), exchange.request.body) == ("1", b"sent")
    assert exchange.request.header("Host") == url.removeprefix("http://")
    assert exchange.reply is not None
    assert (exchange.reply.status, exchange.reply.reason, exchange.reply.body) == (404, "Not Here", BODY)
    assert exchange.reply.header_values("X-Twice") == ("1", "2")


def test_a_body_is_unpacked() -> None:
    packed = gzip.compress(BODY)
    url, listener = answering(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed)
    )
    with listener, tapped(url) as tap:
        assert requests.get(url, timeout=5).content == BODY
    reply = only(tap).reply
    assert reply is not None
    assert reply.body == BODY


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "truncated"),
        (b"no HTTP at all\r\n\r\n", "bad_http"),
        (b"", "reset"),
    ],
)
def test_a_reply_that_is_none_is_told_by_its_kind(reply: bytes, kind: str) -> None:
    url, listener = answering(reply)
    with listener, tapped(url) as tap, pytest.raises(requests.RequestException):
        _ = requests.get(url, timeout=5).content
    exchange = only(tap)
    assert exchange.reply is None
    assert exchange.failure is not None
    assert exchange.failure.kind == kind


def test_a_reply_that_does_not_end_is_given_up() -> None:
    url, listener = answering(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (2 << 20))
    with listener, tapped(url) as tap, pytest.raises((requests.RequestException, OSError)):
        _ = requests.get(url, timeout=5).content
    assert only(tap).reply is None


def test_no_request_leaves_for_anywhere_else() -> None:
    url, listener = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    with listener, tapped("http://127.0.0.1:9") as tap:
        with pytest.raises(ForeignOrigin):
            requests.get(url, timeout=5)
        assert tap.exchanges() == ()
        assert url in (tap.refused or "")


def test_a_request_that_is_not_admitted_does_not_leave() -> None:
    def admit(request: Request) -> None:
        if b"foreign" in request.body:
            raise ValueError("a foreign key")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Tap([url], admit, 5.0) as tap, pytest.raises(ValueError, match="a foreign key"):
            requests.post(url, data=b"a foreign one", timeout=5)
        assert (tap.exchanges(), tap.refused) == ((), "a foreign key")
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            assert connection.recv(1) == b""


def test_the_pace_is_kept_and_everything_is_put_back() -> None:
    waits: list[Request] = []
    before = [getattr(http.client.HTTPConnection, name) for name in ("putrequest", "send", "getresponse")]
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    url, listener = answering(ok, ok)
    with listener, Tap([url], waits.append, 5.0) as tap, requests.Session() as session:
        session.get(url, timeout=5)
        session.get(url, timeout=5)
    assert len(waits) == len(tap.exchanges()) == 2
    assert [getattr(http.client.HTTPConnection, name) for name in ("putrequest", "send", "getresponse")] == before


def test_a_signed_request_is_still_right() -> None:
    pytest.importorskip("aliyunsdkkms", reason="aliyun-python-sdk-kms, of the extra `clients`, is not installed")
    from aliyun_calls import Kms  # noqa: PLC0415 - where it is installed

    with Emulator("alibaba") as emulator, tapped(emulator.base_url) as tap:
        key = Kms.permanent(emulator).create()
    reply = only(tap).reply
    assert reply is not None
    assert json.loads(reply.body)["KeyMetadata"]["KeyId"] == key


def test_tls_is_seen_through(tmp_path: Path) -> None:
    import ssl  # noqa: PLC0415 - here alone
    import threading  # noqa: PLC0415 - here alone

    pem = Path(__file__).parent.parent / "wire" / "loopback.pem"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        raw, _ = listener.accept()
        with context.wrap_socket(raw, server_side=True) as connection:
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    threading.Thread(target=serve, daemon=True).start()
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    with listener, tapped(url) as tap:
        assert requests.get(url, timeout=5, verify=str(pem)).content == b"{}"
    reply = only(tap).reply
    assert reply is not None
    assert reply.body == b"{}"
