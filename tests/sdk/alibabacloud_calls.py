"""alibabacloud_kms20160120 at the emulator, with each of its ways to sign in."""

from __future__ import annotations

import base64

from alibabacloud_kms20160120 import models
from alibabacloud_tea_openapi.exceptions import ClientException

from kms_conformance.apps.sdk import alibabacloud
from kms_conformance.emulator import Emulator
from kms_conformance.emulator.alibaba import credentials

__all__ = ["PLAIN", "ClientException", "Kms", "answer"]

PLAIN = base64.b64encode("grüezi".encode()).decode()


class Kms(alibabacloud.AlibabacloudKms):
    """The client, with methods named as in the other test helpers."""

    @classmethod
    def permanent(
        cls,
        emulator: Emulator,
        *,
        access_key: str = credentials.ACCESS_KEY_ID,
        secret: str = credentials.ACCESS_KEY_SECRET,
        **options: str,
    ) -> Kms:
        return cls(
            emulator.base_url,
            region_id=credentials.REGION,
            access_key_id=access_key,
            access_key_secret=secret,
            **options,
        )

    @classmethod
    def temporary(cls, emulator: Emulator, *, token: str = credentials.STS_SECURITY_TOKEN) -> Kms:
        """Signs in with an access key and a security token."""
        return cls.permanent(
            emulator,
            access_key=credentials.STS_ACCESS_KEY_ID,
            secret=credentials.STS_ACCESS_KEY_SECRET,
            security_token=token,
        )

    @classmethod
    def by_the_older_signature(cls, emulator: Emulator, *, secret: str = credentials.ACCESS_KEY_SECRET) -> Kms:
        """Signs with version 1; requests are otherwise the same. The client calls this its second version."""
        return cls.permanent(emulator, secret=secret, signature_algorithm="v2")

    def encrypt(self, key_id: str, plaintext: str = PLAIN) -> str:
        return super().encrypt(key_id, plaintext)

    def explain(self, key_id: str, text: str = "another") -> models.UpdateKeyDescriptionResponse:
        return super().explain(key_id, text)

    def name(self, key_id: str, alias: str = "alias/ours") -> models.CreateAliasResponse:
        return super().name(key_id, alias)


def answer(error: ClientException) -> tuple[int, str]:
    assert error.request_id
    return error.status_code, error.code
