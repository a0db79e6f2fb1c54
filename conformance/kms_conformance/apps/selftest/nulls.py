"""Null targets: endpoints that are no KMS, or only resemble one. No requirement of level MUST may pass on them."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Protocol

import yaml

from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, HUAWEI, Prepare
from kms_conformance.apps.selftest.stub_replies import stub_alibaba, stub_aws, stub_huawei
from kms_conformance.core import specs
from kms_conformance.emulator import Emulator


class ReplyStream(Protocol):
    """The stream to which replies are written."""

    def write(self, data: bytes, /) -> object:
        """Send bytes."""
        ...


# Writes the reply to a request; an exception closes the connection.
Answer = Callable[["RawRequest", ReplyStream], None]


@dataclass(frozen=True)
class RawRequest:
    """One unparsed HTTP request: request line, headers with lower-case names, body."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: socket.socket


@dataclass(frozen=True)
class Null:
    """One null target.

    - answer: writes the reply to each request. None: no server listens, or, with `another`, an emulator serves.
    - auth: the way to sign in that the target file names.
    - another: the emulator of another dialect serves.
    - advice: if not empty, the run must end as inconclusive (exit code 3), and every check must say this.
    """

    name: str
    title: str
    answer: Answer | None
    dialects: tuple[str, ...] = ALL
    auth: str | None = None
    another: bool = False
    advice: str = ""

    def serving(self, dialect: str) -> Prepare:
        """Serve the endpoint and yield a target file with its address; see `run_suite`."""

        @contextlib.contextmanager
        def served() -> Iterator[str]:
            if self.another:
                other = next(name for name in specs.emulated() if name != dialect)
                with Emulator(other) as emulator:
                    yield _target(dialect, emulator.base_url, self.auth)
                return
            with _listening(self.answer) as port:
                yield _target(dialect, f"http://127.0.0.1:{port}", self.auth)

        return served


def _target(dialect: str, base_url: str, auth: str | None) -> str:
    """A target file with the emulator's credentials and the address `base_url` of the null target."""
    with Emulator(dialect) as emulator:
        written = emulator.target_yaml(auth).replace(emulator.base_url, base_url)
    target = yaml.safe_load(written)
    del target["time_control"]
    return yaml.safe_dump({**target, "name": f"null-{dialect}", "limits": {"timeout_seconds": 0.3}})


class _Handler(socketserver.StreamRequestHandler):
    """Reads requests and passes them to the server's `answer`."""

    server: _Server

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while request := self._read():
                self.server.answer(request, self.wfile)

    def _read(self) -> RawRequest | None:
        line = self.rfile.readline(65536).decode("latin-1").strip()
        if not line:
            return None
        headers = {}
        while field := self.rfile.readline(65536).decode("latin-1").strip():
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        return RawRequest(line, headers, body, self.connection)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Handler)


@contextlib.contextmanager
def _listening(answer: Answer | None) -> Iterator[int]:
    if answer is None:
        with socket.socket() as unused:
            # The socket is bound but does not listen: the port stays reserved, and connections are refused.
            unused.bind(("127.0.0.1", 0))
            yield unused.getsockname()[1]
        return
    with _Server(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


# --- replies ----------------------------------------------------------------------------------------------------------


def reply(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    """An HTTP reply; `length` replaces the true Content-Length."""
    claimed = len(body) if length is None else length
    lines = (f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Length: {claimed}", *headers, "", "")
    return "\r\n".join(lines).encode() + body


def _always(status: int, body: bytes = b"{}", *headers: str) -> Answer:
    sent = reply(status, body, *(headers or ("Content-Type: application/json",)))
    return lambda _, out: _discard(out.write(sent))


def _redirected(request: RawRequest, out: ReplyStream) -> None:
    """Redirect from http to https, as a proxy does that serves pages."""
    where = f"Location: https://{request.headers['host']}{request.line.split()[1]}"
    out.write(reply(301, _PORTAL, where, _HTML))


def _discard(_: object) -> None:
    """Ignore a value, so that a lambda returns None."""


def _hang(request: RawRequest, _: ReplyStream) -> None:
    while request.connection.recv(65536):
        pass


def _close(request: RawRequest, _: ReplyStream) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


def _endless(_: RawRequest, out: ReplyStream) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        out.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")


def _endless_header(_: RawRequest, out: ReplyStream) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    while True:
        out.write(b"x" * 0x1000)


def _trickle(request: RawRequest, out: ReplyStream) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n")
    request.connection.settimeout(0.05)
    while True:
        out.write(b" ")
        with contextlib.suppress(TimeoutError):
            if not request.connection.recv(1):
                return


@cache
def _bomb() -> bytes:
    # The text is compressed in parts to save memory: this server and the measured run are one process.
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(b" " * 1_000_000) for _ in range(200)) + packer.flush()


def _explode(_: RawRequest, out: ReplyStream) -> None:
    out.write(reply(200, _bomb(), "Content-Type: application/json", "Content-Encoding: gzip"))


def _reset(request: RawRequest, out: ReplyStream) -> None:
    out.write(reply(200, b'{"keys": [', "Content-Type: application/json", length=1000))
    # With SO_LINGER of zero seconds, close() resets the connection.
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def _endless_head(_: RawRequest, out: ReplyStream) -> None:
    out.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        out.write(b"X-More: " + b"x" * 0x1000 + b"\r\n")


def _endless_interim(_: RawRequest, out: ReplyStream) -> None:
    while True:
        out.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


def _fat(_: RawRequest, out: ReplyStream) -> None:
    """Send nearly as many JSON values as the client accepts."""
    entries = b",".join([b'{"a":1}'] * 14_900)
    out.write(reply(200, b'{"keys":[' + entries + b"]}", "Content-Type: application/json"))


def _deep(_: RawRequest, out: ReplyStream) -> None:
    out.write(reply(200, b"[" * 500_000 + b"]" * 500_000, "Content-Type: application/json"))


def _not_http(_: RawRequest, out: ReplyStream) -> None:
    out.write(b"220 mail.example.com ESMTP\r\n")


def _stub(answers: Callable[[str, bytes, str], dict[str, object]]) -> Answer:
    def answer(request: RawRequest, out: ReplyStream) -> None:
        said = answers(
            request.line.split()[1],
            request.body,
            request.headers.get("x-acs-action") or request.headers.get("x-amz-target", ""),
        )
        out.write(reply(200, json.dumps(said).encode(), "Content-Type: application/json"))

    return answer


_XML = "Content-Type: application/xml"
_ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "kmskmskmskms">'
    + b"".join(b'<!ENTITY %c "%s">' % (97 + level, b"&%c;" % (96 + level) * 10) for level in range(1, 10))
    + b"]><KMS><RequestId>&j;</RequestId></KMS>"
)
_PORTAL = b"<html><head><title>Welcome</title></head><body>Please accept our terms.</body></html>"
_HTML = "Content-Type: text/html"

NULLS: tuple[Null, ...] = (
    Null("nothing-listening", "No server listens at the address.", None),
    Null("nothing-listening-at-iam", "No server listens at the address of IAM.", None, (HUAWEI,), "password"),
    Null("empty-iam", "The identity service answers with an empty object.", _always(200), (HUAWEI,), "password"),
    Null("hanging", "Connections are accepted, but never answered.", _hang),
    Null("hanging-up", "Every connection is closed without a reply.", _close),
    Null("always-empty-object", "Every request is answered with an empty object.", _always(200)),
    Null("always-empty-body", "Every request is answered with 200 and no body.", _always(200, b"")),
    Null("always-null", "Every request is answered with null.", _always(200, b"null")),
    Null("always-403", "Every request is answered with 403.", _always(403)),
    Null("always-404", "Every request is answered with 404.", _always(404)),
    Null("always-404-page", "Every request is answered with 404 and an HTML page.", _always(404, _PORTAL, _HTML)),
    Null("always-500", "Every request is answered with 500.", _always(500)),
    Null("always-204", "Every request is answered with 204.", _always(204, b"")),
    Null(
        "captive-portal",
        "Every request is answered with the HTML page of a captive portal.",
        _always(200, _PORTAL, _HTML),
    ),
    Null(
        "redirecting",
        "Every request is redirected to another address.",
        _always(302, b"", "Location: http://127.0.0.1:1/"),
        advice="in `base_url`",
    ),
    Null(
        "redirecting-to-https",
        "Every request is redirected to the same address with https.",
        _redirected,
        advice="Write https://127.0.0.1:",
    ),
    *(
        Null(
            f"always-{status}-page",
            f"Every request is answered with {status} and an HTML page.",
            _always(status, _PORTAL, _HTML),
            advice="Allow-list this machine",
        )
        for status in (403, 418)
    ),
    Null(
        "always-413-page",
        "Every request is answered with 413 and an HTML page.",
        _always(413, _PORTAL, _HTML),
        advice="Raise its limits",
    ),
    Null("endless", "Reply bodies never end.", _endless),
    Null("endless-head", "Reply headers never end.", _endless_head),
    Null("endless-interim", "Interim replies (103) never end.", _endless_interim),
    Null("fat", "Every request is answered with 15,000 small objects.", _fat),
    Null("deep", "Every request is answered with 500,000 nested lists.", _deep),
    Null("always-429", "Every request is throttled with 429.", _always(429)),
    Null(
        "always-429-later",
        "Every request is throttled with 429 and a Retry-After of one hour.",
        _always(429, b"{}", "Retry-After: 3600"),
    ),
    Null("always-503", "Every request is answered with 503 and an HTML page.", _always(503, _PORTAL, _HTML)),
    Null("trickling", "Reply bodies arrive one byte at a time.", _trickle),
    Null("gzip-bomb", "Reply bodies of 200 kB decompress to 200 MB.", _explode),
    Null("resetting", "The connection is reset within the reply body.", _reset),
    Null(
        "invalid-utf-8",
        "Reply bodies are not valid UTF-8.",
        _always(200, b'{"keys": ["\xff\xfe"], "key_id": "\xc3\x28"}'),
    ),
    Null(
        "deep-json",
        "Reply bodies nest JSON objects 100,000 levels deep.",
        _always(200, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    ),
    Null("xml-entities", "XML entities expand to gigabytes.", _always(200, _ENTITIES, _XML)),
    Null("endless-header", "One reply header never ends.", _endless_header),
    Null("another-dialect", "The KMS of another dialect answers.", None, another=True),
    Null("not-http", "A mail server answers.", _not_http),
    Null("yes-man", "Every operation gets a stub success reply, and no state is kept.", _stub(stub_huawei), (HUAWEI,)),
    Null(
        "yes-man", "Every operation gets a stub success reply, and no state is kept.", _stub(stub_alibaba), (ALIBABA,)
    ),
    Null("yes-man", "Every operation gets a stub success reply, and no state is kept.", _stub(stub_aws), (AWS,)),
)
