"""Every run ends: what lets requests wait, or drips its replies, draws on one budget of time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest
from loopback import Loopback
from test_asking_again import LISTED, THROTTLED, client_of
from test_silence import Hurried

from kms_conformance.client.backoff import Backoff
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.target_client import Client

TIMEOUT = 10.0
MINUTE = 60.0


class Told(Hurried):
    """A clock that moves only when it is told to."""

    def monotonic(self) -> float:
        return self.slept


def until_it_ends(backoff: Backoff, ask: Callable[[int], None], most: int, interval: float = 0.0) -> int:
    """How many requests are sent before patience runs out, `most` if it does not."""
    for sent in range(most):
        try:
            backoff.check(backoff.clock.monotonic(), sent)
            backoff.clock.sleep(interval)
            ask(sent)
        except Inconclusive:
            return sent
    return most


def test_retry_after_nothing_is_still_a_pause_and_the_time_that_passes_counts() -> None:
    clock = Told()
    backoff = Backoff(TIMEOUT, clock)
    pauses = []

    def ask(_: int) -> None:
        since = clock.monotonic()
        attempt = 0
        while clock.monotonic() < since + 55:
            before = clock.monotonic()
            backoff.pause(attempt, since, 0.0, "429")
            pauses.append(clock.monotonic() - before)
            attempt += 1

    served = until_it_ends(backoff, ask, 1000)
    assert min(pauses) >= 0.25
    assert served < 20
    assert clock.monotonic() < 17 * MINUTE
    with pytest.raises(Inconclusive, match="14 min were spent on retries"):
        backoff.check(clock.monotonic(), served)


def test_replies_that_are_always_late_end_the_run_with_the_reason_and_the_next_step() -> None:
    clock = Told()
    backoff = Backoff(TIMEOUT, clock)

    def ask(_: int) -> None:
        clock.sleep(9.9)
        backoff.note_outcome(None, 9.9)

    served = until_it_ends(backoff, ask, 1000)
    assert served < 200
    assert clock.monotonic() < 30 * MINUTE
    with pytest.raises(Inconclusive, match=r"took .* min .* replies took 9\.9 s each") as ended:
        backoff.check(clock.monotonic(), served)
    assert "tier" in ended.value.hint


@pytest.mark.parametrize(
    ("promised", "took"),
    [(None, 0.5), (None, 1.9), (0.2, 0.5), (2.0, 0.0)],
    ids=["usual", "slow", "paced", "2 a second"],
)
def test_a_slow_service_and_a_user_who_wants_few_requests_are_borne(promised: float | None, took: float) -> None:
    clock = Told()
    backoff = Backoff(TIMEOUT, clock, 0.0 if promised is None else 1 / promised)

    def ask(_: int) -> None:
        clock.sleep(took)
        backoff.note_outcome(None, took)

    assert until_it_ends(backoff, ask, 5000, 0.0 if promised is None else 1 / promised) == 5000


def test_the_time_in_which_nothing_was_asked_is_not_the_targets() -> None:
    clock = Told()
    backoff = Backoff(TIMEOUT, clock)
    for hour in range(5):
        backoff.check(clock.monotonic(), hour)
        clock.sleep(60 * MINUTE)


def test_keys_are_let_go_in_a_time_of_their_own() -> None:
    clock = Told()
    backoff = Backoff(TIMEOUT, clock)

    def ask(_: int) -> None:
        clock.sleep(9.9)

    until_it_ends(backoff, ask, 1000)
    backoff.renew()
    again = until_it_ends(backoff, ask, 1000)
    assert 10 < again < 200


def ask_on(client: Client) -> None:
    for _ in range(1000):
        client.ask("list")


def test_a_target_that_asks_to_come_again_at_once_for_ever_ends_the_run() -> None:
    clock = Hurried()
    again = THROTTLED.replace(b"\r\n\r\n", b"\r\nRetry-After: 0\r\n\r\n", 1)
    started = [clock.monotonic()]

    def script(connection: socket.socket, _: bytes) -> None:
        if clock.monotonic() - started[0] < 55:
            connection.sendall(again)
        else:
            started[0] = clock.monotonic()
            connection.sendall(LISTED)

    with Loopback(script) as server:
        client = client_of(server, TIMEOUT, clock)
        began = clock.monotonic()
        with pytest.raises(Inconclusive, match="serve"):
            ask_on(client)
        # A quarter of an hour, and two seconds for each request.
        assert clock.monotonic() - began < 18 * MINUTE
        client.close()


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_target_that_drips_every_reply_ends_the_run(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kms_conformance.client.backoff._WHOLE_RUN", 2)
    monkeypatch.setattr("kms_conformance.client.backoff._A_REQUEST_SECONDS", 0.05)

    def script(connection: socket.socket, _: bytes) -> None:
        place = 20 if part == "head" else LISTED.index(b"\r\n\r\n") + 6
        connection.sendall(LISTED[:place])
        for at in range(place, place + 6):
            time.sleep(0.05)
            connection.sendall(LISTED[at : at + 1])
        connection.sendall(LISTED[place + 6 :])

    with Loopback(script) as server:
        client = client_of(server, 0.6)
        began = time.monotonic()
        with pytest.raises(Inconclusive, match="replies took"):
            ask_on(client)
        # Two time-outs for the whole run, and a twentieth of a second for each request.
        assert time.monotonic() - began < 2 * 0.6 + 2
        client.close()
