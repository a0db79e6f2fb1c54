"""The AWS dialect: `POST /` with the operation in `X-Amz-Target` and a JSON body.

Order of judgements: signature; method and operation; the body as JSON; its fields, form and range; the key's existence;
its state. So a bad window for an unknown key is refused for the window, and without credentials nobody learns which
keys there are. The documents leave the order open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import strict_json
from kms_conformance.emulator.aws import credentials, doorman, names, wire
from kms_conformance.emulator.aws.belongings import Belongings
from kms_conformance.emulator.aws.fields import Fields
from kms_conformance.emulator.aws.lifecycle import Lifecycle
from kms_conformance.emulator.aws.uses import Uses
from kms_conformance.emulator.aws.views import SYMMETRIC
from kms_conformance.emulator.keys import Draft
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from kms_conformance.emulator.replies import Inbound, Outbound
    from kms_conformance.emulator.service import Service

_PREFIX = "TrentService."


@dataclass(frozen=True)
class _Route:
    operation: str
    handler: Callable[[Fields], dict[str, Any]]


class AwsFace:
    """See the module."""

    def __init__(self, service: Service) -> None:
        self._service = service
        keys, uses, more = Lifecycle(service), Uses(service), Belongings(service)
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
        """See `Face.answer`."""
        target = inbound.header("x-amz-target") or ""
        route = self._routes.get(target.removeprefix(_PREFIX)) if target.startswith(_PREFIX) else None
        values, body_problem = _read(inbound.body)
        inbound = replace(inbound, operation=route.operation if route else None, parameters=values)
        try:
            doorman.admit(self._service, inbound)
            if route is None or inbound.path != "/" or not self._service.decisions.method_allowed(inbound, ("POST",)):
                raise Refused("unknown_action" if target else "missing_action")  # noqa: TRY301 - one way to say no
            if body_problem is not None:
                raise Refused(body_problem)  # noqa: TRY301 - as above
            return inbound, wire.result(route.handler(Fields(values)))
        except Refused as refused:
            named = names.bare(values.get("KeyId", values.get("TargetKeyId")))
            self._service.store.refused(inbound.operation, refused.name, named)
            return inbound, wire.refusal(refused, self._service.decisions)

    def unreadable(self) -> Outbound:
        """See `Face.unreadable`."""
        refused = Refused("invalid_json", "This is no HTTP request, or too long.")
        return wire.refusal(refused, self._service.decisions)

    def auth(self, kind: str | None) -> dict[str, Any]:
        """See `Face.auth`; the kinds are permanent and sts."""
        kinds: dict[str, dict[str, Any]] = {
            "permanent": {
                "access_key_id": credentials.ACCESS_KEY_ID,
                "access_key_secret": credentials.ACCESS_KEY_SECRET,
                "region": credentials.REGION,
            },
            "sts": {
                "access_key_id": credentials.STS_ACCESS_KEY_ID,
                "access_key_secret": credentials.STS_ACCESS_KEY_SECRET,
                "security_token": credentials.STS_SECURITY_TOKEN,
                "region": credentials.REGION,
            },
        }
        if (kind or "permanent") not in kinds:
            raise ValueError(f"There is no way {kind!r} to sign in here; there are: {', '.join(kinds)}.")
        return kinds[kind or "permanent"]

    def own_keys(self) -> tuple[Draft, ...]:
        """The AWS managed key of another service."""
        return (Draft(spec=SYMMETRIC, usage="ENCRYPT_DECRYPT", alias="alias/aws/s3", default=True),)

    def foreign_key(self, number: int) -> Draft:
        """See `Face.foreign_key`."""
        return Draft(spec=SYMMETRIC, usage="ENCRYPT_DECRYPT", alias=f"alias/payroll-{number}", description="Not yours.")


def _read(body: bytes) -> tuple[dict[str, Any], str | None]:
    """The body's fields and, where there are none, why; judged later, after the credentials."""
    if not body:
        return {}, "empty_body"
    try:
        value = strict_json.parse(body)
    except ValueError:
        return {}, "invalid_json"
    return (value, None) if isinstance(value, dict) else ({}, "invalid_json")
