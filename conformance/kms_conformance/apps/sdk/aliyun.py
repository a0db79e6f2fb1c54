"""aliyun-python-sdk-kms: signs by version 1, with parameters in the query of a POST or GET, or in a form."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient

from kms_conformance.apps.sdk.driver import Driver, Raised, Told, ca_file, kinds_of
from kms_conformance.auth import RpcAuth
from kms_conformance.target import Target

# The client wants one; every service takes it for one of the common parameters.
_REGION = "cn-hangzhou"
_MOST_PAGES = 100
_PAGE_SIZE = 100
_CONTEXT = json.dumps({"purpose": "a test of +&=*~ ü"})
# Where the parameters of an action stand; the common ones are in the query always.
Place = Literal["query of a POST", "query of a GET", "form"]


class AliyunKms:
    """The client without its request objects."""

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
        request.set_protocol_type(self._base.scheme)
        request.set_method("GET" if self._place == "query of a GET" else "POST")
        told: dict[str, Any] = json.loads(self._client.do_action_with_exception(request))
        return told

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
        said = self.call("Encrypt", KeyId=key_id, Plaintext=plaintext, EncryptionContext=_CONTEXT)
        return said["CiphertextBlob"]

    def decrypt(self, blob: str) -> str:
        return self.call("Decrypt", CiphertextBlob=blob, EncryptionContext=_CONTEXT)["Plaintext"]

    def data_key(self, key_id: str) -> str:
        return self.call("GenerateDataKey", KeyId=key_id)["Plaintext"]

    def explain(self, key_id: str, text: str) -> dict[str, Any]:
        return self.call("UpdateKeyDescription", KeyId=key_id, Description=text)

    def name(self, key_id: str, alias: str) -> dict[str, Any]:
        return self.call("CreateAlias", KeyId=key_id, AliasName=alias)


class Aliyun(Driver):
    """The adapter."""

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

    def raised(self, error: Exception) -> Raised | None:
        if isinstance(error, ServerException):
            return Raised(kinds_of(error), error.get_http_status(), error.get_error_code(), str(error.get_error_msg()))
        # Its own complaints, such as of a connection: no reply is behind them.
        return Raised(kinds_of(error), None, None, str(error)) if isinstance(error, ClientException) else None

    def _create(self, description: str) -> Told:
        return Told(key_id=self._kms.create(Description=description))

    def _describe(self, key_id: str) -> Told:
        told = self._kms.describe(key_id)
        date = told.get("DeleteDate")
        return Told(told["KeyId"], told["KeyState"], datetime.fromisoformat(date) if date else None)

    def _list(self) -> Told:
        keys: list[str] = []
        for number in range(1, _MOST_PAGES + 1):
            page = self._kms.call("ListKeys", PageNumber=number, PageSize=_PAGE_SIZE)
            keys += [key["KeyId"] for key in page["Keys"]["Key"]]
            if number * _PAGE_SIZE >= page["TotalCount"]:
                break
        return Told(keys=tuple(keys))

    def _enable(self, key_id: str) -> Told:
        self._kms.enable(key_id)
        return Told()

    def _disable(self, key_id: str) -> Told:
        self._kms.disable(key_id)
        return Told()

    def _schedule(self, key_id: str, window: int) -> Told:
        self._kms.schedule(key_id, window)
        return Told()

    def _cancel(self, key_id: str) -> Told:
        self._kms.cancel(key_id)
        return Told()

    def _encrypt(self, key_id: str, plaintext: str) -> Told:
        return Told(secret=self._kms.encrypt(key_id, base64.b64encode(plaintext.encode()).decode()))

    def _decrypt(self, ciphertext: str) -> Told:
        return Told(secret=base64.b64decode(self._kms.decrypt(ciphertext)).decode())

    def _generate_data_key(self, key_id: str) -> Told:
        return Told(secret=self._kms.data_key(key_id))
