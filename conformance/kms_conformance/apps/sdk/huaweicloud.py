"""Adapter of huaweicloudsdkkms, in which `delete_key` schedules a deletion and `list_key_detail` describes a key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import SdkException, ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkkms import v2 as sdk

from kms_conformance.apps.sdk.driver import CallResult, Driver, RaisedError, ca_file, kinds_of
from kms_conformance.auth import AccessKeyAuth
from kms_conformance.target import Target

_MOST_PAGES = 100


class HuaweicloudKms:
    """Thin layer over the client that hides its request objects."""

    def __init__(self, client: sdk.KmsClient) -> None:
        self.client = client

    def create(self, alias: str = "ours", **fields: str) -> str:
        body = sdk.CreateKeyRequestBody(key_alias=alias, **fields)
        return self.client.create_key(sdk.CreateKeyRequest(body=body)).key_info.key_id

    def schedule(self, key_id: str, window: object = "7") -> sdk.DeleteKeyResponse:
        body = sdk.ScheduleKeyDeletionRequestBody(key_id=key_id, pending_days=window)
        return self.client.delete_key(sdk.DeleteKeyRequest(body=body))

    def cancel(self, key_id: str) -> sdk.CancelKeyDeletionResponse:
        body = sdk.OperateKeyRequestBody(key_id=key_id)
        return self.client.cancel_key_deletion(sdk.CancelKeyDeletionRequest(body=body))

    def describe(self, key_id: str) -> sdk.KeyDetails:
        body = sdk.OperateKeyRequestBody(key_id=key_id)
        return self.client.list_key_detail(sdk.ListKeyDetailRequest(body=body)).key_info

    def enable(self, key_id: str) -> str:
        body = sdk.OperateKeyRequestBody(key_id=key_id)
        return self.client.enable_key(sdk.EnableKeyRequest(body=body)).key_info.key_state

    def disable(self, key_id: str) -> str:
        body = sdk.OperateKeyRequestBody(key_id=key_id)
        return self.client.disable_key(sdk.DisableKeyRequest(body=body)).key_info.key_state

    def listed(self, **filters: str) -> sdk.ListKeysResponse:
        return self.client.list_keys(sdk.ListKeysRequest(body=sdk.ListKeysRequestBody(**filters)))

    def encrypt(self, key_id: str, plaintext: str) -> str:
        body = sdk.EncryptDataRequestBody(key_id=key_id, plain_text=plaintext)
        return self.client.encrypt_data(sdk.EncryptDataRequest(body=body)).cipher_text

    def decrypt(self, cipher_text: str) -> str:
        body = sdk.DecryptDataRequestBody(cipher_text=cipher_text)
        return self.client.decrypt_data(sdk.DecryptDataRequest(body=body)).plain_text

    def data_key(self, key_id: str) -> str:
        body = sdk.CreateDatakeyRequestBody(key_id=key_id, datakey_length="512")
        return self.client.create_datakey(sdk.CreateDatakeyRequest(body=body)).plain_text

    def rename(self, key_id: str, alias: str) -> str:
        body = sdk.UpdateKeyAliasRequestBody(key_id=key_id, key_alias=alias)
        return self.client.update_key_alias(sdk.UpdateKeyAliasRequest(body=body)).key_info.key_alias

    def explain(self, key_id: str, text: str) -> str:
        body = sdk.UpdateKeyDescriptionRequestBody(key_id=key_id, key_description=text)
        return self.client.update_key_description(sdk.UpdateKeyDescriptionRequest(body=body)).key_info.key_description

    def counted(self) -> tuple[int, int]:
        """The number of keys, as `show_user_instances` and as `show_user_quotas` return it."""
        resources = self.client.show_user_quotas(sdk.ShowUserQuotasRequest()).quotas.resources
        used = {resource.type: resource.used for resource in resources}
        return self.client.show_user_instances(sdk.ShowUserInstancesRequest()).instance_num, used["CMK"]


class HuaweiCloud(Driver):
    """Adapter of huaweicloudsdkkms."""

    calls: ClassVar[Mapping[str, str]] = {
        "create": "create_key",
        "describe": "list_key_detail",
        "list": "list_keys",
        "enable": "enable_key",
        "disable": "disable_key",
        "schedule": "delete_key",
        "cancel": "cancel_key_deletion",
        "encrypt": "encrypt_data",
        "decrypt": "decrypt_data",
        "generate_data_key": "create_datakey",
    }

    def __init__(self, target: Target, scope: str) -> None:
        auth = target.auth
        assert isinstance(auth, AccessKeyAuth)
        signer = BasicCredentials(auth.access_key_id, auth.access_key_secret, auth.project_id)
        if auth.security_token is not None:
            signer = signer.with_security_token(auth.security_token)
        config = HttpConfig(timeout=target.limits.timeout_seconds, ssl_ca_cert=ca_file(target))
        builder = sdk.KmsClient.new_builder().with_http_config(config).with_credentials(signer)
        self._kms = HuaweicloudKms(builder.with_endpoint(target.base_url).build())

    def raised(self, error: Exception) -> RaisedError | None:
        if not isinstance(error, SdkException):
            return None
        if not isinstance(error, ServiceResponseException):
            return RaisedError(kinds_of(error), None, None, str(error))
        return RaisedError(kinds_of(error), error.status_code, error.error_code, str(error.error_msg))

    def _create(self, alias: str, description: str) -> CallResult:
        return CallResult(key_id=self._kms.create(alias, key_description=description))

    def _describe(self, key_id: str) -> CallResult:
        key = self._kms.describe(key_id)
        return CallResult(key.key_id, key.key_state, _parse_date(key.scheduled_deletion_date))

    def _list(self) -> CallResult:
        keys: list[str] = []
        marker = ""
        for _ in range(_MOST_PAGES):
            page = self._kms.listed(**({"marker": marker} if marker else {}))
            keys += page.keys
            marker = page.next_marker
            if page.truncated != "true":
                break
        return CallResult(keys=tuple(keys))

    def _enable(self, key_id: str) -> CallResult:
        return CallResult(state=self._kms.enable(key_id))

    def _disable(self, key_id: str) -> CallResult:
        return CallResult(state=self._kms.disable(key_id))

    def _schedule(self, key_id: str, window: int) -> CallResult:
        # The client's models declare the window as text.
        reply = self._kms.schedule(key_id, str(window))
        return CallResult(reply.key_id, reply.key_state)

    def _cancel(self, key_id: str) -> CallResult:
        reply = self._kms.cancel(key_id)
        return CallResult(reply.key_id, reply.key_state)

    def _encrypt(self, key_id: str, plaintext: str) -> CallResult:
        return CallResult(secret=self._kms.encrypt(key_id, plaintext))

    def _decrypt(self, ciphertext: str) -> CallResult:
        return CallResult(secret=self._kms.decrypt(ciphertext))

    def _generate_data_key(self, key_id: str) -> CallResult:
        return CallResult(secret=self._kms.data_key(key_id))


def _parse_date(milliseconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds else None
