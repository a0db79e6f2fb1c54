"""When the client asks again, when it does not, and what a lost reply is held against."""

from __future__ import annotations

import json
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest
from loopback import Loopback, reply

from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.judge import Inconclusive, Judge, Lost
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.target_client import Client
from kms_conformance.core.runtime import REAL, Clock
from kms_conformance.target import parse_target
from kms_conformance.wire.world import World

KEY = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
JSON = "Content-Type: application/json"
SCHEDULED = reply(json.dumps({"key_id": KEY, "key_state": "4"}).encode(), "HTTP/1.1 200 OK", JSON)
LISTED = reply(
    b'{"keys": [], "key_details": [], "next_marker": "", "truncated": "false", "total": 0}', "HTTP/1.1 200 OK", JSON
)
THROTTLED = reply(b'{"error_code": "APIGW.0308", "error_msg": "x"}', "HTTP/1.1 429 Too Many", JSON)
PAGE = reply(b"<html>no</html>", "HTTP/1.1 429 Too Many", "Content-Type: text/html")
GATEWAY = reply(b"<html>no</html>", "HTTP/1.1 502 Bad Gateway", "Content-Type: text/html")
SHORT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"


class Script:
    """Answers with one reply after the other, the last one for ever; b"" hangs up, a kept one ends the connection."""

    def __init__(self, *replies: bytes) -> None:
        self._replies = replies
        self.times: list[float] = []

    def __call__(self, connection: socket.socket, _: bytes) -> bool:
        answer = self._replies[min(len(self.times), len(self._replies) - 1)]
        self.times.append(time.monotonic())
        connection.sendall(answer)
        return answer not in (b"", SHORT)


JUDGES: WeakKeyDictionary[Client, Judge] = WeakKeyDictionary()


def client_of(server: Loopback, timeout_seconds: float = 1, clock: Clock = REAL) -> Client:
    text = f"name: t\ndialect: huawei\nbase_url: {server.url}\nauth: {{token: abcdefgh, project_id: p}}\n"
    target = parse_target(f"{text}limits: {{timeout_seconds: {timeout_seconds}}}\n", "t.yaml")
    ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger.jsonl")
    ledger.write("created", "kms-conformance-test-0", KEY)
    client = Client(target, ledger, World(clock))
    client.sign_in()
    catalogue = Catalogue.load("huawei")
    judge = Judge(catalogue, frozenset(requirement.id for requirement in catalogue), take=client.start_findings().take)
    JUDGES[client] = judge
    return client


def accused(client: Client) -> set[str]:
    return {failure.requirement for failure in JUDGES[client].failures}


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("kms_conformance.client.backoff._FIRST_PAUSE_SECONDS", 0.01)
    return iter([None])


@pytest.mark.parametrize("answer", [THROTTLED, PAGE])
def test_what_was_throttled_is_sent_again_and_more_slowly(answer: bytes) -> None:
    script = Script(answer, answer, SCHEDULED)
    with Loopback(script) as server:
        client = client_of(server)
        answered = client.ask("schedule", key_id=KEY, window=7)
        assert client.session.pace.interval > 0
    assert (answered.status, len(script.times), accused(client)) == (200, 3, set())


def test_a_target_is_left_alone_for_as_long_as_it_asks() -> None:
    wait = THROTTLED.replace(b"\r\n\r\n", b"\r\nRetry-After: 1\r\n\r\n", 1)
    script = Script(wait, SCHEDULED)
    with Loopback(script) as server:
        client_of(server).ask("schedule", key_id=KEY, window=7)
    assert script.times[1] - script.times[0] >= 1


def test_a_wait_beyond_all_patience_is_not_begun() -> None:
    wait = THROTTLED.replace(b"\r\n\r\n", b"\r\nRetry-After: 3600\r\n\r\n", 1)
    script = Script(wait)
    with Loopback(script) as server:
        client = client_of(server)
        with pytest.raises(Inconclusive, match="retry after 3600 s"):
            client.ask("schedule", key_id=KEY, window=7)
        with pytest.raises(Inconclusive, match="No more requests were sent"):
            client.ask("list")
    assert len(script.times) == 1


@pytest.mark.parametrize("lost", [b"", SHORT, GATEWAY], ids=["hung up", "cut short", "gateway"])
def test_a_change_whose_reply_was_lost_is_never_sent_again(lost: bytes) -> None:
    script = Script(lost)
    with Loopback(script) as server:
        client = client_of(server)
        with pytest.raises(Lost):
            client.ask("schedule", key_id=KEY, window=7)
    assert (len(script.times), accused(client)) == (1, set())


@pytest.mark.parametrize("lost", [b"", SHORT, GATEWAY], ids=["hung up", "cut short", "gateway"])
def test_a_look_is_taken_twice(lost: bytes) -> None:
    script = Script(lost, LISTED)
    with Loopback(script) as server:
        client = client_of(server)
        assert client.ask("list").accepted
    assert (len(script.times), accused(client)) == (2, set())


def test_one_operation_whose_replies_are_always_cut_short_is_accused() -> None:
    with Loopback(Script(SHORT)) as server:
        client = client_of(server)
        for _ in range(2):
            with pytest.raises(Lost):
                client.ask("cancel", key_id=KEY)
    assert accused(client) == {"reply.encoding"}


def test_a_reply_that_comes_whole_between_two_that_do_not_clears_it() -> None:
    with Loopback(Script(SHORT, SCHEDULED, SHORT)) as server:
        client = client_of(server)
        for lost in (True, False, True):
            if lost:
                with pytest.raises(Lost):
                    client.ask("schedule", key_id=KEY, window=7)
            else:
                client.ask("schedule", key_id=KEY, window=7)
    assert "reply.encoding" not in accused(client)


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example.com ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ],
)
def test_what_is_no_http_is_accused_at_once(answer: bytes) -> None:
    with Loopback(Script(answer)) as server:
        client = client_of(server)
        with pytest.raises(Lost):
            client.ask("cancel", key_id=KEY)
    assert accused(client) == {"reply.encoding"}


def test_a_target_that_has_gone_is_not_asked_for_ever() -> None:
    with Loopback(Script(b"")) as server:
        client = client_of(server)
        for _ in range(5):
            with pytest.raises(Inconclusive):
                client.ask("cancel", key_id=KEY)
        sent = client.session.sent
        with pytest.raises(Inconclusive, match="stopped answering"):
            client.ask("list")
        assert client.session.sent == sent
        client.backoff.renew()
        with pytest.raises(Inconclusive):
            client.ask("cancel", key_id=KEY)
        assert client.session.sent == sent + 1


def test_without_a_connection_nothing_was_asked_so_it_is_asked_again() -> None:
    with Loopback(Script(SCHEDULED)) as server:
        client = client_of(server, timeout_seconds=0.1)
        client.ask("schedule", key_id=KEY, window=7)
        sent = client.session.sent
    with pytest.raises(Inconclusive, match=r"refused|stopped answering|did not serve"):
        client.ask("schedule", key_id=KEY, window=7)
    assert client.session.sent > sent + 1
