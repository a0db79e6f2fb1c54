"""The log of the emulator: a line for each request, whatever it is, and no secret in it."""

from __future__ import annotations

import http.client
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from kms_conformance.cli.emulator import _log_to
from kms_conformance.cli.emulator import emulator as command
from kms_conformance.emulator import Emulator

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ \S+ \S+ (?:\d{3}|-) \S+ \S+")


def ask(served: Emulator, method: str, target: str, **headers: str) -> str:
    connection = http.client.HTTPConnection(urlsplit(served.base_url).netloc, timeout=10)
    connection.request(method, target, headers=headers)
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return str(reply.status)


def test_a_line_names_time_method_path_operation_status_and_trace() -> None:
    lines: list[str] = []
    with Emulator("huawei", log=lines.append) as served:
        path = "/v1.0/e1a0000000000000000000000000e1a0/kms/list-keys"
        token = "EXAMPLE-TOKEN-OF-THE-EMULATOR"
        headers = {"X-Auth-Token": token, "Content-Type": "application/json", "traceparent": TRACE}
        status = ask(served, "POST", path, **headers, tracestate="a=b c")
        ask(served, "GET", "/nowhere?Signature=secret")
    first, second = (line.split(" ") for line in lines)
    assert all(LINE.fullmatch(line) for line in lines)
    assert first[1:] == ["POST", path, "list", status, TRACE, "a=b%20c"]
    assert second[1:3] == ["GET", "/nowhere"]
    assert second[5:] == ["-", "-"]
    assert not any(secret in "\n".join(lines) for secret in (token, "Signature"))


def test_whatever_is_sent_a_line_is_a_line() -> None:
    lines: list[str] = []
    with Emulator("aws", log=lines.append) as served:
        ask(served, "POST", "/" + "x" * 1000, traceparent="\xff\t" + "y" * 1000)
        host, _, port = urlsplit(served.base_url).netloc.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as raw:
            raw.sendall(b"nonsense\r\n\r\n")
            raw.recv(1000)
    assert len(lines) == 2
    assert all(LINE.fullmatch(line) and len(line) < 1000 for line in lines)
    assert re.fullmatch(r"\S+ - - - \d{3} - -", lines[1])


def test_a_log_that_cannot_be_written_changes_no_reply() -> None:
    def full(line: str) -> None:
        raise OSError(28, "No space left on device")

    with Emulator("aws", log=full) as served:
        ask(served, "POST", "/")
        assert served.requests_served == 1
        assert served.failures == []


def test_the_log_is_appended_to_a_file_or_written_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "log.txt"
    file.write_text("before\n", encoding="ascii")
    with _log_to(str(file)) as write:
        assert write is not None
        write("one")
        # A reader sees a line as soon as it is written.
        assert file.read_text(encoding="ascii") == "before\none\n"
    with _log_to("-") as write:
        assert write is not None
        write("two")
    assert capsys.readouterr() == ("", "two\n")
    with _log_to(None) as write:
        assert write is None


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    said = CliRunner().invoke(command, ["--dialect", "aws", "--log", str(tmp_path / "no" / "log.txt")])
    assert said.exit_code == 2
    assert "--log" in said.output
    assert "cannot be written" in said.output
