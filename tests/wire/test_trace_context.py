"""The headers by which a log line is found: never signed, drawn apart from all else, the same from the same seed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from loopback import LIMITS, Loopback, reply

from kms_conformance.auth import Signer
from kms_conformance.auth.acs3 import Acs3Signer
from kms_conformance.auth.rpc import RpcV1Signer
from kms_conformance.auth.sdk_hmac import SdkHmacSigner
from kms_conformance.auth.sigv4 import SigV4Signer
from kms_conformance.auth.token import TokenSigner
from kms_conformance.core.runtime import Chance
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import Session
from kms_conformance.wire.trace_context import TraceContext, state_value
from kms_conformance.wire.world import World

# W3C Trace Context, 3.2.2: version, trace-id, parent-id, trace-flags.
PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-01")
STATE = re.compile(r"kms-conformance=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
REQUEST = Request("POST", "https://kms.example.com/v1/x?a=1", (("Content-Type", "application/json"),), b"{}")
FIXED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIGNERS: dict[str, Callable[[], Signer]] = {
    "rpc v1": lambda: RpcV1Signer("id", "secret", None, lambda: FIXED, lambda: "n" * 32),
    "acs3": lambda: Acs3Signer("id", "secret", "token", lambda: FIXED, lambda: "n" * 32),
    "sdk hmac": lambda: SdkHmacSigner("id", "secret", "project", "token", lambda: FIXED),
    "sigv4": lambda: SigV4Signer("id", "secret", "eu-central-1", "token", lambda: FIXED),
    "token": lambda: TokenSigner("t" * 20, "project"),
}


def parents(context: TraceContext, count: int) -> list[tuple[str, str]]:
    found = []
    for _ in range(count):
        request = context.added_to(REQUEST)
        match = PARENT.fullmatch(request.header("traceparent") or "")
        assert match, request.headers
        assert STATE.fullmatch(request.header("tracestate") or "")
        found.append((match[1], match[2]))
    return found


def test_a_check_is_a_trace_and_each_request_has_an_id_of_its_own() -> None:
    context = TraceContext(Chance.of("1 x"))
    before = parents(context, 2)
    context.begin("window::test_bound[minimum]")
    during = parents(context, 3)
    assert [len({trace for trace, _ in each}) for each in (before, during)] == [1, 1]
    assert before[0][0] != during[0][0]
    assert len({parent for _, parent in before + during}) == 5
    assert context.added_to(REQUEST).header("tracestate") == "kms-conformance=window::test_bound[minimum]"


def test_the_same_seed_gives_the_same_ids_and_another_seed_gives_others() -> None:
    drawn = [parents(TraceContext(Chance.of(seed)), 3) for seed in ("1 x", "1 x", "2 x")]
    assert drawn[0] == drawn[1]
    assert {*drawn[0]}.isdisjoint(drawn[2])


def test_nothing_else_of_a_run_is_drawn_otherwise_because_of_these_headers() -> None:
    plain, used = Chance.of("1 x"), Chance.of("1 x")
    parents(TraceContext(used), 5)
    assert plain.hex(16) == used.hex(16)
    assert Chance.of("1 x").derived("trace context").hex(16) != Chance.of("1 x").hex(16)


@pytest.mark.parametrize("name", SIGNERS)
def test_no_signature_covers_the_headers(name: str) -> None:
    """The session adds them after signing; a request that is signed a second time is signed as if it had none."""
    context = TraceContext(Chance.of("1 x"))
    traced = context.added_to(REQUEST)
    plain, again = SIGNERS[name]().sign(REQUEST), SIGNERS[name]().sign(traced)
    assert again.without_headers("traceparent", "tracestate") == plain
    assert not re.search("trace(parent|state)", f"{plain.url} {plain.header('Authorization')}", re.IGNORECASE)
    assert context.added_to(plain).without_headers("traceparent", "tracestate") == plain


def test_a_session_sends_them_only_where_it_is_told_to() -> None:
    with Loopback(reply()) as server:
        url = f"{server.url}/"
        for correlation in (True, False):
            world = World(chance=Chance.of("1 x"))
            with Session(LIMITS, [url], world=world, correlation=correlation) as session:
                session.trace.begin("a::b")
                exchange = session.send(Request("GET", url))
            # Reports show the request that was sent.
            assert (exchange.request.header("traceparent") is not None) == correlation
        told, untold = server.requests
    assert b"\r\ntracestate: kms-conformance=a::b\r\n" in told
    assert b"trace" not in untold


def test_a_request_has_each_header_once() -> None:
    context = TraceContext(Chance.of("1 x"))
    twice = context.added_to(replace(REQUEST, headers=(("TraceParent", "00-a"), ("tracestate", "b=c"))))
    assert [name.lower() for name, _ in twice.headers] == ["traceparent", "tracestate"]


@pytest.mark.parametrize(
    ("check", "value"),
    [
        ("cancel::test_x[a-b]", "cancel::test_x[a-b]"),
        ("x::test[a,b=c]", "x::test[a_b_c]"),
        ("x::tést\n[\x00] ", "x::t_st_[_]"),
        ("x" * 300, "x" * 256),
    ],
)
def test_any_name_of_a_check_becomes_a_value(check: str, value: str) -> None:
    assert state_value(check) == value
