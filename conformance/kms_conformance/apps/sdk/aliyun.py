"""Adapter of aliyun-python-sdk-kms, which signs with version 1 and sends parameters in a query or in a form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type

from kms_conformance.apps.sdk.driver import AlibabaDriver, CallResult, RaisedError, ca_file, kinds_of
from kms_conformance.auth import RpcAuth
from kms_conformance.target import Target

# The client requires a region and sends it; services accept it as a common parameter.
_REGION = "cn-hangzhou"
_MOST_PAGES = 100
# The client takes https by identity with this constant of its own; an equal text of ours would be sent as plain HTTP.
_PROTOCOLS = {"http": protocol_type.HTTP, "https": protocol_type.HTTPS}
_PAGE_SIZE = 100
_CONTEXT = json.dumps({"purpose": "a test of +&=*~ ü"})
# Location of an action's parameters; the common parameters are always in the query.
Place = Literal["query of a POST", "query of a GET", "form"]


class AliyunKms:
    """Thin layer over the client that hides its request objects."""

    def __init__(self, base_url: str, client: AcsClient, place: Place = "query of a POST") -> None:
        self._base = urlsplit(base_url)
        self._client = client
        self._place = place

    def call(self, action: str, **parameters: object) -> dict[str, Any]:
        kind = f"{action}Request"
        request = getattr(import_module(f"aliyunsdkkms.request.v20160120.{kind}"), kind)()
        for name, value in parameters.items():
            if self._place == "form":
                request.add_body_params(name, value)
            else:
                getattr(request, f"set_{name}")(value)
        request.set_endpoint(self._base.netloc)
        request.set_protocol_type(_PROTOCOLS[self._base.scheme])
        request.set_method("GET" if self._place == "query of a GET" else "POST")
        reply: dict[str, Any] = json.loads(self._client.do_action_with_exception(request))
        return reply

    def create(self, **parameters: object) -> str:
        return self.call("CreateKey", **parameters)["KeyMetadata"]["KeyId"]

    def describe(self, key_id: str) -> dict[str, Any]:
        return self.call("DescribeKey", KeyId=key_id)["KeyMetadata"]

    def schedule(self, key_id: str, window: object = 7) -> dict[str, Any]:
        return self.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=window)

    def cancel(self, key_id: str) -> dict[str, Any]:
        return self.call("CancelKeyDeletion", KeyId=key_id)

    def enable(self, key_id: str) -> dict[str, Any]:
        return self.call("EnableKey", KeyId=key_id)

    def disable(self, key_id: str) -> dict[str, Any]:
        return self.call("DisableKey", KeyId=key_id)

    def listed(self, **parameters: object) -> list[str]:
        return [key["KeyId"] for key in self.call("ListKeys", **parameters)["Keys"]["Key"]]

    def encrypt(self, key_id: str, plaintext: str) -> str:
        reply = self.call("Encrypt", KeyId=key_id, Plaintext=plaintext, EncryptionContext=_CONTEXT)
        return reply["CiphertextBlob"]

    def decrypt(self, blob: str) -> str:
        return self.call("Decrypt", CiphertextBlob=blob, EncryptionContext=_CONTEXT)["Plaintext"]

    def data_key(self, key_id: str) -> str:
        return self.call("GenerateDataKey", KeyId=key_id)["Plaintext"]

    def explain(self, key_id: str, text: str) -> dict[str, Any]:
        return self.call("UpdateKeyDescription", KeyId=key_id, Description=text)

    def name(self, key_id: str, alias: str) -> dict[str, Any]:
        return self.call("CreateAlias", KeyId=key_id, AliasName=alias)


class Aliyun(AlibabaDriver):
    """Adapter of aliyun-python-sdk-kms."""

    _kms: AliyunKms

    calls: ClassVar[Mapping[str, str]] = {
        "create": "CreateKeyRequest",
        "describe": "DescribeKeyRequest",
        "list": "ListKeysRequest",
        "enable": "EnableKeyRequest",
        "disable": "DisableKeyRequest",
        "schedule": "ScheduleKeyDeletionRequest",
        "cancel": "CancelKeyDeletionRequest",
        "encrypt": "EncryptRequest",
        "decrypt": "DecryptRequest",
        "generate_data_key": "GenerateDataKeyRequest",
    }

    def __init__(self, target: Target, scope: str) -> None:
        auth = target.auth
        assert isinstance(auth, RpcAuth)
        seconds = target.limits.timeout_seconds
        options: dict[str, Any] = {
            "region_id": _REGION,
            "auto_retry": False,
            "timeout": seconds,
            "connect_timeout": seconds,
            "verify": ca_file(target),
        }
        key = auth.access_key_id, auth.access_key_secret
        client = (
            AcsClient(*key, **options)
            if auth.security_token is None
            else AcsClient(credential=StsTokenCredential(*key, auth.security_token), **options)
        )
        self._kms = AliyunKms(target.base_url, client)

    def raised(self, error: Exception) -> RaisedError | None:
        if isinstance(error, ServerException):
            return RaisedError(
                kinds_of(error), error.get_http_status(), error.get_error_code(), str(error.get_error_msg())
            )
        # The client raises `ClientException` for its own errors, such as a failed connection, so there is no status.
        return RaisedError(kinds_of(error), None, None, str(error)) if isinstance(error, ClientException) else None

    def _create(self, description: str) -> CallResult:
        return CallResult(key_id=self._kms.create(Description=description))

    def _describe(self, key_id: str) -> CallResult:
        key = self._kms.describe(key_id)
        date = key.get("DeleteDate")
        return CallResult(key["KeyId"], key["KeyState"], datetime.fromisoformat(date) if date else None)

    def _list(self) -> CallResult:
        keys: list[str] = []
        for number in range(1, _MOST_PAGES + 1):
            page = self._kms.call("ListKeys", PageNumber=number, PageSize=_PAGE_SIZE)
            keys += [key["KeyId"] for key in page["Keys"]["Key"]]
            if number * _PAGE_SIZE >= page["TotalCount"]:
                break
        return CallResult(keys=tuple(keys))
