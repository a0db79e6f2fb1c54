"""What no well-meaning client sends: never a server error, never a hang, and the next request is served."""

from __future__ import annotations

import base64
import hmac
import http.client
import json
import socket
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from emulator_clients import Alibaba, Huawei, canonical_query

from kms_conformance.emulator import Emulator
from kms_conformance.emulator.alibaba.credentials import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from kms_conformance.emulator.huawei import credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    7,
    7.5,
    1e308,
    2**63,
    10**300,
    "",
    " ",
    "\0",
    "a\0b",
    "\n",
    "\u2028",
    "\ud800",
    "é" * 5000,
    "x" * 100_000,
    "../../etc/passwd",
    "%00",
    "' OR 1=1 --",
    "alias/x",
    [],
    [[]],
    ["7"],
    {},
    {"": ""},
    {"a": {"b": {"c": None}}},
]


@pytest.fixture(scope="module", params=["huawei", "alibaba"])
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with Emulator(request.param) as emulator:
        yield emulator
        assert emulator.failures == []


def test_huawei_fields_of_every_wrong_type() -> None:
    operations = {
        "create-key": ("key_alias", "key_description", "key_spec", "key_usage", "origin", "sequence", "realm"),
        "describe-key": ("key_id", "sequence"),
        "list-keys": ("limit", "marker", "key_state"),
        "schedule-key-deletion": ("key_id", "pending_days"),
        "encrypt-data": ("key_id", "plain_text", "encryption_context"),
        "decrypt-data": ("cipher_text", "encryption_context"),
        "create-datakey": ("key_id", "key_spec", "datakey_length", "encryption_context"),
        "update-key-alias": ("key_id", "key_alias"),
        "update-key-description": ("key_id", "key_description"),
    }
    with Emulator("huawei") as emulator:
        client = Huawei(emulator)
        good: dict[str, Any] = {"plain_text": "x", "pending_days": "x", "key_alias": "x", "key_id": client.create()}
        for operation, fields in operations.items():
            for field in fields:
                for value in HOSTILE:
                    body = json.dumps({**good, field: value}).encode()
                    said = client.post(operation, body)
                    assert said.status in {200, 400, 404}, (operation, field, value)
        for value in HOSTILE:
            assert client.post("list-keys", json.dumps({json.dumps(value): value}).encode()).status in {200, 400}
        client.close()
        assert emulator.failures == []


def test_alibaba_parameters_of_every_wrong_type() -> None:
    with Emulator("alibaba") as emulator:
        client = Alibaba(emulator)
        good: dict[str, Any] = {"Plaintext": "eA==", "Description": "x", "AliasName": "alias/x"}
        good |= {"KeyId": client.create(), "EnableDeletionProtection": "false"}
        actions = {
            "CreateKey": ("Description", "Tags", "KeySpec", "Origin"),
            "DescribeKey": ("KeyId", "Format"),
            "ListKeys": ("Filters", "PageSize", "PageNumber"),
            "ScheduleKeyDeletion": ("KeyId", "PendingWindowInDays"),
            "Encrypt": ("KeyId", "Plaintext", "EncryptionContext"),
            "Decrypt": ("CiphertextBlob", "EncryptionContext"),
            "GenerateDataKey": ("KeySpec", "NumberOfBytes"),
            "UpdateKeyDescription": ("Description",),
            "CreateAlias": ("AliasName",),
            "DeleteAlias": ("AliasName",),
            "TagResource": ("Tags", "SecretName"),
            "SetDeletionProtection": ("EnableDeletionProtection", "ProtectedResourceArn"),
        }
        texts = [value if isinstance(value, str) else json.dumps(value) for value in HOSTILE]
        # A lone surrogate has no percent-encoding.
        texts = [text for text in texts if "\ud800" not in text]
        for action, names in actions.items():
            for name in names:
                for number, text in enumerate(texts):
                    said = client.v3(action, {"Format": ("JSON", "XML")[number % 2], **good, name: text})
                    assert said.status in {200, 400, 404, 409}, (action, name, text)
        client.close()
        assert emulator.failures == []


def test_alibaba_pairs_that_no_client_makes(emulator: Emulator) -> None:
    client = Alibaba(emulator)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    queries = ("a=1&a=2", "%FF=%FF", "=", "&&&", "a", "=b", "%", "%zz=%1", "a=" + "%41" * 100_000, "a=b;c=d", "?", "#x")
    for query in (*queries, "&".join(f"a{n}=" for n in range(5000))):
        assert client.send("GET", f"/?{query}").status < 500
        assert client.send("POST", "/", query.encode(), form).status < 500
    client.close()


def test_alibaba_parameters_that_stand_twice_in_a_signed_request() -> None:
    with Emulator("alibaba") as emulator:
        client = Alibaba(emulator)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        common = {"Action": "ListKeys", "Version": "2016-01-20", "Timestamp": stamp, "AccessKeyId": ACCESS_KEY_ID}
        common |= {"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0"}
        sent = sorted([*canonical_query(common).split("&"), "PageSize=5", "PageSize=6"])
        signed = quote("&".join(sent), safe="-_.~")
        digest = hmac.new(f"{ACCESS_KEY_SECRET}&".encode(), f"POST&%2F&{signed}".encode(), "sha1").digest()
        query = canonical_query({**common, "Signature": base64.b64encode(digest).decode()})
        said = client.send("POST", f"/?{query}&PageSize=6", b"PageSize=5", form)
        assert said.refusal == (400, "InvalidParameter")
        client.close()
        assert emulator.failures == []


def raw(emulator: Emulator, data: bytes, *, shut: bool = True) -> bytes:
    """All that the emulator says to some bytes, until it hangs up."""
    host, _, port = emulator.base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        try:
            connection.sendall(data)
            if shut:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            # Hung up on while we were writing; what it said may still be there.
            pass
        said = b""
        while part := connection.recv(65536):
            said += part
        return said


RUBBISH = {
    "nothing": b"",
    "no http": b"hello\r\n\r\n",
    "binary": bytes(range(256)) * 10,
    "no version": b"GET /\r\n\r\n",
    "http 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http 9": b"GET / HTTP/9.9\r\n\r\n",
    "spaces": b"GET / / HTTP/1.1\r\n\r\n",
    "empty header": b"GET / HTTP/1.1\r\n: x\r\nHost: x\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nnonsense\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nA: " + b"x" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"A: x\r\n" * 500 + b"\r\n",
    "long line": b"GET /" + b"x" * 2_000_000 + b" HTTP/1.1\r\n\r\n",
    "bad length": b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    "negative length": b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "endless length": b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "short body": b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nx",
    "length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown coding": b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nxx",
    "bad chunk": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n0\r\n\r\n",
    "negative chunk": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nxx\r\n0\r\n\r\n",
    "huge chunk": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffff\r\nxx",
    "cut chunk": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nxx",
    "latin": b"GET /\xff\xfe?\xff=\xff HTTP/1.1\r\nHost: \xff\r\nX-Auth-Token: \xff\r\n\r\n",
    "absolute": b"GET http://[::1/x HTTP/1.1\r\n\r\n",
    "connect": b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    "star": b"OPTIONS * HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_is_answered_in_the_service_s_form(emulator: Emulator, rubbish: str) -> None:
    said = raw(emulator, RUBBISH[rubbish])
    if rubbish == "nothing":
        assert said == b""
        return
    head, _, body = said.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    assert head.startswith(b"HTTP/1.1 ")
    assert status < 500
    assert b"Traceback" not in said
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body)
    client = Huawei(emulator)
    assert client.advance(0).status == 200
    client.close()


def test_bodies_that_are_too_large(emulator: Emulator) -> None:
    client = Huawei(emulator)
    headers = {"X-Auth-Token": credentials.TOKEN}
    at_limit = b" " * (12 * 1024 * 1024)
    assert client.send("POST", client.target("list-keys"), at_limit, headers).status < 500
    said = client.send("POST", client.target("list-keys"), at_limit + b" ", headers)
    assert said.status == 400
    assert said.headers["connection"] == "close"
    client.close()


def test_chunked_bodies_and_expectations() -> None:
    with Emulator("huawei") as emulator:
        target = Huawei.target("list-keys")
        head = (
            f"POST {target} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {credentials.TOKEN}\r\nConnection: close\r\n".encode()
        )
        chunks = b'Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n{"lim\r\nA\r\nit": "1"} \r\n0\r\nTrailer: x\r\n\r\n'
        assert b'"total": 4' in raw(emulator, head + chunks)
        said = raw(emulator, head + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}")
        assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
        assert emulator.failures == []


def test_a_body_nobody_wants_does_not_spoil_the_connection(emulator: Emulator) -> None:
    client = Huawei(emulator)
    for method in ("GET", "DELETE", "OPTIONS", "POST"):
        client.send(method, "/x", b"GET /evil HTTP/1.1\r\n\r\n")
        assert client.advance(0).status == 200
    head = client.send("HEAD", "/")
    assert head.body == b""
    assert int(head.headers["content-length"]) > 0
    assert client.advance(0).status == 200
    client.close()


def test_pipelined_requests_are_answered_in_order(emulator: Emulator) -> None:
    one = b'POST /_control/clock HTTP/1.1\r\nContent-Length: 22\r\n\r\n{"advance_seconds": 0}'
    assert raw(emulator, one * 3).count(b"HTTP/1.1 200 OK") == 3


def test_many_at_once() -> None:
    with Emulator("huawei", profile="otc", foreign_keys=0) as emulator:
        outcomes: list[int] = []

        def work(number: int) -> None:
            client = Huawei(emulator)
            key_id = client.create(f"k{number}")
            for _ in range(10):
                outcomes.append(client.call("schedule-key-deletion", key_id=key_id, pending_days="7").status)
                outcomes.append(client.call("cancel-key-deletion", key_id=key_id).status)
            client.close()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == [200] * 160
        assert len(emulator.store.keys) == 9
        assert emulator.requests_served == 168
        assert emulator.failures == []


def test_one_alias_is_given_once() -> None:
    with Emulator("huawei") as emulator:
        statuses: list[int] = []

        def work() -> None:
            client = Huawei(emulator)
            statuses.append(client.call("create-key", key_alias="same").status)
            client.close()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] + [400] * 7


def test_closing_hangs_up() -> None:
    emulator = Emulator("huawei")
    with emulator:
        client = Huawei(emulator)
        client.advance(0)
    with pytest.raises((OSError, http.client.HTTPException)):
        client.advance(0)
    client.close()
