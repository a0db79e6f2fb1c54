"""Adapter of boto3, which makes its client at run time from the service model that the specs of `aws` use too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import boto3.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from kms_conformance.apps.sdk.driver import CallResult, Driver, RaisedError, ca_file, kinds_of
from kms_conformance.auth import SigV4Auth
from kms_conformance.target import Target

_MOST_PAGES = 100


class Boto3(Driver):
    """Adapter of boto3."""

    calls: ClassVar[Mapping[str, str]] = {
        "create": "create_key",
        "describe": "describe_key",
        "list": "get_paginator('list_keys')",
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
        assert isinstance(auth, SigV4Auth)
        seconds = target.limits.timeout_seconds
        session = boto3.session.Session(
            auth.access_key_id, auth.access_key_secret, auth.security_token, region_name=auth.region
        )
        # The client gets one attempt, because its retries would hide faults of the target.
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=seconds, read_timeout=seconds)
        self._kms = session.client("kms", endpoint_url=target.base_url, verify=ca_file(target), config=config)

    def raised(self, error: Exception) -> RaisedError | None:
        if isinstance(error, ClientError):
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return RaisedError(kinds_of(error), status, error.response["Error"]["Code"], str(error))
        # The client raises `BotoCoreError` for its own errors, such as a reply that it cannot parse.
        return None if not isinstance(error, BotoCoreError) else RaisedError(kinds_of(error), None, None, str(error))

    def _create(self, description: str) -> CallResult:
        return CallResult(key_id=self._kms.create_key(Description=description)["KeyMetadata"]["KeyId"])

    def _describe(self, key_id: str) -> CallResult:
        key = self._kms.describe_key(KeyId=key_id)["KeyMetadata"]
        return CallResult(key["KeyId"], key["KeyState"], key.get("DeletionDate"))

    def _list(self) -> CallResult:
        keys: list[str] = []
        for number, page in enumerate(self._kms.get_paginator("list_keys").paginate()):
            keys += [key["KeyId"] for key in page["Keys"]]
            if number == _MOST_PAGES:
                break
        return CallResult(keys=tuple(keys))

    def _enable(self, key_id: str) -> CallResult:
        self._kms.enable_key(KeyId=key_id)
        return CallResult()

    def _disable(self, key_id: str) -> CallResult:
        self._kms.disable_key(KeyId=key_id)
        return CallResult()

    def _schedule(self, key_id: str, window: int) -> CallResult:
        reply = self._kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=window)
        # Every reply has a date. The state was added to the reply later, and some endpoints do not send it.
        return CallResult(state=reply.get("KeyState"), deletion_at=reply["DeletionDate"])

    def _cancel(self, key_id: str) -> CallResult:
        self._kms.cancel_key_deletion(KeyId=key_id)
        return CallResult()

    def _encrypt(self, key_id: str, plaintext: str) -> CallResult:
        return CallResult(secret=self._kms.encrypt(KeyId=key_id, Plaintext=plaintext.encode())["CiphertextBlob"])

    def _decrypt(self, ciphertext: object) -> CallResult:
        return CallResult(secret=self._kms.decrypt(CiphertextBlob=ciphertext)["Plaintext"].decode())

    def _generate_data_key(self, key_id: str) -> CallResult:
        return CallResult(secret=self._kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")["Plaintext"])
