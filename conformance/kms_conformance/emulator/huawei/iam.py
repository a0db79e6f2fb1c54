"""The part of the identity service (IAM) that clients need: it issues tokens for a password, and lists projects.

Sources: the vendor's "Obtaining a User Token Through Password Authentication"; the requests
that the library keystoneauth sends.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from kms_conformance.emulator.clock import iso
from kms_conformance.emulator.huawei import credentials, replies
from kms_conformance.emulator.messages import parse_json

if TYPE_CHECKING:
    from kms_conformance.emulator.huawei.authenticate import HuaweiAuthenticator
    from kms_conformance.emulator.messages import Inbound, Outbound
    from kms_conformance.emulator.service import Service

_MISSING = object()


class IdentityService:
    """Answers requests below `/v3`."""

    def __init__(self, service: Service, authenticator: HuaweiAuthenticator) -> None:
        self._service = service
        self._authenticator = authenticator

    def answer(self, inbound: Inbound) -> Outbound:
        """Answer a request; errors have the format of the identity service."""
        routes = {
            "/v3/auth/tokens": ("POST", self._issue),
            "/v3/projects": ("GET", self._list_projects),
        }
        method, handler = routes.get(inbound.path.rstrip("/"), ("", None))
        if handler is None:
            return replies.keystone_problem(404, "Not Found", "There is no such resource.")
        if inbound.method != method:
            problem = replies.keystone_problem(405, "Method Not Allowed", "The method is not supported here.")
            return problem.with_header("Allow", method)
        return handler(inbound)

    def _issue(self, inbound: Inbound) -> Outbound:
        try:
            auth = parse_json(inbound.body)
        except ValueError as problem:
            return replies.keystone_problem(400, "Bad Request", f"The body is not JSON: {problem}.")
        user = _at(auth, "auth", "identity", "password", "user")
        if _at(auth, "auth", "identity", "methods") != ["password"] or not isinstance(user, dict):
            return replies.keystone_problem(400, "Bad Request", "The only method here is password.")
        if not _is_user(user):
            return replies.keystone_problem(401, "Unauthorized", "The user name, domain or password is wrong.")
        if not _is_project(_at(auth, "auth", "scope", "project")):
            return replies.keystone_problem(401, "Unauthorized", "The scope must be the project of the emulator.")
        return self._token()

    def _token(self) -> Outbound:
        text, token = self._authenticator.tokens.issue(credentials.PROJECT_ID, self._service.clock.real())
        domain = {"id": credentials.DOMAIN_ID, "name": credentials.DOMAIN}
        address = f"{self._service.base_url}/v1.0/{credentials.PROJECT_ID}"
        endpoint = {"id": "kms-public", "interface": "public", "region": credentials.REGION, "url": address}
        identity = {**endpoint, "id": "iam-public", "url": f"{self._service.base_url}/v3"}
        body = {
            "methods": ["password"],
            "issued_at": iso(token.issued),
            "expires_at": iso(token.expires),
            "user": {"id": "EXAMPLE-USER-ID", "name": credentials.USERNAME, "domain": domain},
            "project": {"id": credentials.PROJECT_ID, "name": credentials.REGION, "domain": domain},
            "roles": [{"id": "EXAMPLE-ROLE-ID", "name": "kms_adm"}],
            "catalog": [
                {
                    "id": "kms",
                    "name": "kms",
                    "type": "kms",
                    "endpoints": [{**endpoint, "region_id": credentials.REGION}],
                },
                {"id": "iam", "name": "iam", "type": "identity", "endpoints": [identity]},
            ],
        }
        return replies.result({"token": body}, 201, (("X-Subject-Token", text),))

    def _list_projects(self, inbound: Inbound) -> Outbound:
        if self._authenticator.problem(inbound, None) is not None:
            return replies.keystone_problem(401, "Unauthorized", "The request carries no valid token or signature.")
        name = parse_qs(inbound.query).get("name", [credentials.REGION])[0]
        project = {
            "id": credentials.PROJECT_ID,
            "name": credentials.REGION,
            "domain_id": credentials.DOMAIN_ID,
            "parent_id": credentials.DOMAIN_ID,
            "enabled": True,
            "is_domain": False,
            "description": "",
            "links": {"self": f"{self._service.base_url}/v3/projects/{credentials.PROJECT_ID}"},
        }
        links = {"self": f"{self._service.base_url}/v3/projects", "previous": None, "next": None}
        return replies.result({"projects": [project] if name == credentials.REGION else [], "links": links})


def _at(value: Any, *names: str) -> Any:  # noqa: ANN401 - parsed JSON
    for name in names:
        value = value.get(name, _MISSING) if isinstance(value, dict) else _MISSING
    return value


def _is_user(user: dict[str, Any]) -> bool:
    password = user.get("password")
    return (
        user.get("name") == credentials.USERNAME
        and _is_named(_at(user, "domain"), credentials.DOMAIN, credentials.DOMAIN_ID)
        and isinstance(password, str)
        and hmac.compare_digest(password.encode(), credentials.PASSWORD.encode())
    )


def _is_project(project: object) -> bool:
    return _is_named(project, credentials.REGION, credentials.PROJECT_ID)


def _is_named(value: object, name: str, identifier: str) -> bool:
    """Whether an object refers to this resource by id or name; the id takes precedence."""
    if not isinstance(value, dict):
        return False
    return value["id"] == identifier if "id" in value else value.get("name") == name
