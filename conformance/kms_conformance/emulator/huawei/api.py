"""The API of the Huawei dialect: `POST /v1.0/{project_id}/kms/{operation}`, version discovery and part of IAM.

A request is checked in this order, which the documents leave open: credentials and their project; path; method; JSON
syntax; `sequence`; form and range of the other fields; whether the key exists; the key's state. For example, a bad
window (waiting period) for an unknown key is refused because of the window, and requests without credentials do not
reveal which keys exist.
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
    """Routes the operations of the Huawei dialect; see the module docstring for the order of the checks."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._authenticator = HuaweiAuthenticator(service)
        self._identity = IdentityService(service, self._authenticator)
        operations = Operations(service)
        self._routes = {
            "create-key": _Route("create", "POST", operations.create),
            "describe-key": _Route("describe", "POST", operations.describe),
            "list-keys": _Route("list", "POST", operations.list_keys),
            "enable-key": _Route("enable", "POST", operations.enable),
            "disable-key": _Route("disable", "POST", operations.disable),
            "schedule-key-deletion": _Route("schedule", "POST", operations.schedule),
            "cancel-key-deletion": _Route("cancel", "POST", operations.cancel),
            "encrypt-data": _Route("encrypt", "POST", operations.encrypt),
            "decrypt-data": _Route("decrypt", "POST", operations.decrypt),
            "create-datakey": _Route("generate_data_key", "POST", operations.generate_data_key),
            "update-key-alias": _Route("set_alias", "POST", operations.set_alias),
            "update-key-description": _Route("update_description", "POST", operations.update_description),
            "user-instances": _Route("instances", "GET", operations.count_instances),
            "user-quotas": _Route("quotas", "GET", operations.show_quotas),
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
            # _admit has refused requests without a route, which mypy cannot know.
            assert route is not None
            read = self._service.decisions.parameters(route.operation, values)
            return inbound, replies.result(route.handler(HuaweiParameters(read, self._service.decisions)))
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
                route = self._routes.get(operation)
                lacking = route is not None and route.operation in self._service.rules.lacks
                return project_id, None if lacking else route
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
        """The versions for `GET /`, `GET /v1.0` and `GET /v3` (IAM); no page requires a token for these requests."""
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
    """The fields of a body, and the refusal if it cannot be parsed; the caller authenticates before it refuses."""
    if route is None or route.method == "GET":
        return {}, None
    if not body:
        return {}, "empty_body"
    try:
        value = parse_json(body)
    except ValueError:
        return {}, "invalid_json"
    return (value, None) if isinstance(value, dict) else ({}, "invalid_json")
