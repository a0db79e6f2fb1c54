"""huaweicloudsdkkms without its request objects: `delete_key` schedules there, `list_key_detail` describes."""

from __future__ import annotations

import tempfile

import pytest

from conformance.emulator import Emulator
from conformance.emulator.huawei import credentials

# Importing its core writes an id into the home.
with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home:
    patch.setenv("HOME", home)
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, SdkException
    from huaweicloudsdkcore.region.region import Region
    from huaweicloudsdkkms import v2 as sdk

__all__ = ["PLAIN", "ClientRequestException", "Kms", "SdkException", "answer", "forget_projects"]

PLAIN = "grüezi"


class Kms:
    """The client's calls, in our words."""

    def __init__(self, client: sdk.KmsClient) -> None:
        self.client = client

    @classmethod
    def told_its_project(
        cls,
        emulator: Emulator,
        *,
        access_key: str = credentials.ACCESS_KEY_ID,
        secret: str = credentials.ACCESS_KEY_SECRET,
        project_id: str = credentials.PROJECT_ID,
    ) -> Kms:
        signer = BasicCredentials(access_key, secret, project_id)
        return cls(sdk.KmsClient.new_builder().with_credentials(signer).with_endpoint(emulator.base_url).build())

    @classmethod
    def asking_for_its_project(
        cls, emulator: Emulator, *, secret: str = credentials.ACCESS_KEY_SECRET, region: str = credentials.REGION
    ) -> Kms:
        """It asks the identity service which project the region is."""
        signer = BasicCredentials(credentials.ACCESS_KEY_ID, secret).with_iam_endpoint(emulator.base_url)
        builder = sdk.KmsClient.new_builder().with_credentials(signer)
        return cls(builder.with_region(Region(region, emulator.base_url)).build())

    def create(self, alias: str = "ours") -> str:
        body = sdk.CreateKeyRequestBody(key_alias=alias)
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

    def encrypt(self, key_id: str) -> str:
        body = sdk.EncryptDataRequestBody(key_id=key_id, plain_text=PLAIN)
        return self.client.encrypt_data(sdk.EncryptDataRequest(body=body)).cipher_text

    def decrypt(self, cipher_text: str) -> str:
        body = sdk.DecryptDataRequestBody(cipher_text=cipher_text)
        return self.client.decrypt_data(sdk.DecryptDataRequest(body=body)).plain_text

    def data_key(self, key_id: str) -> str:
        body = sdk.CreateDatakeyRequestBody(key_id=key_id, datakey_length="512")
        return self.client.create_datakey(sdk.CreateDatakeyRequest(body=body)).plain_text

    def rename(self, key_id: str, alias: str = "another:name") -> str:
        body = sdk.UpdateKeyAliasRequestBody(key_id=key_id, key_alias=alias)
        return self.client.update_key_alias(sdk.UpdateKeyAliasRequest(body=body)).key_info.key_alias

    def explain(self, key_id: str, text: str = "für später") -> str:
        body = sdk.UpdateKeyDescriptionRequestBody(key_id=key_id, key_description=text)
        return self.client.update_key_description(sdk.UpdateKeyDescriptionRequest(body=body)).key_info.key_description

    def counted(self) -> tuple[int, int]:
        """How many keys there are, by both calls that tell."""
        resources = self.client.show_user_quotas(sdk.ShowUserQuotasRequest()).quotas.resources
        used = {resource.type: resource.used for resource in resources}
        return self.client.show_user_instances(sdk.ShowUserInstancesRequest()).instance_num, used["CMK"]


def answer(error: ClientRequestException) -> tuple[int, str]:
    assert error.request_id
    return error.status_code, error.error_code


def forget_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    # The client keeps the projects that it has looked up for as long as the process lives.
    monkeypatch.setattr(BasicCredentials, "_CACHE", {})
