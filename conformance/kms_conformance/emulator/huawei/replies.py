"""Builds replies of the Huawei dialect: JSON with a request id header, three error formats, details of keys."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.huawei.credentials import DOMAIN_ID, REGION
from kms_conformance.emulator.messages import Headers, Outbound, encode_json, reply

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from kms_conformance.emulator.decisions import Decisions
    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.refusals import Refused
    from kms_conformance.emulator.rules import Rules

# Error codes of the API gateway begin with one of these; its errors have no `error` object around their fields.
_GATEWAY = ("APIGW.", "APIG.")


def result(value: dict[str, Any], status: int = 200, headers: Headers = ()) -> Outbound:
    """A success reply, or an error of the identity service."""
    return reply(status, (*_headers(_request_id()), *headers), value, encode_json)


def refusal(refused: Refused, decisions: Decisions, allowed: Collection[str] = ()) -> Outbound:
    """The reply to a refused request: an error of the service, of the API gateway, or of the identity service.

    The identity service has the status as its code. A gateway may answer without a code.
    """
    answer = decisions.answer(refused.name)
    request_id = _request_id()
    error = {"error_code": answer.code, "error_msg": refused.message}
    value: dict[str, Any] = {"error": error}
    if answer.code is None:
        value = {"message": refused.message, "request_id": request_id}
    elif answer.code.isdigit():
        value = {"error": {"code": answer.status, "title": "Unauthorized", "message": refused.message}}
    elif answer.code.startswith(_GATEWAY):
        value = {**error, "request_id": request_id}
    allow: Headers = (("Allow", ", ".join(allowed)),) if answer.status == 405 else ()
    return reply(answer.status, (*_headers(request_id), *allow), value, encode_json, refused.name)


def keystone_problem(status: int, title: str, message: str) -> Outbound:
    """An error of the identity service, in its format."""
    return result({"error": {"code": status, "title": title, "message": message}}, status)


def _request_id() -> str:
    return secrets.token_hex(16)


def _headers(request_id: str) -> Headers:
    return (("Content-Type", "application/json"), ("X-Request-Id", request_id))


def millis(moment: datetime | None) -> str:
    """Milliseconds since 1970 as text, empty for None, as in the vendor's examples."""
    return "" if moment is None else str(int(moment.timestamp()) * 1000)


def key_state(key: Key, rules: Rules) -> dict[str, str]:
    """The key id and the state: the whole reply to schedule and cancel, the `key_info` of enable and disable."""
    return {"key_id": key.id, "key_state": rules.wire_states[key.state]}


def key_details(key: Key, rules: Rules) -> dict[str, Any]:
    """The details of a key in describe-key and list-keys."""
    return {
        "key_id": key.id,
        "domain_id": DOMAIN_ID,
        "key_alias": key.aliases[0] if key.aliases else "",
        "realm": REGION,
        "key_spec": key.spec,
        "key_usage": key.usage,
        "key_description": key.description,
        "creation_date": millis(key.created),
        "scheduled_deletion_date": millis(key.deletion),
        "key_state": rules.wire_states[key.state],
        "default_key_flag": "1" if key.default else "0",
        "key_type": "1",
        "expiration_time": "",
        "origin": "external" if key.external else "kms",
    }


def kms_version(base_url: str) -> dict[str, Any]:
    """The only version of the service."""
    return _version("v1.0", f"{base_url}/v1.0/", "2018-09-05T08:18:05Z")


def identity_version(base_url: str) -> dict[str, Any]:
    """The version of the identity service, which clients look up before they authenticate."""
    media = {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
    return {**_version("v3.14", f"{base_url}/v3/", "2020-04-07T00:00:00Z"), "media-types": [media]}


def _version(name: str, address: str, updated: str) -> dict[str, Any]:
    return {
        "id": name,
        "links": [{"href": address, "rel": "self"}],
        "min_version": "",
        "status": "CURRENT",
        "updated": updated,
        "version": "",
    }
