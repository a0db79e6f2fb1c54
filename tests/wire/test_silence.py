"""What follows from a request that gets no reply: who is accused of it, who is not, and what is sent again."""

from __future__ import annotations

import json
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest
from loopback import Loopback, reply
from test_asking_again import JSON, KEY, LISTED, PAGE

from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.judge import Inconclusive, Judge, Lost, Unanswered
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.resending import form_of
from kms_conformance.client.target_client import Client
from kms_conformance.core.runtime import Clock
from kms_conformance.target import parse_target
from kms_conformance.wire.messages import Request
from kms_conformance.wire.world import World

SILENT = None
MALFORMED = reply(b'{"error": {"error_code": "KMS.0309", "error_msg": "x"}}', "HTTP/1.1 400 Bad Request", JSON)


class Hurried(Clock):
    """Waits for nothing, and is as late as if it had."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.slept)

    def monotonic(self) -> float:
        return super().monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


@dataclass
class Service:
    """A key that can be scheduled, and what each operation is answered; SILENT closes the connection."""

    state: str = "2"
    does: dict[str, Callable[[int], bytes | None]] = field(default_factory=dict)
    carries_out: bool = True
    asked: Counter[str] = field(default_factory=Counter)
    never: bool = False

    def __call__(self, connection: socket.socket, request: bytes) -> bool:
        operation = request.split(b" ")[1].rpartition(b"/")[2].decode()
        self.asked[operation] += 1
        if operation == "schedule-key-deletion" and self.carries_out:
            self.state = "4"
        does = self.does.get(operation)
        answer = self.as_usual(operation) if does is None else does(self.asked[operation])
        if answer is None:
            if self.never:
                connection.recv(1)
            return False
        connection.sendall(answer)
        return True

    def as_usual(self, operation: str) -> bytes:
        if operation == "list-keys":
            return LISTED
        if operation == "describe-key":
            info = {"key_id": KEY, "key_state": self.state, "key_description": "d", "scheduled_deletion_date": ""}
            return reply(json.dumps({"key_info": info}).encode(), "HTTP/1.1 200 OK", JSON)
        return reply(json.dumps({"key_id": KEY, "key_state": "4"}).encode(), "HTTP/1.1 200 OK", JSON)


JUDGES: WeakKeyDictionary[Client, Judge] = WeakKeyDictionary()


@contextmanager
def asking(service: Service, timeout_seconds: float = 5) -> Iterator[Client]:
    with Loopback(service) as server:
        text = f"name: t\ndialect: huawei\nbase_url: {server.url}\nauth: {{token: abcdefgh, project_id: p}}\n"
        target = parse_target(f"{text}limits: {{timeout_seconds: {timeout_seconds}}}\n", "t.yaml")
        ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger.jsonl")
        ledger.write("created", "kms-conformance-test-0", KEY)
        client = Client(target, ledger, World(Hurried()))
        client.sign_in()
        catalogue = Catalogue.load("huawei")
        applicable = frozenset(requirement.id for requirement in catalogue)
        JUDGES[client] = Judge(catalogue, applicable, take=client.start_findings().take)
        assert client.ask("list").accepted
        yield client
        client.close()


def is_accused(client: Client) -> bool:
    return "reply.answered" in {failure.requirement for failure in JUDGES[client].failures}


def silences(client: Client) -> list[int]:
    """How often each outcome of an unanswered request was observed; closed connections are observed besides."""
    seen = JUDGES[client].observations.items()
    return [count for text, count in seen if not text.startswith("a connection was closed")]


def schedule(client: Client) -> None:
    assert client.ask("describe", key_id=KEY).accepted
    client.ask("schedule", key_id=KEY, window=7)


def test_a_look_that_is_never_answered_while_others_are_is_accused() -> None:
    service = Service(does={"encrypt-data": lambda _: SILENT})
    with asking(service) as client:
        with pytest.raises(Unanswered, match="3 times in a row"):
            client.ask("encrypt", key_id=KEY, plaintext="x")
        assert is_accused(client)
        assert silences(client) == []
    # The first was sent over a connection that had served before, and may have been closed before it came.
    assert service.asked["encrypt-data"] == 1 + 3


def test_what_is_answered_when_it_is_sent_again_is_an_observation() -> None:
    service = Service(does={"encrypt-data": lambda time: SILENT if time < 3 else MALFORMED})
    with asking(service) as client:
        assert client.ask("encrypt", key_id=KEY, plaintext="x").status == 400
        assert not is_accused(client)
        assert silences(client) == [1]


@pytest.mark.parametrize(
    ("carried_out", "sent"), [(3, 3), (2, 2)], ids=["and answered", "but its reply is lost as well"]
)
def test_a_change_that_was_not_carried_out_is_sent_again_until_it_is(carried_out: int, sent: int) -> None:
    service = Service(carries_out=False)

    def answer(time: int) -> bytes | None:
        service.carries_out = time == carried_out - 1
        return SILENT if time < 3 else service.as_usual("schedule-key-deletion")

    service.does["schedule-key-deletion"] = answer
    with asking(service) as client:
        with pytest.raises(Lost) if sent == 2 else nullcontext():
            schedule(client)
        assert (is_accused(client), silences(client)) == (False, [1])
    assert (service.asked["schedule-key-deletion"], service.state) == (sent, "4")


def test_a_change_that_was_carried_out_is_not_sent_again() -> None:
    service = Service(does={"schedule-key-deletion": lambda _: SILENT})
    with asking(service) as client:
        with pytest.raises(Lost):
            schedule(client)
        assert (is_accused(client), silences(client)) == (False, [1])
    assert service.asked["schedule-key-deletion"] == 1


def test_a_change_of_a_key_that_was_not_read_before_is_not_sent_again() -> None:
    service = Service(does={"schedule-key-deletion": lambda _: SILENT}, carries_out=False)
    with asking(service) as client, pytest.raises(Lost):
        client.ask("schedule", key_id=KEY, window=7)
    assert service.asked["schedule-key-deletion"] == 1


def test_a_change_that_is_never_answered_is_accused_though_each_was_sent_once() -> None:
    service = Service(does={"schedule-key-deletion": lambda _: SILENT})
    with asking(service) as client:
        for _ in range(3):
            service.state = "2"
            with pytest.raises(Lost):
                schedule(client)
        assert is_accused(client)
    assert service.asked["schedule-key-deletion"] == 3


def test_a_body_that_names_nothing_is_sent_again() -> None:
    service = Service(does={"cancel-key-deletion": lambda _: SILENT})
    with asking(service) as client:
        request = client.dialect.with_body(client.dialect.request("cancel", {"key_id": KEY}), b"[]")
        with pytest.raises(Unanswered):
            client.send(request, client.api["cancel"])
        assert is_accused(client)
    assert service.asked["cancel-key-deletion"] == 3


def test_a_target_that_serves_nobody_any_more_is_not_accused() -> None:
    service = Service(does={"encrypt-data": lambda _: SILENT})
    with asking(service) as client:
        service.does["list-keys"] = lambda _: SILENT
        with pytest.raises(Lost, match="other requests are not served either"):
            client.ask("encrypt", key_id=KEY, plaintext="x")
        assert not is_accused(client)


def test_a_target_that_throttles_is_not_accused() -> None:
    service = Service(does={"encrypt-data": lambda time: PAGE if time == 1 else SILENT})
    with asking(service) as client:
        with pytest.raises(Inconclusive):
            client.ask("encrypt", key_id=KEY, plaintext="x")
        assert not is_accused(client)
    assert service.asked["encrypt-data"] <= 4


def test_a_target_that_throttles_the_look_between_two_attempts_is_not_accused() -> None:
    service = Service(does={"encrypt-data": lambda _: SILENT})
    with asking(service) as client:
        service.does["list-keys"] = lambda _: PAGE
        with pytest.raises(Lost):
            client.ask("encrypt", key_id=KEY, plaintext="x")
        assert not is_accused(client)


def test_a_network_that_loses_much_has_to_lose_more_before_anybody_is_accused() -> None:
    service = Service(does={"encrypt-data": lambda time: MALFORMED if time % 3 == 0 else SILENT})
    with asking(service) as client:
        for _ in range(4):
            assert client.ask("encrypt", key_id=KEY, plaintext="x").status == 400
        service.does["encrypt-data"] = lambda _: SILENT
        with pytest.raises(Lost):
            client.ask("encrypt", key_id=KEY, plaintext="x")
        assert not is_accused(client)


def test_what_never_answers_in_time_costs_a_few_time_outs_and_no_more() -> None:
    service = Service(does={"encrypt-data": lambda _: SILENT}, never=True)
    with asking(service, timeout_seconds=0.2) as client:
        for _ in range(10):
            with pytest.raises(Unanswered):
                client.ask("encrypt", key_id=KEY, plaintext="x")
        assert is_accused(client)
    assert service.asked["encrypt-data"] == 3


def test_what_may_still_be_at_work_is_not_sent_again() -> None:
    service = Service(does={"schedule-key-deletion": lambda _: SILENT}, never=True, carries_out=False)
    # The key reads as before: the service may be about to change it.
    with asking(service, timeout_seconds=0.2) as client, pytest.raises(Lost):
        schedule(client)
    assert service.asked["schedule-key-deletion"] == 1


def test_what_one_request_has_shown_is_not_held_against_one_of_another_form() -> None:
    service = Service(does={"cancel-key-deletion": lambda time: SILENT if time < 5 else MALFORMED})
    with asking(service) as client:
        plain = client.dialect.request("cancel", {"key_id": KEY})
        with pytest.raises(Unanswered):
            client.send(client.dialect.with_body(plain, b"[]"), client.api["cancel"])
        assert client.send(client.dialect.with_body(plain, b"null"), client.api["cancel"]).status == 400
        assert silences(client) == [1]


def test_requests_of_one_form_differ_in_values_alone() -> None:
    def form(body: bytes, query: str = "") -> str:
        return form_of(Request("POST", f"http://127.0.0.1/{query}", body=body))

    assert form(b'{"a": "1", "b": 2}') == form(b'{"b": 7, "a": ""}') != form(b'{"a": 1, "b": 2}')
    assert form(b"a=1&b=2") == form(b"b=3&a=") != form(b"a=1")
    assert form(b"", "?x=1&y=2") == form(b"", "?y=&x=") != form(b"", "?x=1")
    assert len({form(b) for b in (b"", b"[]", b"null", b"{}", b"\xff", b"\x00", b"{" * 9, b"{" * 5000)}) == 8
