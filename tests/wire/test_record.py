from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from loopback import Loopback, reply

from kms_conformance.wire.curl import curl
from kms_conformance.wire.exchange_log import MAX_BODY, Body, ExchangeLog, ExchangeRecord
from kms_conformance.wire.messages import Exchange, Failure, Reply, Request
from kms_conformance.wire.secrets.redactor import Redactor

if TYPE_CHECKING:
    from pathlib import Path

STARTED = datetime(2026, 1, 2, 3, 4, 5, 678_900, UTC)
SECRET = "s3cret/value"


def record(request: Request, answer: Reply | None = None, failure: Failure | None = None) -> ExchangeRecord:
    exchange = Exchange(request, answer, failure, STARTED)
    log = ExchangeLog(Redactor([SECRET], {SECRET: "KMS_TOKEN"}))
    log.add("describe", exchange)
    return log.records()[0]


def test_a_record_is_json_and_has_no_secret() -> None:
    request = Request("POST", f"https://h/?t={SECRET}", (("X-Auth-Token", SECRET),), f'{{"a": "{SECRET}"}}'.encode())
    answer = Reply(400, "Bad", (("X", SECRET), ("X", "2")), b"\xff" + SECRET.encode(), 0.1234567)
    found = record(request, answer).as_json()
    assert json.loads(json.dumps(found)) == {
        "number": 1,
        "operation": "describe",
        "started": "2026-01-02T03:04:05.678+00:00",
        "seconds": 0.123457,
        "method": "POST",
        "url": "https://h/?t=[redacted:KMS_TOKEN]",
        "request_headers": [["X-Auth-Token", "[redacted:X_AUTH_TOKEN]"]],
        "request_body": {"text": '{"a": "[redacted:KMS_TOKEN]"}', "encoding": "utf-8", "cut": False},
        "status": 400,
        "reason": "Bad",
        "reply_headers": [["X", "[redacted:KMS_TOKEN]"], ["X", "2"]],
        "reply_body": {"text": "\xff[redacted:KMS_TOKEN]", "encoding": "latin-1", "cut": False},
        "failure": None,
        "failure_text": None,
    }


def test_a_failure_is_recorded_without_secrets() -> None:
    found = record(Request("GET", "https://h/"), failure=Failure("reset", f"after {SECRET}"))
    assert (found.status, found.reply_body, found.seconds) == (None, None, None)
    assert (found.failure, found.failure_text) == ("reset", "after [redacted:KMS_TOKEN]")


def test_a_long_body_is_cut_after_it_was_redacted() -> None:
    body = b"x" * (MAX_BODY - 5) + SECRET.encode() + b"y" * 100
    found = record(Request("GET", "https://h/"), Reply(200, "", (), body, 0)).reply_body
    assert found is not None
    assert (len(found.text), found.cut) == (MAX_BODY, True)
    assert found.text.endswith("x[reda")


def test_what_no_file_can_hold_is_replaced() -> None:
    found = record(Request("GET", "https://h/\ud800", (("X", "\udfff"),)))
    assert (found.url, found.request_headers) == ("https://h/?", (("X", "?"),))


def test_any_body_comes_back_from_its_text() -> None:
    for data in (b"", bytes(range(256)), "ö€😀".encode(), b"\x00"):
        body = Body.of(data)
        assert body.text.encode(body.encoding) == data


def test_a_recorder_keeps_the_newest_and_counts_all() -> None:
    log = ExchangeLog(Redactor([]), limit=10)
    exchange = Exchange(Request("GET", "https://h/"), None, Failure("reset", ""), STARTED)
    threads = [threading.Thread(target=lambda: [log.add("x", exchange) for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [each.number for each in log.records()]
    assert log.count == 100
    assert len(set(numbers)) == 10
    assert numbers == sorted(numbers)


BODIES = [
    b"",
    b'{"key_id": "a"}',
    b'it\'s $HOME `id` \\ "x" %s %% \n!',
    b"@/etc/passwd",
    b"-x",
    "ö€😀".encode(),
    bytes(range(256)) * 2,
    b"a\r\nb",
    b"\x00",
    b"\xff\xfe'\\%",
    b"\n\n",
]


@pytest.mark.parametrize("body", BODIES, ids=repr)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_curl_sends_the_same_bytes(method: str, body: bytes, tmp_path: Path) -> None:
    with Loopback(reply()) as server:
        request = Request(
            method,
            f"{server.url}/a%2fb/../[x]{{y,z}}?q=1+2%20&$HOME='`id`&e=",
            (("X-Quote", 'it\'s "$HOME" \\ `id`'), ("X-Latin", "caf\xe9"), ("X-Empty", ""), ("Content-Type", "a/b")),
            body,
        )
        line = curl(record(request))
        assert line.isprintable() or b"\n" in body
        done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=10, cwd=tmp_path, check=True)
        sent = server.requests[0]
    assert done.stdout.startswith(b"HTTP/1.1 200 OK")
    head, _, sent_body = sent.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert sent_body == body
    assert lines[0] == f"{method} {request.target} HTTP/1.1".encode()
    for wanted in (b'X-Quote: it\'s "$HOME" \\ `id`', b"X-Latin: caf\xe9", b"X-Empty:", b"Content-Type: a/b"):
        assert wanted in lines


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_curl_adds_no_content_type(method: str) -> None:
    with Loopback(lambda connection, _: connection.sendall(b"HTTP/1.1 204 None\r\n\r\n")) as server:
        line = curl(record(Request(method, f"{server.url}/")))
        subprocess.run(["sh", "-c", line], capture_output=True, timeout=10, check=True)
        sent = server.requests[0].lower()
    assert sent.startswith(f"{method} / http/1.1\r\n".lower().encode())
    assert b"content-type" not in sent
    assert (b"content-length: 0" in sent) == (method in ("POST", "DELETE"))


@pytest.mark.parametrize("around", [b"'%s\\%s'", b"\x00%s\xff\\%s'"])
def test_curl_takes_secrets_from_variables(around: bytes) -> None:
    secret = SECRET.encode()
    with Loopback(reply()) as server:
        request = Request(
            "POST",
            f"{server.url}/{SECRET}/x?Signature=abc",
            (("Authorization", "whole"), ("X-Part", f"a {SECRET} b")),
            around % (secret, secret),
        )
        line = curl(record(request))
        assert SECRET not in line
        values = {"KMS_TOKEN": SECRET, "SIGNATURE": "abc", "AUTHORIZATION": "whole", "PATH": "/usr/bin:/bin"}
        subprocess.run(["sh", "-c", line], capture_output=True, timeout=10, check=True, env=values)
        sent = server.requests[0]
    assert sent.startswith(f"POST /{SECRET}/x?Signature=abc HTTP/1.1\r\n".encode())
    assert b"\r\nAuthorization: whole\r\n" in sent
    assert f"\r\nX-Part: a {SECRET} b\r\n".encode() in sent
    assert sent.endswith(b"\r\n\r\n" + around % (secret, secret))


def test_curl_says_where_it_cannot_repeat_a_request() -> None:
    request = Request("GET", "https://h/", (("X", "a\r\nb"),), b"x" * (MAX_BODY + 1))
    line = curl(record(request, failure=Failure("unsendable", "the value of the header X has ...")))
    comments = [each for each in line.splitlines() if each.startswith("# ")]
    assert len(comments) == 2
    assert subprocess.run(["sh", "-nc", line], check=False).returncode == 0


def test_curl_trusts_the_authorities_that_the_target_file_names() -> None:
    log = ExchangeLog(Redactor([SECRET], {SECRET: "KMS_TOKEN"}), ca_file=f"my {SECRET}/ca.pem")
    log.add("describe", Exchange(Request("GET", "https://h/"), None, Failure("reset", ""), STARTED))
    (found,) = log.records()
    assert found.as_json()["ca_file"] == "my [redacted:KMS_TOKEN]/ca.pem"
    assert " 'https://h/' --cacert 'my '\"$KMS_TOKEN\"'/ca.pem'" in curl(found)
    without = record(Request("GET", "https://h/"), failure=Failure("reset", ""))
    assert "--cacert" not in curl(without)
    assert "ca_file" not in without.as_json()


def test_curl_is_the_same_in_every_shell(tmp_path: Path) -> None:
    fake = tmp_path / "curl"
    fake.write_text(f"#!{sys.executable}\nimport sys\nprint(ascii(sys.argv[1:]), ascii(sys.stdin.buffer.read()))\n")
    fake.chmod(0o755)
    line = curl(record(Request("POST", "https://h/?a=*&b=~", (("A", "\x01 \xe9"),), bytes(range(256)))))
    outputs = {
        subprocess.run(
            [shell, "-c", line], capture_output=True, check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}
        ).stdout
        for shell in ("dash", "bash")
    }
    assert len(outputs) == 1
