"""Adapter of alibabacloud_kms20160120, which signs in headers (version 3), or with version 1 if configured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config

from kms_conformance.apps.sdk.driver import AlibabaDriver, CallResult, RaisedError, ca_file, kinds_of
from kms_conformance.auth import RpcAuth
from kms_conformance.target import Target

# The client requires a region, but does not send it if the endpoint is given.
_REGION = "region"
_MOST_PAGES = 100
_PAGE_SIZE = 100
_CONTEXT = {"purpose": "a test of +&=*~ ü"}


class AlibabacloudKms:
    """Thin layer over the client that hides its request objects."""

    def __init__(self, base_url: str, **options: object) -> None:
        # If the endpoint had a scheme, the client would sign and send an invalid Host header.
        parts = urlsplit(base_url)
        self.client = Client(Config(endpoint=parts.netloc, protocol=parts.scheme, **{"region_id": _REGION, **options}))

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

    def encrypt(self, key_id: str, plaintext: str) -> str:
        request = models.EncryptRequest(key_id=key_id, plaintext=plaintext, encryption_context=_CONTEXT)
        return self.client.encrypt(request).body.ciphertext_blob

    def decrypt(self, blob: str) -> str:
        request = models.DecryptRequest(ciphertext_blob=blob, encryption_context=_CONTEXT)
        return self.client.decrypt(request).body.plaintext

    def data_key(self, key_id: str) -> str:
        return self.client.generate_data_key(models.GenerateDataKeyRequest(key_id=key_id)).body.plaintext

    def explain(self, key_id: str, text: str) -> models.UpdateKeyDescriptionResponse:
        request = models.UpdateKeyDescriptionRequest(key_id=key_id, description=text)
        return self.client.update_key_description(request)

    def name(self, key_id: str, alias: str) -> models.CreateAliasResponse:
        return self.client.create_alias(models.CreateAliasRequest(key_id=key_id, alias_name=alias))

    def protect(self, key_id: str, *, on: bool) -> models.SetDeletionProtectionResponse:
        request = models.SetDeletionProtectionRequest(
            protected_resource_arn=self.describe(key_id).arn, enable_deletion_protection=on
        )
        return self.client.set_deletion_protection(request)


class AlibabaCloud(AlibabaDriver):
    """Adapter of alibabacloud_kms20160120."""

    _kms: AlibabacloudKms

    calls: ClassVar[Mapping[str, str]] = {
        "create": "create_key",
        "describe": "describe_key",
        "list": "list_keys",
        "enable": "enable_key",
        "disable": "disable_key",
        "schedule": "schedule_key_deletion",
        "cancel": "cancel_key_deletion",
        "encrypt": "encrypt",
        "decrypt": "decrypt",
        "generate_data_key": "generate_data_key",
    }

    def __init__(self, target: Target, scope: str) -> None:
        auth = target.auth
        assert isinstance(auth, RpcAuth)
        milliseconds = round(target.limits.timeout_seconds * 1000)
        options: dict[str, object] = {
            "access_key_id": auth.access_key_id,
            "access_key_secret": auth.access_key_secret,
            "read_timeout": milliseconds,
            "connect_timeout": milliseconds,
            "ca": ca_file(target),
        }
        if auth.security_token is not None:
            options["security_token"] = auth.security_token
        self._kms = AlibabacloudKms(target.base_url, **options)

    def raised(self, error: Exception) -> RaisedError | None:
        if not isinstance(error, AlibabaCloudException):
            return None
        return RaisedError(kinds_of(error), error.status_code, error.code, str(error.message))

    def _create(self, description: str) -> CallResult:
        return CallResult(key_id=self._kms.create(description=description))

    def _describe(self, key_id: str) -> CallResult:
        key = self._kms.describe(key_id)
        date = datetime.fromisoformat(key.delete_date) if key.delete_date else None
        return CallResult(key.key_id, key.key_state, date)

    def _list(self) -> CallResult:
        keys: list[str] = []
        for number in range(1, _MOST_PAGES + 1):
            page = self._kms.page(page_number=number, page_size=_PAGE_SIZE)
            keys += [key.key_id for key in page.keys.key]
            if number * _PAGE_SIZE >= page.total_count:
                break
        return CallResult(keys=tuple(keys))
