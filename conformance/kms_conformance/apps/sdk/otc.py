"""Adapter of otcextensions, a plugin of openstacksdk.

The plugin signs in with a password or a token, and sends the window (the waiting period in days) as a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, ClassVar

import openstack
import otcextensions.sdk
from openstack.exceptions import HttpException, SDKException

from kms_conformance.apps.sdk.driver import CallResult, Driver, RaisedError, ca_file, kinds_of
from kms_conformance.auth import PasswordAuth, TokenAuth
from kms_conformance.target import Target

# The plugin requires a region, but does not use it if the endpoint is given.
_REGION = "region"
_MOST_KEYS = 100_000


def connected(project_id: str, **options: Any) -> Any:  # noqa: ANN401 - the library has no types
    """The client's object for the KMS; the client reads neither clouds.yaml nor environment variables."""
    connection = openstack.connect(load_yaml_config=False, load_envvars=False, **options)
    if options["auth_type"] == "admin_token":
        # A token alone names no project, but the plugin needs one before its first request.
        connection.config.get_auth().get_project_id = lambda *_, **__: project_id
    otcextensions.sdk.register_otc_extensions(connection)
    return connection.kms


class OtcExtensions(Driver):
    """Adapter of otcextensions."""

    calls: ClassVar[Mapping[str, str]] = {
        "create": "kms.create_key",
        "describe": "kms.get_key",
        "list": "kms.keys",
        "enable": "kms.enable_key",
        "disable": "kms.disable_key",
        "schedule": "kms.schedule_key_deletion",
        "cancel": "kms.cancel_key_deletion",
        "generate_data_key": "kms.create_datakey",
    }

    def __init__(self, target: Target, scope: str) -> None:
        options: dict[str, Any] = {
            "kms_endpoint_override": f"{target.base_url}/v1.0/{scope}",
            "region_name": _REGION,
            "api_timeout": target.limits.timeout_seconds,
            "verify": ca_file(target) or True,
        }
        self._kms = connected(scope, **options, **_auth(target))

    def raised(self, error: Exception) -> RaisedError | None:
        if not isinstance(error, SDKException):
            return None
        # The message is the code alone, or a text that ends with the code: `… code = KMS.1501`.
        code = error.message.rpartition("=")[2].strip()
        status = error.status_code if isinstance(error, HttpException) else None
        return RaisedError(kinds_of(error), status, code, error.message)

    def _create(self, alias: str, description: str) -> CallResult:
        return CallResult(key_id=self._kms.create_key(key_alias=alias, key_description=description).key_id)

    def _describe(self, key_id: str) -> CallResult:
        key = self._kms.get_key(key_id)
        return CallResult(key.key_id, key.key_state, _parse_date(key.scheduled_deletion_date))

    def _list(self) -> CallResult:
        return CallResult(keys=tuple(item.key_id for item in islice(self._kms.keys(), _MOST_KEYS)))

    def _enable(self, key_id: str) -> CallResult:
        return CallResult(state=self._kms.enable_key(key_id).key_state)

    def _disable(self, key_id: str) -> CallResult:
        return CallResult(state=self._kms.disable_key(key_id).key_state)

    def _schedule(self, key_id: str, window: int) -> CallResult:
        return CallResult(state=self._kms.schedule_key_deletion(key_id, window).key_state)

    def _cancel(self, key_id: str) -> CallResult:
        return CallResult(state=self._kms.cancel_key_deletion(key_id).key_state)

    def _generate_data_key(self, key_id: str) -> CallResult:
        return CallResult(secret=self._kms.create_datakey(key_id, datakey_length=512).plain_text)


def _auth(target: Target) -> dict[str, Any]:
    auth = target.auth
    if isinstance(auth, TokenAuth):
        return {"auth_type": "admin_token", "auth": {"endpoint": target.base_url, "token": auth.token}}
    assert isinstance(auth, PasswordAuth)
    return {
        "auth_type": "password",
        "auth": {
            "auth_url": f"{auth.iam_url}/v3",
            "username": auth.username,
            "password": auth.password,
            "user_domain_name": auth.domain,
            "project_name": auth.project,
            "project_domain_name": auth.domain,
        },
    }


def _parse_date(milliseconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds else None
