"""The API of the AWS dialect: `POST /` with the operation in `X-Amz-Target` and a JSON body.

A request is checked in this order, which the documents leave open: signature; method and operation; JSON syntax; form
and range of the fields; whether the key exists; the key's state. For example, a bad window (waiting period) for an
unknown key is refused because of the window, and requests without credentials do not reveal which keys exist.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.aws import parameters, replies
from kms_conformance.emulator.aws.authenticate import authenticate
from kms_conformance.emulator.aws.belongings import Belongings
from kms_conformance.emulator.aws.operations import CryptoOperations, KeyOperations
from kms_conformance.emulator.aws.parameters import AwsParameters
from kms_conformance.emulator.messages import parse_json
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from kms_conformance.emulator.messages import Inbound, Outbound
    from kms_conformance.emulator.service import Service

_PREFIX = "TrentService."


@dataclass(frozen=True)
class _Route:
    operation: str
    handler: Callable[[AwsParameters], dict[str, Any]]


class AwsApi:
    """Routes the operations of the AWS dialect; see the module docstring for the order of the checks."""

    def __init__(self, service: Service) -> None:
        self._service = service
        keys, uses, more = KeyOperations(service), CryptoOperations(service), Belongings(service)
        self._routes = {
            "CreateKey": _Route("create", keys.create),
            "DescribeKey": _Route("describe", keys.describe),
            "ListKeys": _Route("list", keys.list_keys),
            "EnableKey": _Route("enable", keys.enable),
            "DisableKey": _Route("disable", keys.disable),
            "ScheduleKeyDeletion": _Route("schedule", keys.schedule),
            "CancelKeyDeletion": _Route("cancel", keys.cancel),
            "UpdateKeyDescription": _Route("update_description", keys.update_description),
            "Encrypt": _Route("encrypt", uses.encrypt),
            "Decrypt": _Route("decrypt", uses.decrypt),
            "ReEncrypt": _Route("re_encrypt", uses.re_encrypt),
            "GenerateDataKey": _Route("generate_data_key", uses.generate_data_key),
            "GenerateDataKeyWithoutPlaintext": _Route(
                "generate_data_key_without_plaintext", uses.generate_data_key_without_plaintext
            ),
            "CreateAlias": _Route("set_alias", more.create_alias),
            "UpdateAlias": _Route("update_alias", more.update_alias),
            "DeleteAlias": _Route("delete_alias", more.delete_alias),
            "ListAliases": _Route("list_aliases", more.list_aliases),
            "TagResource": _Route("tag", more.tag),
            "UntagResource": _Route("untag", more.untag),
            "ListResourceTags": _Route("list_tags", more.list_tags),
            "CreateGrant": _Route("create_grant", more.create_grant),
            "RevokeGrant": _Route("revoke_grant", more.revoke_grant),
            "ListGrants": _Route("list_grants", more.list_grants),
            "GetKeyPolicy": _Route("get_policy", more.get_policy),
            "PutKeyPolicy": _Route("put_policy", more.put_policy),
            "ListKeyPolicies": _Route("list_policies", more.list_policies),
            "EnableKeyRotation": _Route("enable_rotation", more.enable_rotation),
            "DisableKeyRotation": _Route("disable_rotation", more.disable_rotation),
            "GetKeyRotationStatus": _Route("rotation_status", more.rotation_status),
        }

    def answer(self, inbound: Inbound) -> tuple[Inbound, Outbound]:
        """See `DialectApi.answer`."""
        target = inbound.header("x-amz-target") or ""
        route = self._routes.get(target.removeprefix(_PREFIX)) if target.startswith(_PREFIX) else None
        values, body_problem = _read(inbound.body)
        inbound = replace(inbound, operation=route.operation if route else None, parameters=values)
        try:
            authenticate(self._service, inbound)
            if route is None or inbound.path != "/" or not self._service.decisions.method_allowed(inbound, ("POST",)):
                raise Refused("unknown_action" if target else "missing_action")  # noqa: TRY301 - one path for all refusals
            if body_problem is not None:
                raise Refused(body_problem)  # noqa: TRY301 - as above
            read = self._service.decisions.parameters(route.operation, values)
            return inbound, replies.result(route.handler(AwsParameters(read)))
        except Refused as refused:
            named = parameters.bare(values.get("KeyId", values.get("TargetKeyId")))
            self._service.store.refused(inbound.operation, refused.name, named)
            return inbound, replies.refusal(refused, self._service.decisions)

    def unreadable(self) -> Outbound:
        """See `DialectApi.unreadable`."""
        refused = Refused("invalid_json", "This is no HTTP request, or too long.")
        return replies.refusal(refused, self._service.decisions)


def _read(body: bytes) -> tuple[dict[str, Any], str | None]:
    """The fields of a body, and the refusal if the body cannot be parsed; the caller checks the signature first."""
    if not body:
        return {}, "empty_body"
    try:
        value = parse_json(body)
    except ValueError:
        return {}, "invalid_json"
    return (value, None) if isinstance(value, dict) else ({}, "invalid_json")
