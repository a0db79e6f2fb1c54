"""A way to sign in that somebody adds from outside: one file, and nothing of the package is changed."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jsonschema_rs
import pytest

from kms_conformance.auth import SignerFactory, sabotages, signer_for
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.suite import test_authentication
from kms_conformance.target import Target, TargetError, load_target
from kms_conformance.target.registry import GROUP, register, unregister, ways
from kms_conformance.target.schema import schema
from kms_conformance.wire.exchange_log import ExchangeLog
from kms_conformance.wire.messages import Request
from kms_conformance.wire.secrets.redactor import Redactor
from kms_conformance.wire.session import Session

WAY = '''
"""A client's name, the time, and an HMAC over both and the request, in one header."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace

from kms_conformance.auth.sabotage import Changed, without_credentials
from kms_conformance.auth.scheme import Sabotage
from kms_conformance.auth.scheme import CREDENTIAL, TEXT, Scheme


@dataclass(frozen=True)
class ClientHmacAuth(Scheme):
    way = "client_hmac"
    title = "a client's name and a secret that signs requests"
    dialects = ("huawei",)
    like = "aksk"
    scope_key = "client"
    wrong_value = ("shared_secret", "wrong_signature")
    headers = ("X-Client-Proof",)
    token_headers = ("X-Client-Proof",)

    client: str = field(metadata=TEXT)
    shared_secret: str = field(repr=False, metadata=CREDENTIAL)

    def signer(self, tools):
        return ClientHmacSigner(self.client, self.shared_secret, tools.now)

    def sabotages(self, tools):
        mistaken = replace(self, shared_secret=tools.chance.fork().other(self.shared_secret))
        return (
            Sabotage("missing", "no_credentials", Changed(tools.factory(self), without_credentials)),
            Sabotage("wrong_secret", "wrong_signature", tools.factory(mistaken)),
            Sabotage("stale", "stale_signature", tools.factory(self, now=tools.stale)),
        )


@dataclass(frozen=True)
class ClientHmacSigner:
    client: str
    shared_secret: str = field(repr=False)
    now: object

    def sign(self, request):
        stamp = str(int(self.now().timestamp()))
        text = f"{self.client} {stamp} {request.method} {request.target} ".encode() + request.body
        proof = hmac.new(self.shared_secret.encode(), text, hashlib.sha256).hexdigest()
        return request.with_header("X-Client-Proof", f"{self.client}:{stamp}:{proof}")
'''
SECRET = "gT7-shared-between-two-4Kq9"
BODY = b'{"key_id": "k"}'


@dataclass
class Verifier:
    """A server that knows one client, and sends back all that it was sent."""

    url: str = ""
    now: float = 0.0
    proofs: list[str] = field(default_factory=list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"] or 0))
        given = handler.headers["X-Client-Proof"] or ""
        self.proofs.append(given)
        client, _, rest = given.partition(":")
        stamp, _, proof = rest.partition(":")
        text = f"{client} {stamp} {handler.command} {handler.path} ".encode() + body
        right = hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
        good = client == "robot" and hmac.compare_digest(proof, right) and abs(int(stamp) - self.now) < 900
        echo = json.dumps({"echo": given, "secret": SECRET}).encode()
        handler.send_response(200 if good else 401)
        handler.send_header("X-Said", SECRET)
        handler.send_header("Content-Length", str(len(echo)))
        handler.end_headers()
        handler.wfile.write(echo)


@pytest.fixture
def server() -> Iterator[Verifier]:
    service = Verifier()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            service.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        service.url = f"http://127.0.0.1:{listener.server_address[1]}"
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield service
        listener.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder outside of the package, with the one file of the way."""
    added = tmp_path / "added"
    added.mkdir()
    (added / "client_hmac_way.py").write_text(WAY)
    return added


@pytest.fixture
def added(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(folder))
    kind = importlib.import_module("client_hmac_way").ClientHmacAuth
    register(kind)
    yield folder
    unregister(kind)
    del sys.modules["client_hmac_way"]


def written(folder: Path, url: str, auth: str) -> Path:
    path = folder.parent / "target.yaml"
    path.write_text(f"name: toy\ndialect: huawei\nbase_url: {url}\nauth: {auth}\n")
    return path


@pytest.fixture
def target(added: Path, server: Verifier, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv("SHARED", SECRET)
    return load_target(written(added, server.url, '{client: robot, shared_secret: "${SHARED}"}'))


def call(server: Verifier) -> Request:
    return Request("POST", f"{server.url}/v1.0/kms/describe-key?a=1", (("Content-Type", "application/json"),), BODY)


def test_a_way_is_one_file(added: Path, target: Target) -> None:
    files = [path.name for path in added.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert files == ["client_hmac_way.py"]
    assert len(files) == 1
    assert [kind.way for kind in ways()] == ["token", "password", "aksk", "rpc", "sigv4", "client_hmac"]


def test_its_keys_are_those_of_target_files_and_its_secret_is_one(target: Target) -> None:
    assert (target.auth.way, target.auth.scope, target.secrets) == ("client_hmac", "robot", {SECRET})
    assert SECRET not in repr(target)
    document = {"name": "t", "dialect": "huawei", "base_url": "https://h"}
    good = document | {"auth": {"client": "robot", "shared_secret": SECRET}}
    jsonschema_rs.meta.validate(schema())
    assert jsonschema_rs.is_valid(schema(), good)
    assert not jsonschema_rs.is_valid(schema(), document | {"auth": {"client": "robot"}})


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ("{client: robot, sharedsecret: abcdefgh}", "Did you mean `shared_secret`?"),
        ("{client: robot}", "Add `shared_secret: ${KMS_SECRET}`."),
        ("{client: robot, shared_secret: abcdefgh, username: u}", "`auth` mixes ways to sign in: password (username)"),
        ("{}", "aksk (access_key_id, access_key_secret, project_id); client_hmac (client, shared_secret)."),
    ],
)
def test_mistakes_in_its_keys_are_told_as_for_the_built_in_ways(added: Path, auth: str, said: str) -> None:
    with pytest.raises(TargetError) as raised:
        load_target(written(added, "https://kms.example.com", auth))
    assert said in str(raised.value)


def test_its_requests_are_served_and_each_of_its_sabotages_is_refused(target: Target, server: Verifier) -> None:
    with Session(target.limits, target.urls) as session:
        server.now = session.world.clock.now().timestamp()
        right = session.send(signer_for(target, session).sign(call(server)))
        assert right.reply is not None
        assert right.reply.status == 200
        for sabotage in sabotages(target, SignerFactory(session)):
            wrong = session.send(sabotage.signer.sign(call(server)))
            assert wrong.reply is not None
            assert wrong.reply.status == 401, sabotage.name
    # Nothing, a wrong proof, an old one.
    assert [len(proof) > 64 for proof in server.proofs] == [True, False, True, True]


def test_its_sabotages_are_those_that_the_checks_of_authentication_ask_for(target: Target) -> None:
    [faults] = [
        mark.args[1] for mark in test_authentication.test_request_is_refused.pytestmark if mark.name == "parametrize"
    ]
    with Session(target.limits, target.urls) as session:
        offered = [each.name.replace("_", "-") for each in sabotages(target, SignerFactory(session))]
    assert offered == ["missing", "wrong-secret", "stale"]
    assert all(any(name.startswith(fault) for fault in faults) for name in offered)


def test_the_requirements_of_the_way_that_it_is_like_hold_for_it(target: Target) -> None:
    profile = Profile.load("huawei")
    held = {
        requirement.id
        for requirement in Catalogue.load("huawei")
        if requirement.not_applicable_because(profile, target.auth.way, target.auth.like) is None
    }
    assert {"auth.missing", "auth.wrong-secret", "auth.stale"} <= held
    assert "auth.garbage" not in held


def test_a_recorded_exchange_holds_neither_its_secret_nor_its_proof(target: Target, server: Verifier) -> None:
    log = ExchangeLog(Redactor.of(target))
    with Session(target.limits, target.urls) as session:
        log.add("describe", session.send(signer_for(target, session).sign(call(server))))
    [record] = log.records()
    shown = json.dumps(record.as_json())
    [proof] = server.proofs
    assert dict(record.request_headers)["X-Client-Proof"] == "[redacted:X_CLIENT_PROOF]"
    assert (SECRET in shown, proof in shown) == (False, False)
    assert ("[redacted:SHARED]" in shown, "[redacted:TOKEN]" in shown) == (True, True)


def _with_package(folder: Path, entry: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A new process that is given a target file; a package in the folder offers a way by an entry point."""
    about = folder / "client_hmac-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: client-hmac\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\nclient_hmac = {entry}\n")
    path = written(folder, "http://127.0.0.1:1", "{client: robot, shared_secret: abcdefgh}")
    return subprocess.run(
        [sys.executable, *arguments, str(path)],
        env={**os.environ, "PYTHONPATH": str(folder), "KMS_CONFORMANCE_STATE": str(folder / "state")},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_installed_package_offers_its_way_by_an_entry_point(folder: Path) -> None:
    code = "import sys; from kms_conformance.target import load_target; print(load_target(sys.argv[1]).auth)"
    done = _with_package(folder, "client_hmac_way:ClientHmacAuth", "-c", code)
    assert done.stdout == "ClientHmacAuth(client='robot')\n", done.stderr


def test_a_package_whose_way_cannot_be_used_is_named(folder: Path) -> None:
    done = _with_package(folder, "client_hmac_way:Absent", "-m", "kms_conformance", "doctor", "--target")
    assert done.returncode == 2
    assert "The way to sign in client_hmac of client-hmac cannot be used." in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
