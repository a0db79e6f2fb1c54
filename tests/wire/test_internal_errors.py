"""What follows from an internal error: what is sent again, what is an observation, and what is a failure."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from loopback import reply
from test_asking_again import JSON, KEY
from test_silence import JUDGES, MALFORMED, Service, asking, schedule

from kms_conformance.client.judge import Judgement, Lost, Undecided
from kms_conformance.client.target_client import Client

FAILED = reply(b'{"error": {"error_code": "KMS.0101", "error_msg": "x"}}', "HTTP/1.1 500 Internal Server Error", JSON)
PENDING = reply(b'{"error": {"error_code": "KMS.1402", "error_msg": "x"}}', "HTTP/1.1 400 Bad Request", JSON)
BUSY = reply(b'{"error": {"error_code": "KMS.0104", "error_msg": "x"}}', "HTTP/1.1 503 Unavailable", JSON)
PROXY = reply(b"<html>", "HTTP/1.1 502 Bad Gateway", "Content-Type: text/html")
BARE = reply(b"", "HTTP/1.1 500 Internal Server Error")
ENCRYPT = "encrypt-data"
SCHEDULE = "schedule-key-deletion"


class Moving(Service):
    """A key with a field that no page knows and that is another one in each description."""

    def as_usual(self, operation: str) -> bytes:
        usual = super().as_usual(operation)
        if operation != "describe-key":
            return usual
        info = json.loads(usual.partition(b"\r\n\r\n")[2])
        info["key_info"]["asked"] = str(self.asked[operation])
        return reply(json.dumps(info).encode(), "HTTP/1.1 200 OK", JSON)


def failures(client: Client) -> list[Judgement]:
    return [each for each in JUDGES[client].failures if each.requirement == "reply.no-server-error"]


def accused(client: Client) -> set[str]:
    """The requirements that failed, without those on successes: the bodies of this service are short of fields."""
    failed = {each.requirement for each in JUDGES[client].failures}
    return {name for name in failed if name.startswith(("reply.", "error."))}


def observations(client: Client) -> dict[str, int]:
    return JUDGES[client].observations


def encrypt(client: Client) -> int:
    return client.ask("encrypt", key_id=KEY, plaintext="x").status


def first(answer: bytes, number: int = 1) -> Callable[[int], bytes]:
    return lambda time: answer if time <= number else MALFORMED


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("error", [FAILED, BARE], ids=["documented", "without a body"])
def test_an_error_that_is_gone_when_asked_again_is_an_observation(error: bytes, number: int) -> None:
    service = Service(does={ENCRYPT: first(error, number)})
    with asking(service) as client:
        assert encrypt(client) == 400
        assert JUDGES[client].failures == []
        (text,) = observations(client)
        assert text.startswith("encrypt-data: 500")
        assert text.endswith("; answered when it was sent again")
    assert service.asked[ENCRYPT] == number + 1


def test_an_error_that_repeats_is_a_failure_that_cites_each_exchange() -> None:
    service = Service(does={ENCRYPT: lambda _: FAILED})
    with asking(service) as client:
        assert encrypt(client) == 500
        (failure,) = failures(client)
        assert "500 KMS.0101, 3 times in a row" in failure.received
        assert len(set(failure.exchanges)) == 3
        assert observations(client) == {}
        # What is known to fail is not sent again.
        assert encrypt(client) == 500
    assert service.asked[ENCRYPT] == 4


def test_an_error_without_a_body_that_repeats_breaks_the_rules_for_bodies_too() -> None:
    with asking(Service(does={ENCRYPT: lambda _: BARE})) as client:
        assert encrypt(client) == 500
        assert accused(client) == {"reply.no-server-error", "reply.encoding"}


def test_no_request_is_sent_again_without_an_error() -> None:
    service = Service()
    with asking(service) as client:
        schedule(client)
        assert (accused(client), observations(client)) == (set(), {})
    assert service.asked.total() == 3


def test_a_change_that_was_not_carried_out_is_sent_again() -> None:
    service = Service(carries_out=False)

    def answer(time: int) -> bytes:
        service.carries_out = True
        return FAILED if time == 1 else service.as_usual(SCHEDULE)

    service.does[SCHEDULE] = answer
    with asking(service) as client:
        schedule(client)
        assert (failures(client), list(observations(client).values())) == ([], [1])
    assert (service.asked[SCHEDULE], service.state) == (2, "4")


def test_a_field_that_moves_by_itself_does_not_hide_that_a_change_was_not_carried_out() -> None:
    service = Moving(does={SCHEDULE: first(FAILED)}, carries_out=False)
    with asking(service) as client:
        schedule(client)
        assert (failures(client), list(observations(client).values())) == ([], [1])
    assert service.asked[SCHEDULE] == 2


def test_a_change_that_was_carried_out_is_not_sent_again() -> None:
    service = Service(does={SCHEDULE: first(FAILED)})
    with asking(service) as client:
        with pytest.raises(Undecided, match="may have been carried out"):
            schedule(client)
        assert (failures(client), list(observations(client).values())) == ([], [1])
    assert service.asked[SCHEDULE] == 1


def test_a_change_that_fails_each_time_though_it_is_carried_out_is_a_failure() -> None:
    service = Service(does={SCHEDULE: lambda _: FAILED})
    with asking(service) as client:
        for _ in range(3):
            service.state = "2"
            with pytest.raises(Undecided):
                schedule(client)
        (failure,) = failures(client)
        assert len(failure.exchanges) == 3
    assert service.asked[SCHEDULE] == 3


@pytest.mark.parametrize("carried_out", [False, True])
def test_of_a_key_that_was_not_read_before_only_an_acceptance_counts(carried_out: bool) -> None:
    def answer(time: int) -> bytes:
        return FAILED if time == 1 else PENDING if carried_out else service.as_usual(SCHEDULE)

    service = Service(does={SCHEDULE: answer})
    with asking(service) as client:
        if carried_out:
            with pytest.raises(Undecided):
                client.ask("schedule", key_id=KEY, window=7)
        else:
            assert client.ask("schedule", key_id=KEY, window=7).accepted
        assert failures(client) == []
    assert service.asked[SCHEDULE] == 2


def test_a_fuzzed_request_that_names_our_key_and_always_fails_is_a_failure() -> None:
    service = Service(does={"cancel-key-deletion": lambda _: FAILED})
    with asking(service) as client:
        assert client.ask("describe", key_id=KEY).accepted
        plain = client.dialect.request("cancel", {"key_id": KEY})
        odd = client.dialect.with_body(plain, f'{{"key_id": "{KEY}", "sequence": []}}'.encode())
        assert client.send(odd, client.api["cancel"]).status == 500
        assert len(failures(client)) == 1
    assert service.asked["cancel-key-deletion"] == 3


@pytest.mark.parametrize("answer", [BUSY, PROXY], ids=["503 of the service", "502 of a proxy"])
def test_an_unavailable_service_is_asked_again_and_never_accused(answer: bytes) -> None:
    service = Service(does={SCHEDULE: lambda _: answer}, carries_out=False)
    with asking(service) as client:
        with pytest.raises(Lost, match="not serving at the moment"):
            schedule(client)
        service.does[SCHEDULE] = first(answer, service.asked[SCHEDULE] + 1)
        assert client.ask("describe", key_id=KEY).accepted
        assert client.ask("schedule", key_id=KEY, window=7).status == 400
        assert accused(client) == set()
    assert service.asked[SCHEDULE] == 3 + 2


def test_errors_that_are_gone_each_time_are_a_failure_where_they_are_frequent() -> None:
    service = Service(does={ENCRYPT: lambda time: FAILED if time % 7 == 0 else MALFORMED})
    with asking(service) as client:
        for _ in range(27):
            encrypt(client)
        assert failures(client) == []
        for _ in range(7):
            encrypt(client)
        (failure,) = failures(client)
        assert "5 of" in failure.received
        assert len(failure.exchanges) == 5


def test_errors_that_are_gone_each_time_are_no_failure_where_they_are_rare() -> None:
    service = Service(does={ENCRYPT: lambda time: FAILED if time % 40 == 0 else MALFORMED})
    with asking(service) as client:
        for _ in range(400):
            encrypt(client)
        assert failures(client) == []
        assert list(observations(client).values()) == [10]


def test_a_target_that_serves_nobody_is_not_accused() -> None:
    service = Service(does={ENCRYPT: lambda _: FAILED})
    with asking(service) as client:
        service.does["list-keys"] = lambda _: FAILED
        with pytest.raises(Undecided, match="does not serve"):
            encrypt(client)
        assert failures(client) == []
