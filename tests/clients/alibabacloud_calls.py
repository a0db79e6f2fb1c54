"""alibabacloud_kms20160120 without its request objects."""

from __future__ import annotations

import base64

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config

from conformance.emulator import Emulator
from conformance.emulator.alibaba import credentials

__all__ = ["PLAIN", "ClientException", "Kms", "answer"]

PLAIN = base64.b64encode("grüezi".encode()).decode()
_CONTEXT = {"purpose": "a test of +&=*~ ü"}


class Kms:
    """The client's calls, in our words."""

    def __init__(self, emulator: Emulator, **options: str) -> None:
        # With a scheme in the endpoint, the client would sign and send a host that is none.
        endpoint = emulator.base_url.removeprefix("http://")
        self.client = Client(Config(endpoint=endpoint, protocol="http", region_id=credentials.REGION, **options))

    @classmethod
    def permanent(
        cls,
        emulator: Emulator,
        *,
        access_key: str = credentials.ACCESS_KEY_ID,
        secret: str = credentials.ACCESS_KEY_SECRET,
        **options: str,
    ) -> Kms:
        return cls(emulator, access_key_id=access_key, access_key_secret=secret, **options)

    @classmethod
    def temporary(cls, emulator: Emulator, *, token: str = credentials.STS_SECURITY_TOKEN) -> Kms:
        """With a security token beside the access key."""
        return cls(
            emulator,
            access_key_id=credentials.STS_ACCESS_KEY_ID,
            access_key_secret=credentials.STS_ACCESS_KEY_SECRET,
            security_token=token,
        )

    @classmethod
    def by_the_older_signature(cls, emulator: Emulator, *, secret: str = credentials.ACCESS_KEY_SECRET) -> Kms:
        """It signs by version 1 what it sends otherwise as usual; the client calls that its second."""
        return cls.permanent(emulator, secret=secret, signature_algorithm="v2")

    def create(self, **fields: str) -> str:
        return self.client.create_key(models.CreateKeyRequest(**fields)).body.key_metadata.key_id

    def describe(self, key_id: str) -> models.DescribeKeyResponseBodyKeyMetadata:
        return self.client.describe_key(models.DescribeKeyRequest(key_id=key_id)).body.key_metadata

    def schedule(self, key_id: str, window: int = 7) -> models.ScheduleKeyDeletionResponse:
        request = models.ScheduleKeyDeletionRequest(key_id=key_id, pending_window_in_days=window)
        return self.client.schedule_key_deletion(request)

    def cancel(self, key_id: str | None) -> models.CancelKeyDeletionResponse:
        return self.client.cancel_key_deletion(models.CancelKeyDeletionRequest(key_id=key_id))

    def enable(self, key_id: str) -> models.EnableKeyResponse:
        return self.client.enable_key(models.EnableKeyRequest(key_id=key_id))

    def disable(self, key_id: str) -> models.DisableKeyResponse:
        return self.client.disable_key(models.DisableKeyRequest(key_id=key_id))

    def page(self, **fields: int | str) -> models.ListKeysResponseBody:
        return self.client.list_keys(models.ListKeysRequest(**fields)).body

    def listed(self, **fields: int | str) -> list[str]:
        return [key.key_id for key in self.page(**fields).keys.key]

    def encrypt(self, key_id: str) -> str:
        request = models.EncryptRequest(key_id=key_id, plaintext=PLAIN, encryption_context=_CONTEXT)
        return self.client.encrypt(request).body.ciphertext_blob

    def decrypt(self, blob: str) -> str:
        request = models.DecryptRequest(ciphertext_blob=blob, encryption_context=_CONTEXT)
        return self.client.decrypt(request).body.plaintext

    def data_key(self, key_id: str) -> str:
        return self.client.generate_data_key(models.GenerateDataKeyRequest(key_id=key_id)).body.plaintext

    def explain(self, key_id: str, text: str = "another") -> models.UpdateKeyDescriptionResponse:
        request = models.UpdateKeyDescriptionRequest(key_id=key_id, description=text)
        return self.client.update_key_description(request)

    def name(self, key_id: str, alias: str = "alias/ours") -> models.CreateAliasResponse:
        return self.client.create_alias(models.CreateAliasRequest(key_id=key_id, alias_name=alias))

    def protect(self, key_id: str, *, on: bool) -> models.SetDeletionProtectionResponse:
        request = models.SetDeletionProtectionRequest(
            protected_resource_arn=self.describe(key_id).arn, enable_deletion_protection=on
        )
        return self.client.set_deletion_protection(request)


def answer(error: ClientException) -> tuple[int, str]:
    assert error.request_id
    return error.status_code, error.code
