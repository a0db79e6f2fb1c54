from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from loopback import LIMITS, Loopback, reply
from test_session_hostile import drip

from kms_conformance.target.model import Limits
from kms_conformance.wire.failures import NO_TLS, ONLY_TLS
from kms_conformance.wire.messages import Exchange, Failure, Request
from kms_conformance.wire.session import Session

AUTHORITY = Path(__file__).with_name("loopback.pem")


@pytest.fixture
def context() -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(AUTHORITY)
    return found


def exchange(url: str, verify: object, limits: Limits = LIMITS) -> Exchange:
    with Session(limits, [url], verify=verify) as session:
        return session.send(Request("GET", f"{url}/a%2fb"))


def test_a_named_authority_is_trusted(context: ssl.SSLContext) -> None:
    with Loopback(reply(b"over TLS"), context) as server, Session(LIMITS, [server.url], verify=AUTHORITY) as session:
        for _ in range(3):
            got = session.send(Request("GET", f"{server.url}/a%2fb"), repeatable=True).reply
            assert got is not None
            assert got.body == b"over TLS"
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /a%2fb HTTP/1.1\r\n")


def test_an_unknown_authority_is_not(context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(AUTHORITY))
    with Loopback(reply(), context) as server:
        failure = exchange(server.url, verify=True).failure
    assert failure is not None
    assert failure.kind == "tls"
    assert server.requests == []


def test_a_certificate_for_another_name_is_refused(context: ssl.SSLContext) -> None:
    with Loopback(reply(), context) as server:
        failure = exchange(server.url.replace("127.0.0.1", "localhost"), verify=AUTHORITY).failure
    assert failure is not None
    assert failure.kind == "tls"


def test_a_server_without_tls_is_a_tls_failure() -> None:
    with Loopback(lambda connection, _: connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")) as server:
        server._read = lambda connection: connection.recv(1) + b"x"  # noqa: SLF001 - answers a hello as if it were HTTP
        failure = exchange(server.url.replace("http:", "https:"), verify=AUTHORITY).failure
    assert failure is not None
    assert failure.kind == "tls"


def test_a_handshake_that_never_ends_is_a_timeout() -> None:
    with Loopback(reply()) as server:
        failure = exchange(server.url.replace("http:", "https:"), AUTHORITY, Limits(timeout_seconds=0.3)).failure
    assert failure is not None
    assert failure.kind == "timeout"


def test_a_reply_over_tls_that_drips_ends_at_the_total_time_out(context: ssl.SSLContext) -> None:
    with Loopback(drip(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"), context) as server:
        failure = exchange(server.url, AUTHORITY, Limits(timeout_seconds=0.4)).failure
    assert failure is not None
    assert failure.kind == "timeout"


def test_plain_http_at_a_port_of_tls_says_so() -> None:
    def alert(connection: object, _: bytes) -> bool:
        connection.sendall(b"\x15\x03\x03\x00\x02\x02\x46")  # type: ignore[attr-defined]
        return False

    with Loopback(alert) as server:
        failure = exchange(server.url, verify=True).failure
    assert failure == Failure("tls", ONLY_TLS)


def test_tls_at_a_port_of_plain_http_says_so() -> None:
    with Loopback(lambda connection, _: connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")) as server:
        server._read = lambda connection: connection.recv(1) + b"x"  # noqa: SLF001 - as above
        failure = exchange(server.url.replace("http:", "https:"), verify=AUTHORITY).failure
    assert failure == Failure("tls", NO_TLS)
