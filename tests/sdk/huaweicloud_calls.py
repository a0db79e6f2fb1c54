"""huaweicloudsdkkms at the emulator, with each of its ways to sign in."""

from __future__ import annotations

import pytest

from kms_conformance.apps.sdk.session import clean_environment
from kms_conformance.emulator import Emulator
from kms_conformance.emulator.huawei import credentials

# Importing the client's core writes an id into the home directory.
with clean_environment():
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, SdkException
    from huaweicloudsdkcore.region.region import Region
    from huaweicloudsdkkms import v2 as sdk

    from kms_conformance.apps.sdk import huaweicloud

__all__ = ["PLAIN", "ClientRequestException", "Kms", "SdkException", "answer", "forget_projects"]

PLAIN = "grüezi"


class Kms(huaweicloud.HuaweicloudKms):
    """The client, with methods named as in the other test helpers."""

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
        """Looks up the project of the region at the identity service."""
        signer = BasicCredentials(credentials.ACCESS_KEY_ID, secret).with_iam_endpoint(emulator.base_url)
        builder = sdk.KmsClient.new_builder().with_credentials(signer)
        return cls(builder.with_region(Region(region, emulator.base_url)).build())

    def encrypt(self, key_id: str, plaintext: str = PLAIN) -> str:
        return super().encrypt(key_id, plaintext)

    def rename(self, key_id: str, alias: str = "another:name") -> str:
        return super().rename(key_id, alias)

    def explain(self, key_id: str, text: str = "für später") -> str:
        return super().explain(key_id, text)


def answer(error: ClientRequestException) -> tuple[int, str]:
    assert error.request_id
    return error.status_code, error.error_code


def forget_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    # The client caches looked-up projects for the life of the process.
    monkeypatch.setattr(BasicCredentials, "_CACHE", {})
