"""Plain clients of the emulator, which sign by their own code, so that neither side's mistake hides the other's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

from kms_conformance.emulator.alibaba import credentials as alibaba
from kms_conformance.emulator.aws import credentials as aws
from kms_conformance.emulator.huawei import credentials as huawei

if TYPE_CHECKING:
    from kms_conformance.emulator import Emulator


class Said(NamedTuple):
    """A reply: its status, its parsed body (raw bytes where it is no JSON), and its headers in lower case."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """The error code, in whichever shape it stands."""
        known = self.body.get("__type") or self.body.get("Code") or self.body.get("error_code")
        return known or self.body["error"]["error_code"]

    @property
    def refusal(self) -> tuple[int, str]:
        """The status and the code."""
        return self.status, self.code


class Wire:
    """One kept-alive connection."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.host = emulator.base_url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(self.host, timeout=10)

    def send(self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Said:
        self._connection.request(method, target, body, headers or {})
        reply = self._connection.getresponse()
        raw = reply.read()
        named = {name.lower(): value for name, value in reply.getheaders()}
        if method != "HEAD":
            assert int(named["content-length"]) == len(raw)
        is_json = named.get("content-type", "").startswith(("application/json", "application/x-amz-json")) and raw
        return Said(reply.status, json.loads(raw) if is_json else raw, named)

    def advance(self, seconds: float) -> Said:
        return self.send("POST", "/_control/clock", json.dumps({"advance_seconds": seconds}).encode())

    def close(self) -> None:
        self._connection.close()


class Huawei(Wire):
    """Calls operations with a token."""

    def call(
        self, operation: str, /, *, method: str = "POST", token: str | None = huawei.TOKEN, **fields: object
    ) -> Said:
        return self.post(operation, json.dumps(fields).encode(), method=method, token=token)

    def post(self, operation: str, body: bytes, *, method: str = "POST", token: str | None = huawei.TOKEN) -> Said:
        headers = {"Content-Type": "application/json"} | ({"X-Auth-Token": token} if token is not None else {})
        return self.send(method, self.target(operation), body, headers)

    @staticmethod
    def target(operation: str, project_id: str = huawei.PROJECT_ID) -> str:
        return f"/v1.0/{project_id}/kms/{operation}"

    def get(self, operation: str) -> Said:
        return self.send("GET", self.target(operation), None, {"X-Auth-Token": huawei.TOKEN})

    def create(self, alias: str | None = None, **fields: object) -> str:
        said = self.call("create-key", key_alias=alias or uuid.uuid4().hex, **fields)
        assert said.status == 200, said
        return said.body["key_info"]["key_id"]

    def describe(self, key_id: str) -> dict[str, Any]:
        said = self.call("describe-key", key_id=key_id)
        assert said.status == 200, said
        return said.body["key_info"]

    def state(self, key_id: str) -> str:
        return self.describe(key_id)["key_state"]

    def signed(
        self,
        operation: str,
        body: bytes,
        *,
        access_key: str = huawei.ACCESS_KEY_ID,
        secret: str = huawei.ACCESS_KEY_SECRET,
        ago: timedelta = timedelta(),
        sent_body: bytes | None = None,
        extra: dict[str, str] | None = None,
        project_id: str = huawei.PROJECT_ID,
    ) -> Said:
        """Signs `body`, and sends `sent_body` where that is given."""
        headers = {
            "content-type": "application/json",
            "host": self.host,
            "x-sdk-date": f"{datetime.now(UTC) - ago:%Y%m%dT%H%M%SZ}",
            **(extra or {}),
        }
        target = self.target(operation, project_id)
        authorization = huawei_authorization("POST", target, headers, body, access_key=access_key, secret=secret)
        sent = body if sent_body is None else sent_body
        return self.send("POST", target, sent, {**headers, "Authorization": authorization})


def huawei_authorization(
    method: str, target: str, headers: dict[str, str], body: bytes, *, access_key: str, secret: str
) -> str:
    """SDK-HMAC-SHA256, for targets that are percent-encoded already."""
    path, _, query = target.partition("?")
    names = sorted(headers)
    canonical = "\n".join(
        [
            method,
            path if path.endswith("/") else path + "/",
            "&".join(sorted(query.split("&"))) if query else "",
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    text = f"SDK-HMAC-SHA256\n{headers['x-sdk-date']}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()
    return f"SDK-HMAC-SHA256 Access={access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"


class Alibaba(Wire):
    """Calls actions, signed by version 3 in the query unless told otherwise."""

    def call(self, action: str, /, **parameters: object) -> Said:
        return self.v3(action, parameters)

    def create(self, **parameters: object) -> str:
        said = self.call("CreateKey", **parameters)
        assert said.status == 200, said
        return said.body["KeyMetadata"]["KeyId"]

    def describe(self, key_id: str) -> dict[str, Any]:
        said = self.call("DescribeKey", KeyId=key_id)
        assert said.status == 200, said
        return said.body["KeyMetadata"]

    def state(self, key_id: str) -> str:
        return self.describe(key_id)["KeyState"]

    def v3(
        self,
        action: str,
        parameters: dict[str, Any],
        *,
        method: str = "POST",
        form: bool = False,
        access_key: str = alibaba.ACCESS_KEY_ID,
        secret: str = alibaba.ACCESS_KEY_SECRET,
        ago: timedelta = timedelta(),
        nonce: str | None = None,
        extra: dict[str, str] | None = None,
        unsigned: dict[str, str] | None = None,
        after: dict[str, Any] | None = None,
    ) -> Said:
        """`extra` headers are signed, `unsigned` ones override after signing; `after` replaces the parameters then."""
        body = urlencode(parameters).encode() if form else b""
        headers = {
            "host": self.host,
            "x-acs-action": action,
            "x-acs-version": "2016-01-20",
            "x-acs-date": f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%SZ}",
            "x-acs-signature-nonce": nonce or uuid.uuid4().hex,
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            **({"content-type": "application/x-www-form-urlencoded"} if form else {}),
            **(extra or {}),
        }
        headers = {name: value for name, value in headers.items() if value}
        query = {} if form else parameters
        names = sorted(headers)
        canonical = "\n".join(
            [
                method,
                "/",
                canonical_query(query),
                "".join(f"{name}:{headers[name]}\n" for name in names),
                ";".join(names),
                hashlib.sha256(body).hexdigest(),
            ]
        )
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()
        signed = f"ACS3-HMAC-SHA256 Credential={access_key},SignedHeaders={';'.join(names)},Signature={signature}"
        sent = {**headers, "Authorization": signed, **(unsigned or {})}
        if after is not None:
            query, body = ({}, urlencode(after).encode()) if form else (after, body)
        # Spaces as pluses, as an official client sends them.
        return self.send(method, f"/?{urlencode(query)}" if query else "/", body, sent)

    def v1(
        self,
        action: str,
        parameters: dict[str, Any],
        *,
        method: str = "POST",
        form: bool = False,
        secret: str = alibaba.ACCESS_KEY_SECRET,
        ago: timedelta = timedelta(),
        without: tuple[str, ...] = (),
        after: dict[str, Any] | None = None,
        **common: str,
    ) -> Said:
        """`common` replaces common parameters before signing, `without` drops some, `after` overrides them then."""
        everything: dict[str, Any] = {
            "Action": action,
            "Version": "2016-01-20",
            "AccessKeyId": alibaba.ACCESS_KEY_ID,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureType": "",
            "SignatureNonce": uuid.uuid4().hex,
            "Timestamp": f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%SZ}",
            **parameters,
            **common,
        }
        everything = {name: value for name, value in everything.items() if name not in without}
        everything["Signature"] = v1_signature(method, everything, secret)
        if "Signature" in without:
            del everything["Signature"]
        sent = canonical_query({**everything, **(after or {})})
        if form:
            return self.send(method, "/", sent.encode(), {"Content-Type": "application/x-www-form-urlencoded"})
        return self.send(method, f"/?{sent}")


def canonical_query(parameters: dict[str, Any]) -> str:
    encoded = {quote(name, safe="-_.~"): quote(str(value), safe="-_.~") for name, value in parameters.items()}
    return "&".join(f"{name}={value}" for name, value in sorted(encoded.items()))


def v1_signature(method: str, parameters: dict[str, Any], secret: str) -> str:
    text = f"{method}&%2F&{quote(canonical_query(parameters), safe='-_.~')}"
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), "sha1").digest()).decode()


class Aws(Wire):
    """Calls operations, signed by version 4."""

    def call(self, operation: str, /, **fields: object) -> Said:
        return self.post(f"TrentService.{operation}", json.dumps(fields).encode())

    def create(self, **fields: object) -> str:
        said = self.call("CreateKey", **fields)
        assert said.status == 200, said
        return said.body["KeyMetadata"]["KeyId"]

    def describe(self, key_id: str) -> dict[str, Any]:
        said = self.call("DescribeKey", KeyId=key_id)
        assert said.status == 200, said
        return said.body["KeyMetadata"]

    def state(self, key_id: str) -> str:
        return self.describe(key_id)["KeyState"]

    def post(
        self,
        target: str | None,
        body: bytes,
        *,
        access_key: str = aws.ACCESS_KEY_ID,
        secret: str = aws.ACCESS_KEY_SECRET,
        scope: tuple[str, str] = (aws.REGION, "kms"),
        ago: timedelta = timedelta(),
        extra: dict[str, str] | None = None,
        unsigned: dict[str, str] | None = None,
        sent_body: bytes | None = None,
        path: str = "/",
    ) -> Said:
        """`extra` headers are signed, `unsigned` ones override after signing; `sent_body` replaces the body then."""
        stamp = f"{datetime.now(UTC) - ago:%Y%m%dT%H%M%SZ}"
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "host": self.host,
            "x-amz-date": stamp,
            **({"x-amz-target": target} if target is not None else {}),
            **(extra or {}),
        }
        names = ";".join(sorted(headers))
        canonical = "\n".join(
            [
                "POST",
                path,
                "",
                "".join(f"{name}:{headers[name]}\n" for name in sorted(headers)),
                names,
                hashlib.sha256(body).hexdigest(),
            ]
        )
        credential = "/".join((stamp[:8], *scope, "aws4_request"))
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{credential}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{secret}".encode()
        for part in credential.split("/"):
            key = hmac.new(key, part.encode(), "sha256").digest()
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        signed = f"AWS4-HMAC-SHA256 Credential={access_key}/{credential}, SignedHeaders={names}, Signature={signature}"
        sent = {**headers, "Authorization": signed, **(unsigned or {})}
        return self.send(
            "POST",
            path,
            body if sent_body is None else sent_body,
            {name: value for name, value in sent.items() if value},
        )
