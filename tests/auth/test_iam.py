from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kms_conformance.auth import PasswordAuth, SignerFactory, SignInFailed, project_of
from kms_conformance.auth.iam import PasswordSigner
from kms_conformance.target.model import Limits
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import Session

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROJECT = "0123456789abcdef0123456789abcdef"
PLAIN = Request("POST", "https://kms.example.com/v1.0/p/kms/list-keys")


@dataclass
class Identity:
    """An identity service that answers as a test tells it, and keeps what it was asked."""

    status: int = 201
    expires_at: object = "2999-01-02T00:00:00.000000Z"
    token: str | None = "token-{}"
    project: object = PROJECT
    body: bytes | None = None
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    media_types: set[str | None] = field(default_factory=set)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["Content-Length"])
        self.asked.append((handler.path, json.loads(handler.rfile.read(length))))
        self.media_types.add(handler.headers["Content-Type"])
        token = {"expires_at": self.expires_at, "project": {"id": self.project, "name": "eu-de"}}
        body = json.dumps({"token": token}).encode() if self.body is None else self.body
        handler.send_response(self.status)
        if self.token is not None:
            handler.send_header("X-Subject-Token", self.token.format(len(self.asked)))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def identity() -> Iterator[Identity]:
    service = Identity()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            service.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield service
    server.shutdown()
    server.server_close()


@pytest.fixture
def session(identity: Identity) -> Iterator[Session]:
    with Session(Limits(timeout_seconds=2), [identity.url, "https://kms.example.com"]) as found:
        yield found


def auth(identity: Identity, suffix: str = "") -> PasswordAuth:
    return PasswordAuth("robot", "pässword", "OTC-EU", "eu-de", identity.url + suffix)


@dataclass
class Clock:
    time: datetime = NOW

    def __call__(self) -> datetime:
        return self.time


@pytest.mark.parametrize("suffix", ["", "/v3"])
def test_a_password_is_traded_for_a_token_of_the_project(identity: Identity, session: Session, suffix: str) -> None:
    signer = SignerFactory(session)(auth(identity, suffix))
    assert project_of(signer) == PROJECT
    assert signer.sign(PLAIN).headers == (("X-Auth-Token", "token-1"),)
    assert identity.media_types == {"application/json"}
    domain = {"name": "OTC-EU"}
    user = {"name": "robot", "password": "pässword", "domain": domain}
    assert identity.asked == [
        (
            "/v3/auth/tokens",
            {
                "auth": {
                    "identity": {"methods": ["password"], "password": {"user": user}},
                    "scope": {"project": {"name": "eu-de", "domain": domain}},
                }
            },
        )
    ]


def test_a_token_is_renewed_ten_minutes_before_it_expires(identity: Identity, session: Session) -> None:
    clock, identity.expires_at = Clock(), "2026-01-02T00:00:00.000000Z"
    signer = PasswordSigner(auth(identity), session, clock)
    for hours, token in ((0, "token-1"), (23.83, "token-1"), (23.84, "token-2"), (25, "token-3")):
        clock.time = NOW + timedelta(hours=hours)
        assert signer.sign(PLAIN).header("X-Auth-Token") == token


@pytest.mark.parametrize(
    ("expires_at", "lives"),
    [
        ("2026-01-01T00:10:00Z", timedelta(minutes=5)),  # a short life is halved
        ("2026-01-01T01:00:00", timedelta(minutes=50)),  # without a zone it is universal time
        ("2026-01-01T09:00:00+08:00", timedelta(minutes=50)),
        ("2025-01-01T00:00:00Z", timedelta(minutes=1)),  # over by the service's clock, perhaps not by the endpoint's
        (None, timedelta(minutes=50)),
        ("tomorrow", timedelta(minutes=50)),
    ],
)
def test_every_end_of_life_is_understood(
    identity: Identity, session: Session, expires_at: object, lives: timedelta
) -> None:
    clock, identity.expires_at = Clock(), expires_at
    signer = PasswordSigner(auth(identity), session, clock)
    for moment, token in ((timedelta(), "token-1"), (lives - timedelta(seconds=1), "token-1"), (lives, "token-2")):
        clock.time = NOW + moment
        assert signer.sign(PLAIN).header("X-Auth-Token") == token


def test_a_factory_s_clock_tells_when_a_token_is_renewed(identity: Identity, session: Session) -> None:
    clock, identity.expires_at = Clock(), "2026-01-01T01:00:00Z"
    signer = SignerFactory(session)(auth(identity), now=clock)
    for token in ("token-1", "token-2"):
        assert signer.sign(PLAIN).header("X-Auth-Token") == token
        clock.time += timedelta(hours=1)


def test_threads_sign_in_once(identity: Identity, session: Session) -> None:
    signer = PasswordSigner(auth(identity), session, Clock())
    threads = [threading.Thread(target=signer.sign, args=(PLAIN,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(identity.asked) == 1


def test_one_factory_signs_in_once(identity: Identity, session: Session) -> None:
    factory = SignerFactory(session)
    for _ in range(3):
        assert factory(auth(identity)).sign(PLAIN).header("X-Auth-Token") == "token-1"
    assert factory(auth(identity, "/v3")).sign(PLAIN).header("X-Auth-Token") == "token-2"


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404])
def test_a_refused_password_is_not_tried_again(identity: Identity, session: Session, status: int) -> None:
    identity.status = status
    signer = PasswordSigner(auth(identity), session)
    for _ in range(3):
        with pytest.raises(SignInFailed) as raised:
            signer.sign(PLAIN)
    assert len(identity.asked) == 1
    what, why, hint = str(raised.value).split("\n")
    assert what == f"The identity service at {identity.url} did not issue a token."
    assert why == f"The reply has the status {status}."
    assert hint == "Check `auth`: username, password, domain and project."


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_service_in_trouble_is_asked_again(identity: Identity, session: Session, status: int) -> None:
    identity.status = status
    signer = PasswordSigner(auth(identity), session)
    with pytest.raises(SignInFailed) as raised:
        signer.sign(PLAIN)
    what = f"The identity service at {identity.url} did not issue a token."
    assert str(raised.value) == f"{what}\nThe reply has the status {status}.\nTry again later."
    identity.status = 201
    assert signer.sign(PLAIN).header("X-Auth-Token") == "token-2"


@pytest.mark.parametrize(
    "answer",
    [
        {"token": None},
        {"body": b""},
        {"body": b"[]"},
        {"body": b'{"token": []}'},
        {"project": None},
        {"project": ""},
        {"project": "../.."},
        {"project": 5},
    ],
)
def test_a_reply_without_token_or_project_is_no_sign_in(
    identity: Identity, session: Session, answer: dict[str, object]
) -> None:
    for name, value in answer.items():
        setattr(identity, name, value)
    with pytest.raises(SignInFailed) as raised:
        PasswordSigner(auth(identity), session).sign(PLAIN)
    assert (raised.value.why, raised.value.hint) == (
        "The reply contains no token or no project.",
        "Check that `auth.iam_url` is an identity service v3.",
    )


def test_a_service_that_nobody_runs_is_no_sign_in(identity: Identity) -> None:
    gone = "http://127.0.0.1:9"
    with Session(Limits(timeout_seconds=1), [gone]) as session, pytest.raises(SignInFailed) as raised:
        PasswordSigner(PasswordAuth("u", "p", "d", "p", gone), session).sign(PLAIN)
    assert raised.value.why.startswith("There was no reply: no connection")
    assert raised.value.hint == "Check `auth.iam_url`."
