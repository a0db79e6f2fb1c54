"""aliyun-python-sdk-kms without its request objects."""

from __future__ import annotations

import base64
import json
from importlib import import_module
from typing import Any, Literal

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient

from conformance.emulator import Emulator
from conformance.emulator.alibaba import credentials

__all__ = ["PLAIN", "Kms", "ServerException", "answer"]

PLAIN = base64.b64encode("grüezi".encode()).decode()
_CONTEXT = json.dumps({"purpose": "a test of +&=*~ ü"})
# Where the parameters of an action stand; the common ones are in the query always.
Place = Literal["query of a POST", "query of a GET", "form"]


class Kms:
    """The client's calls, in our words."""

    def __init__(self, emulator: Emulator, client: AcsClient, place: Place) -> None:
        self._endpoint = emulator.base_url.removeprefix("http://")
        self._client = client
        self._place = place

    @classmethod
    def permanent(
        cls,
        emulator: Emulator,
        place: Place = "query of a POST",
        *,
        access_key: str = credentials.ACCESS_KEY_ID,
        secret: str = credentials.ACCESS_KEY_SECRET,
    ) -> Kms:
        return cls(emulator, AcsClient(access_key, secret, credentials.REGION), place)

    @classmethod
    def temporary(
        cls, emulator: Emulator, place: Place = "query of a POST", *, token: str = credentials.STS_SECURITY_TOKEN
    ) -> Kms:
        """With a security token beside the access key."""
        credential = StsTokenCredential(credentials.STS_ACCESS_KEY_ID, credentials.STS_ACCESS_KEY_SECRET, token)
        return cls(emulator, AcsClient(region_id=credentials.REGION, credential=credential), place)

    def call(self, action: str, **parameters: object) -> dict[str, Any]:
        kind = f"{action}Request"
        request = getattr(import_module(f"aliyunsdkkms.request.v20160120.{kind}"), kind)()
        for name, value in parameters.items():
            if self._place == "form":
                request.add_body_params(name, value)
            else:
                getattr(request, f"set_{name}")(value)
        request.set_endpoint(self._endpoint)
        request.set_protocol_type("http")
        request.set_method("GET" if self._place == "query of a GET" else "POST")
        return json.loads(self._client.do_action_with_exception(request))

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

    def encrypt(self, key_id: str) -> str:
        said = self.call("Encrypt", KeyId=key_id, Plaintext=PLAIN, EncryptionContext=_CONTEXT)
        return said["CiphertextBlob"]

    def decrypt(self, blob: str) -> str:
        return self.call("Decrypt", CiphertextBlob=blob, EncryptionContext=_CONTEXT)["Plaintext"]

    def data_key(self, key_id: str) -> str:
        return self.call("GenerateDataKey", KeyId=key_id)["Plaintext"]

    def explain(self, key_id: str, text: str = "another") -> dict[str, Any]:
        return self.call("UpdateKeyDescription", KeyId=key_id, Description=text)

    def name(self, key_id: str, alias: str = "alias/ours") -> dict[str, Any]:
        return self.call("CreateAlias", KeyId=key_id, AliasName=alias)


def answer(error: ServerException) -> tuple[int, str]:
    assert error.get_request_id()
    return error.get_http_status(), error.get_error_code()
