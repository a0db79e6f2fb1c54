"""The API of the Alibaba dialect: `GET` or `POST /` with an action and its parameters in query, form and headers.

A request is checked in this order, which the documents leave open: signature; method and path; version; action; form
and range of the parameters; whether the key exists; the key's state. For example, a bad window (waiting period) for an
unknown key is refused because of the window, and requests without credentials do not reveal which keys exist. A
parameter that is sent twice, such as in query and form, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.alibaba import parameters, replies
from kms_conformance.emulator.alibaba.authenticate import AlibabaAuthenticator
from kms_conformance.emulator.alibaba.operations import CryptoActions, KeyActions, NameActions
from kms_conformance.emulator.alibaba.parameters import AlibabaParameters
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from kms_conformance.emulator.messages import Inbound, Outbound
    from kms_conformance.emulator.service import Service

VERSION = "2016-01-20"
_METHODS = ("GET", "POST")


@dataclass(frozen=True)
class _Route:
    operation: str
    handler: Callable[[AlibabaParameters], dict[str, Any]]


class AlibabaApi:
    """Routes the actions of the Alibaba dialect; see the module docstring for the order of the checks."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._authenticator = AlibabaAuthenticator(service)
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
            "GenerateDataKeyWithoutPlaintext": _Route(
                "generate_data_key_without_plaintext", crypto.generate_data_key_without_plaintext
            ),
            "CreateAlias": _Route("set_alias", names.create_alias),
            "DeleteAlias": _Route("delete_alias", names.delete_alias),
            "TagResource": _Route("tag", names.tag),
            "UntagResource": _Route("untag", names.untag),
            "ListResourceTags": _Route("list_tags", names.list_tags),
            "DescribeRegions": _Route("regions", names.describe_regions),
            "DescribeAccountKmsStatus": _Route("account_status", names.describe_account),
        }

    def answer(self, inbound: Inbound) -> tuple[Inbound, Outbound]:
        """See `DialectApi.answer`."""
        sent = parameters.of_query(inbound) + parameters.of_form(inbound)
        values = parameters.first_values(sent)
        action = inbound.header("x-acs-action") or values.get("Action", "")
        version = inbound.header("x-acs-version") or values.get("Version", "")
        route = self._routes.get(action)
        inbound = replace(inbound, operation=route.operation if route else None, parameters=values)
        as_xml = replies.is_xml(values)
        try:
            self._authenticator.authenticate(inbound, sent)
            route = self._called(inbound, action, version)
            read = self._service.decisions.parameters(route.operation, parameters.merged(sent))
            value = route.handler(AlibabaParameters(read))
            return inbound, replies.result(value, self._service.rules, action, as_xml=as_xml)
        except Refused as refused:
            self._service.store.refused(inbound.operation, refused.name, values.get("KeyId"))
            return inbound, replies.refusal(refused, self._service.decisions, as_xml=as_xml)

    def unreadable(self) -> Outbound:
        """See `DialectApi.unreadable`."""
        refused = Refused("invalid_parameter", "This is no HTTP request, or too long.")
        return replies.refusal(refused, self._service.decisions, as_xml=False)

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
