"""A client whose requests are answered in front of the service: the user is told, and the service is not accused."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest
from loopback import Loopback, reply
from test_asking_again import JUDGES, KEY, LISTED, SCHEDULED, accused, client_of

from kms_conformance.client.front import NotReached
from kms_conformance.client.judge import Inconclusive

HTML = "Content-Type: text/html"
PAGE = b"<html><head><title>Blocked</title></head></html>"
BLOCKED = reply(PAGE, "HTTP/1.1 418 I'm a teapot", HTML)
TO_HTTPS = reply(b"", "HTTP/1.1 301 Moved", "Location: https://127.0.0.1/v1.0/p/kms/list-keys")
_CLOSED_AFTER_SECONDS = 0.03


@pytest.mark.parametrize(
    ("answer", "hint"), [(BLOCKED, "Allow-list"), (TO_HTTPS, "Write https://127.0.0.1 in place of")]
)
def test_a_well_formed_request_that_meets_the_front_is_inconclusive(answer: bytes, hint: str) -> None:
    with Loopback(answer) as server:
        client = client_of(server)
        with pytest.raises(NotReached, match="The service was not reached") as caught:
            client.ask("list")
    assert hint in caught.value.hint
    assert (len(server.requests), accused(client)) == (1, set())
    assert sum(JUDGES[client].observations.values()) == 1


def test_a_request_that_is_odd_on_purpose_gets_its_answer_and_is_only_observed() -> None:
    with Loopback(BLOCKED) as server:
        client = client_of(server)
        operation = client.api["cancel"]
        request = client.dialect.with_body(client.dialect.request("cancel", {"key_id": KEY}), b"\xff")
        answers = [client.send_if_allowed(request, operation) for _ in range(2)]
    assert [answer and answer.front and answer.front.kind for answer in answers] == ["firewall"] * 2
    assert accused(client) == set()
    assert JUDGES[client].observations == {
        "cancel: a web application firewall refused the request (418, an HTML page)": 2
    }


def test_what_the_front_answered_shows_no_key() -> None:
    with Loopback(BLOCKED) as server:
        client = client_of(server)
        assert client.look("describe", key_id=KEY) is None


def _closing_in_the_middle() -> Callable[[socket.socket, bytes], bool]:
    served: dict[socket.socket, int] = {}

    def script(connection: socket.socket, request: bytes) -> bool:
        served[connection] = served.get(connection, 0) + 1
        if served[connection] == 2:
            time.sleep(_CLOSED_AFTER_SECONDS)
            return False
        connection.sendall(SCHEDULED if b"schedule-key-deletion" in request else LISTED)
        return True

    return script


def test_a_connection_that_was_closed_without_notice_is_told_once() -> None:
    with Loopback(_closing_in_the_middle()) as server:
        client = client_of(server)
        for _ in range(3):
            assert client.ask("list").accepted
            assert client.ask("schedule", key_id=KEY, window=7).accepted
    told = JUDGES[client].observations
    assert accused(client) == set()
    assert told == {"a connection was closed after a reply without notice; later requests used new connections": 1}


@pytest.mark.parametrize(
    ("answer", "scheme", "hint"),
    [(b"\x15\x03\x03\x00\x02\x02\x46", "http", "Write https://"), (b"", "http", "If the port speaks TLS")],
    ids=["an alert", "hung up"],
)
def test_a_port_of_tls_is_told_to_who_writes_http(answer: bytes, scheme: str, hint: str) -> None:
    def script(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(answer)
        return False

    with Loopback(script) as server:
        assert server.url.startswith(scheme)
        client = client_of(server)
        with pytest.raises(Inconclusive) as caught:
            client.ask("list")
    assert hint in caught.value.hint
    assert accused(client) == set()
