"""aliyun-python-sdk-kms at the emulator, with each of its ways to sign in."""

from __future__ import annotations

import base64
from typing import Any

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient

from kms_conformance.apps.sdk import aliyun
from kms_conformance.apps.sdk.aliyun import Place
from kms_conformance.emulator import Emulator
from kms_conformance.emulator.alibaba import credentials

__all__ = ["PLAIN", "Kms", "Place", "ServerException", "answer"]

PLAIN = base64.b64encode("grüezi".encode()).decode()


class Kms(aliyun.AliyunKms):
    """The client, with methods named as in the other test helpers."""

    @classmethod
    def permanent(
        cls,
        emulator: Emulator,
        place: Place = "query of a POST",
        *,
        access_key: str = credentials.ACCESS_KEY_ID,
        secret: str = credentials.ACCESS_KEY_SECRET,
    ) -> Kms:
        return cls(emulator.base_url, AcsClient(access_key, secret, credentials.REGION), place)

    @classmethod
    def temporary(
        cls, emulator: Emulator, place: Place = "query of a POST", *, token: str = credentials.STS_SECURITY_TOKEN
    ) -> Kms:
        """Signs in with an access key and a security token."""
        credential = StsTokenCredential(credentials.STS_ACCESS_KEY_ID, credentials.STS_ACCESS_KEY_SECRET, token)
        return cls(emulator.base_url, AcsClient(region_id=credentials.REGION, credential=credential), place)

    def encrypt(self, key_id: str, plaintext: str = PLAIN) -> str:
        return super().encrypt(key_id, plaintext)

    def explain(self, key_id: str, text: str = "another") -> dict[str, Any]:
        return super().explain(key_id, text)

    def name(self, key_id: str, alias: str = "alias/ours") -> dict[str, Any]:
        return super().name(key_id, alias)


def answer(error: ServerException) -> tuple[int, str]:
    assert error.get_request_id()
    return error.get_http_status(), error.get_error_code()
