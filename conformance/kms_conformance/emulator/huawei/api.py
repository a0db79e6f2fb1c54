"""The Huawei dialect: `POST /v1.0/{project_id}/kms/{operation}` and its few neighbours.

Order of judgements: credentials and whether they are of the address's project; address; method; the body as JSON; its
sequence; its other fields, form and range; the key's existence; its state. So a bad window for an unknown key is
refused for the window, and nobody without credentials learns which keys there are. The documents leave the order open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from kms_conformance.emulator.huawei import replies
from kms_conformance.emulator.huawei.authenticate import HuaweiAuthenticator
from kms_conformance.emulator.huawei.iam import IdentityService
from kms_conformance.emulator.huawei.operations import Operations
from kms_conformance.emulator.huawei.parameters import HuaweiParameters
from kms_conformance.emulator.messages import parse_json
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from kms_conformance.emulator.messages import Inbound, Outbound
    from kms_conformance.emulator.service import Service


@dataclass(frozen=True)
class _Route:
    operation: str
    method: str
    handler: Callable[[HuaweiParameters], dict[str, Any]]


class HuaweiApi:
    """See the module."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._authenticator = HuaweiAuthenticator(service)
        self._identity = IdentityService(service, self._authenticator)
        does = Operations(service)
        self._routes = {
            "create-key": _Route("create", "POST", does.create),
            "describe-key": _Route("describe", "POST", does.describe),
            "list-keys": _Route("list", "POST", does.list_keys),
            "enable-key": _Route("enable", "POST", does.enable),
            "disable-key": _Route("disable", "POST", does.disable),
            "schedule-key-deletion": _Route("schedule", "POST", does.schedule),
            "cancel-key-deletion": _Route("cancel", "POST", does.cancel),
            "encrypt-data": _Route("encrypt", "POST", does.encrypt),
            "decrypt-data": _Route("decrypt", "POST", does.decrypt),
            "create-datakey": _Route("generate_data_key", "POST", does.generate_data_key),
            "update-key-alias": _Route("set_alias", "POST", does.set_alias),
            "update-key-description": _Route("update_description", "POST", does.update_description),
            "user-instances": _Route("instances", "GET", does.count_instances),
            "user-quotas": _Route("quotas", "GET", does.show_quotas),
        }

    def answer(self, inbound: Inbound) -> tuple[Inbound, Outbound]:
        """See `DialectApi.answer`."""
        segments = [unquote(segment) for segment in inbound.path.removeprefix("/").split("/")]
        if segments[0] == "v3" and segments != ["v3"]:
            return replace(inbound, operation="identity"), self._identity.answer(inbound)
        if len(segments) == 1 or segments == ["v1.0", ""]:
            operation = "version" if segments[0] else "versions"
            return self._open(replace(inbound, operation=operation), segments[0])
        project_id, route = self._routed(segments)
        values, body_problem = _read(inbound.body, route)
        inbound = replace(inbound, operation=route.operation if route else None, parameters=values)
        try:
            self._admit(inbound, project_id, route, body_problem)
            # mypy: _admit refuses what has no route.
            assert route is not None
            return inbound, replies.result(route.handler(HuaweiParameters(values, self._service.decisions)))
        except Refused as refused:
            self._service.store.refused(inbound.operation, refused.name, values.get("key_id"))
            return inbound, replies.refusal(refused, self._service.decisions, (route.method,) if route else ())

    def unreadable(self) -> Outbound:
        """See `DialectApi.unreadable`."""
        return replies.refusal(
            Refused("invalid_parameter", "This is no HTTP request, or too long."), self._service.decisions
        )

    def _routed(self, segments: list[str]) -> tuple[str | None, _Route | None]:
        match segments:
            case ["v1.0", project_id, "kms", operation] if project_id:
                return project_id, self._routes.get(operation)
            case ["v1.0", project_id, *_] if project_id:
                return project_id, None
        return None, None

    def _admit(self, inbound: Inbound, project_id: str | None, route: _Route | None, body_problem: str | None) -> None:
        problem = self._authenticator.problem(inbound, project_id)
        if problem is not None:
            raise Refused(problem)
        if route is None:
            raise Refused("unknown_path")
        if not self._service.decisions.method_allowed(inbound, (route.method,)):
            raise Refused("wrong_method")
        if body_problem is not None:
            raise Refused(body_problem)
        HuaweiParameters(inbound.parameters, self._service.decisions).sequence()

    def _open(self, inbound: Inbound, version: str) -> tuple[Inbound, Outbound]:
        try:
            return inbound, replies.result(self._version(inbound, version))
        except Refused as refused:
            return inbound, replies.refusal(refused, self._service.decisions, ("GET",))

    def _version(self, inbound: Inbound, version: str) -> dict[str, Any]:
        """`GET /`, `GET /v1.0` and the discovery of the identity service: as no page asks for a token there."""
        known: dict[str, dict[str, Any]] = {
            "": {"versions": [replies.kms_version(self._service.base_url)]},
            "v1.0": {"version": replies.kms_version(self._service.base_url)},
            "v3": {"version": replies.identity_version(self._service.base_url)},
        }
        if version not in known:
            raise Refused("unknown_path")
        if not self._service.decisions.method_allowed(inbound, ("GET",)):
            raise Refused("wrong_method")
        return known[version]


def _read(body: bytes, route: _Route | None) -> tuple[dict[str, Any], str | None]:
    """The body's fields and, where there are none, why; judged later, after the credentials."""
    if route is None or route.method == "GET":
        return {}, None
    if not body:
        return {}, "empty_body"
    try:
        value = parse_json(body)
    except ValueError:
        return {}, "invalid_json"
    return (value, None) if isinstance(value, dict) else ({}, "invalid_json")
