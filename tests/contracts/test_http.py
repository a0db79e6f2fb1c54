"""What the suite overrides of http.client, urllib3 and requests: `wire/transport.py` and `wire/head.py` alone do so."""

from __future__ import annotations

import http.client
from inspect import getsource, signature
from typing import Any

import pytest
from loopback import LIMITS, Loopback, reply
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from kms_conformance.wire import transport
from kms_conformance.wire.head import HeadReader
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import Session

# (the class that is overridden, the name, what is needed of its parameters)
_OVERRIDDEN: tuple[tuple[type, str, set[str]], ...] = (
    (HTTPConnection, "_new_conn", set()),
    (HTTPConnection, "request", {"method", "url", "headers"}),
    (HTTPConnection, "putrequest", {"method", "url", "skip_host", "skip_accept_encoding"}),
    (HTTPConnection, "getresponse", set()),
    (http.client.HTTPResponse, "begin", set()),
    (http.client.HTTPResponse, "_read_status", set()),
    (HTTPAdapter, "init_poolmanager", {"connections", "maxsize"}),
    (HTTPAdapter, "request_url", {"request", "proxies"}),
    (HTTPAdapter, "build_response", {"req", "resp"}),
    (HTTPAdapter, "send", {"request", "timeout", "verify"}),
)


@pytest.mark.parametrize(
    ("owner", "name", "needed"), _OVERRIDDEN, ids=[f"{owner.__name__}.{name}" for owner, name, _ in _OVERRIDDEN]
)
def test_what_is_overridden_is_there_and_takes_what_it_took(owner: type, name: str, needed: set[str]) -> None:
    assert hasattr(owner, name), (
        f"{owner.__module__}.{owner.__name__} has no {name} any more: what we put there is dead."
    )
    missing = needed - set(signature(getattr(owner, name)).parameters)
    assert not missing, f"{owner.__name__}.{name} has no parameter {missing} any more."


def test_pools_take_their_kind_of_connection_from_where_we_put_ours() -> None:
    assert (HTTPConnectionPool.ConnectionCls, HTTPSConnectionPool.ConnectionCls) == (HTTPConnection, HTTPSConnection)
    assert set(PoolManager().pool_classes_by_scheme) == {"http", "https"}
    assert isinstance(HTTPConnection.is_connected, property)


def test_a_connection_makes_its_replies_of_the_class_that_we_name() -> None:
    assert HTTPConnection.response_class is http.client.HTTPResponse
    assert issubclass(HeadReader, HTTPConnection.response_class)


def test_every_override_is_called_in_an_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that goes another way leaves our code where it is, and quietly does without it."""
    called: list[str] = []

    def noting(owner: type, name: str) -> None:
        before = getattr(owner, name)

        def noted(self: object, *args: Any, **kwargs: Any) -> Any:
            called.append(name)
            return before(self, *args, **kwargs)

        monkeypatch.setattr(owner, name, noted)

    plain = transport.Transport().poolmanager.pool_classes_by_scheme["http"].ConnectionCls
    names = ["_new_conn", "request", "putrequest", "getresponse"]
    for name in names:
        noting(plain, name)
    for name in ("begin", "_read_status"):
        noting(HeadReader, name)
    for name in ("request_url", "build_response"):
        noting(transport.Transport, name)
    with Loopback(reply()) as server, Session(LIMITS, [server.url]) as session:
        answered = session.send(Request("GET", f"{server.url}/a/../b?c=%7E"))
        assert answered.reply is not None
        assert server.requests[0].startswith(b"GET /a/../b?c=%7E HTTP/1.1\r\n"), (
            "the target was written anew on its way"
        )
    assert set(called) == {*names, "begin", "_read_status", "request_url", "build_response"}


def test_http_client_reads_its_status_line_by_the_method_that_we_replace() -> None:
    source = getsource(http.client.HTTPResponse.begin)
    assert "self._read_status()" in source, "interim replies would be taken for replies"
    assert "parse_headers(self.fp)" in source, "the end of a head is looked for in `fp`"


def test_tls_connections_have_our_overrides_before_those_of_the_library() -> None:
    pools = transport.Transport().poolmanager.pool_classes_by_scheme
    plain, tls = (pools[scheme].ConnectionCls for scheme in ("http", "https"))
    order = tls.__mro__
    assert order.index(plain) < order.index(HTTPSConnection) < order.index(HTTPConnection)
