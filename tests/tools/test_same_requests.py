"""Two versions of the suite compared by their requests: what is random is left out, every other difference is found."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.same_requests.__main__ import main
from tools.same_requests.normal import digest, first_difference, normalised
from tools.same_requests.recorder import Exchange, Recorder

# A version of three requests: its emulator answers everything, its command writes a verdict.
EMULATOR = """
import http.server, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
class Emulator:
    def __init__(self, dialect):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self
    def __exit__(self, *_):
        self.server.shutdown()
    def target(self, way):
        return {"name": "fake", "base_url": f"http://127.0.0.1:{self.server.server_port}"}
"""
COMMAND = """
import http.client, json, pathlib, sys, urllib.parse, uuid
options = dict(each[2:].split("=", 1) for each in sys.argv[2:])
host = pathlib.Path(options["target"]).read_text().splitlines()[1].partition(": ")[2]
key = str(uuid.uuid4())
for name in (NAMES):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(host).netloc)
    connection.request("POST", "/" + name, json.dumps({"key": key}))
    connection.getresponse().read()
folder = pathlib.Path(options["reports"])
folder.mkdir()
verdict = {"result": "conformant", "requirements": [{"id": "cancel.effect", "verdict": "VERDICT"}]}
(folder / "verdict.json").write_text(json.dumps(verdict))
"""


def version(folder: Path, module: str, names: tuple[str, ...], verdict: str = "passed") -> str:
    """A fake version in a folder; how the command line names it."""
    (folder / module).mkdir()
    (folder / module / "__init__.py").touch()
    (folder / module / "emulator.py").write_text(EMULATOR)
    command = COMMAND.replace("NAMES", repr(names)).replace("VERDICT", verdict)
    (folder / module / "__main__.py").write_text(command)
    return f"{sys.executable}:{module}"


@pytest.mark.parametrize(
    ("names", "verdict", "exit_code", "says"),
    [
        (("create", "schedule", "cancel"), "passed", 0, "huawei, smoke, seed 1: the same"),
        (("create", "cancel", "schedule"), "passed", 1, "request 2 is the first that differs"),
        (("create", "schedule"), "passed", 1, "request 3 is the first that differs"),
        (("create", "schedule", "cancel"), "failed", 1, "requirement cancel.effect: passed before, failed after"),
    ],
    ids=["same", "other order", "one fewer", "other verdict"],
)
def test_versions_are_compared(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, ...],
    verdict: str,
    exit_code: int,
    says: str,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    before = version(tmp_path, "fake_before", ("create", "schedule", "cancel"))
    after = version(tmp_path, "fake_after", names, verdict)
    done = CliRunner().invoke(main, [f"--before={before}", f"--after={after}", "--dialect=huawei"])
    assert done.exit_code == exit_code, done.output
    assert says in done.output
    assert "before 3 requests, sha256 " in done.output


def request(text: str, body: str = "") -> Exchange:
    return Exchange(f"POST {text} HTTP/1.1\r\nHost: 127.0.0.1:8{len(body)}\r\n\r\n{body}".encode(), b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0d0466b0-e727-4d9c-b35d-f84bb474a37f", "1d0466b0-e727-4d9c-b35d-f84bb474a37e"),
        ("kms-conformance-0123456789ab", "kms-conformance-ba9876543210"),
        ("2026-01-15T10:00:00Z", "2026-01-16T11:30:01Z"),
        ("/20260115/region", "/20260116/region"),
        ("1784102400.25", "1784102460.5"),
        ('{"advance_seconds": 690899.993}', '{"advance_seconds": 690899.995}'),
        ("Thu, 15 Jan 2026 10:00:00 GMT", "Fri, 16 Jan 2026 10:00:00 GMT"),
    ],
)
def test_what_differs_from_run_to_run_is_left_out(one: str, other: str) -> None:
    assert normalised([request("/", one)]) == normalised([request("/", other)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"pending_days": "7"}', '{"pending_days": "8"}'),
        ("99999999999999999999", "99999999999999999998"),
        ("1999-01-01T00:00:00Z", "1999-01-01T00:00:01Z"),
        ("kms-conformance", "kms-conformancf"),
        ("", " "),
    ],
)
def test_everything_else_counts(one: str, other: str) -> None:
    assert digest(normalised([request("/", one)])) != digest(normalised([request("/", other)]))


def test_a_name_keeps_its_number() -> None:
    first, second = "0d0466b0-e727-4d9c-b35d-f84bb474a37f", "1d0466b0-e727-4d9c-b35d-f84bb474a37e"
    same = normalised([request("/a", first), request("/b", second), request("/c", first)])
    other = normalised([request("/a", first), request("/b", second), request("/c", second)])
    assert first_difference(same, other) == 2
    assert (
        first_difference(same, normalised([request("/a", second), request("/b", first), request("/c", second)])) is None
    )
    assert first_difference(same, same[:2]) == 2


def test_a_request_in_pieces_is_one_and_bytes_pass_unchanged() -> None:
    written = b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab\xff\x00"
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            side, _ = server.accept()
            with side:
                while len(b"".join(received)) < 2 * len(written):
                    received.append(side.recv(1024))
                side.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with (
            Recorder(server.getsockname()[1]) as recorder,
            socket.create_connection(("127.0.0.1", recorder.port)) as me,
        ):
            for piece in (written[:9], written[9:-1], written[-1:], written):
                me.sendall(piece)
            reply = me.recv(1024)
        thread.join()
    assert b"".join(received) == 2 * written
    assert [each.request for each in recorder.exchanges] == [written, written]
    assert reply.startswith(b"HTTP/1.1 204")
    assert [each.status for each in recorder.exchanges] == ["none", "204"]
