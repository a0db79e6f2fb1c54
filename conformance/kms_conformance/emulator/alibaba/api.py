"""The Alibaba dialect: `GET` or `POST /` with an action and its parameters in query, form and headers.

Order of judgements: signature; method and path; version; action; the parameters, form and range; the key's existence;
its state. So a bad window for an unknown key is refused for the window, and without credentials nobody learns which
keys there are. The documents leave the order open. A parameter that stands twice (query and form) is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.alibaba import credentials, pairs, wire
from kms_conformance.emulator.alibaba.actions import KeyActions
from kms_conformance.emulator.alibaba.doorman import Doorman
from kms_conformance.emulator.alibaba.fields import Fields
from kms_conformance.emulator.alibaba.more_actions import CryptoActions, NameActions
from kms_conformance.emulator.keys import Draft
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from kms_conformance.emulator.replies import Inbound, Outbound
    from kms_conformance.emulator.service import Service

VERSION = "2016-01-20"
_METHODS = ("GET", "POST")


@dataclass(frozen=True)
class _Route:
    operation: str
    handler: Callable[[Fields], dict[str, Any]]


class AlibabaFace:
    """See the module."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._doorman = Doorman(service)
        keys = KeyActions(service)
        crypto, names = CryptoActions(service, keys), NameActions(service)
        self._routes = {
            "CreateKey": _Route("create", keys.create),
            "DescribeKey": _Route("describe", keys.describe),
            "ListKeys": _Route("list", keys.list_keys),
            "EnableKey": _Route("enable", keys.enable),
            "DisableKey": _Route("disable", keys.disable),
            "ScheduleKeyDeletion": _Route("schedule", keys.schedule),
            "CancelKeyDeletion": _Route("cancel", keys.cancel),
            "UpdateKeyDescription": _Route("update_description", keys.update_description),
            "SetDeletionProtection": _Route("set_deletion_protection", keys.set_deletion_protection),
            "Encrypt": _Route("encrypt", crypto.encrypt),
            "Decrypt": _Route("decrypt", crypto.decrypt),
            "GenerateDataKey": _Route("generate_data_key", crypto.generate_data_key),
            "CreateAlias": _Route("set_alias", names.create_alias),
            "DeleteAlias": _Route("delete_alias", names.delete_alias),
            "TagResource": _Route("tag", names.tag),
            "ListResourceTags": _Route("list_tags", names.list_tags),
            "DescribeRegions": _Route("regions", names.describe_regions),
            "DescribeAccountKmsStatus": _Route("account_status", names.describe_account),
        }

    def answer(self, inbound: Inbound) -> tuple[Inbound, Outbound]:
        """See `Face.answer`."""
        sent = pairs.of_query(inbound) + pairs.of_form(inbound)
        values = pairs.first_values(sent)
        action = inbound.header("x-acs-action") or values.get("Action", "")
        version = inbound.header("x-acs-version") or values.get("Version", "")
        route = self._routes.get(action)
        inbound = replace(inbound, operation=route.operation if route else None, parameters=values)
        as_xml = wire.is_xml(values)
        try:
            self._doorman.admit(inbound, sent)
            route = self._called(inbound, action, version)
            value = route.handler(Fields(pairs.merged(sent)))
            return inbound, wire.result(value, self._service.rules, action, as_xml=as_xml)
        except Refused as refused:
            self._service.store.refused(inbound.operation, refused.name, values.get("KeyId"))
            return inbound, wire.refusal(refused, self._service.decisions, as_xml=as_xml)

    def unreadable(self) -> Outbound:
        """See `Face.unreadable`."""
        refused = Refused("invalid_parameter", "This is no HTTP request, or too long.")
        return wire.refusal(refused, self._service.decisions, as_xml=False)

    def auth(self, kind: str | None) -> dict[str, Any]:
        """See `Face.auth`; the kinds are v3, v1 and sts."""
        permanent = {
            "access_key_id": credentials.ACCESS_KEY_ID,
            "access_key_secret": credentials.ACCESS_KEY_SECRET,
        }
        kinds: dict[str, dict[str, Any]] = {
            "v3": {**permanent, "signature": "v3"},
            "v1": {**permanent, "signature": "v1"},
            "sts": {
                "access_key_id": credentials.STS_ACCESS_KEY_ID,
                "access_key_secret": credentials.STS_ACCESS_KEY_SECRET,
                "security_token": credentials.STS_SECURITY_TOKEN,
                "signature": "v3",
            },
        }
        if (kind or "v3") not in kinds:
            raise ValueError(f"There is no way {kind!r} to sign in here; there are: {', '.join(kinds)}.")
        return kinds[kind or "v3"]

    def own_keys(self) -> tuple[Draft, ...]:
        """None: this service makes its own keys only when another of the vendor's services asks for one."""
        return ()

    def foreign_key(self, number: int) -> Draft:
        """See `Face.foreign_key`."""
        return Draft(
            spec="Aliyun_AES_256", usage="ENCRYPT/DECRYPT", alias=f"alias/payroll-{number}", description="Not yours."
        )

    def _called(self, inbound: Inbound, action: str, version: str) -> _Route:
        if not self._service.decisions.method_allowed(inbound, _METHODS):
            raise Refused("wrong_method")
        if inbound.path not in {"", "/"}:
            raise Refused("unknown_action")
        if version != VERSION:
            raise Refused("unknown_version")
        if not action:
            raise Refused("missing_action")
        route = self._routes.get(action)
        if route is None:
            raise Refused("unknown_action")
        return route
