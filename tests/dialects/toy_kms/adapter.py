"""The toy dialect in the suite: flat JSON over POST, one path an operation."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kms_conformance.catalogue.api import ReplySpec
from kms_conformance.dialects.base import Dialect, ErrorView, KeyView, Page, ProtocolCase, Raw, mapping, text
from kms_conformance.wire.dates import epoch_date
from kms_conformance.wire.decode import Decoded, decode_json
from kms_conformance.wire.messages import Reply, Request

_FIELDS = {"key_id": "id", "window": "days", "description": "note", "cursor": "from"}
_OPERATIONS = {"create", "describe", "list", "enable", "disable", "schedule", "cancel"}


class Toy(Dialect):
    """The adapter."""

    protocol_cases: Mapping[str, ProtocolCase] = {}
    malformed_keys = ("no-such-key",)

    def request(self, operation: str, arguments: Mapping[str, object]) -> Request:
        if operation not in _OPERATIONS:
            raise KeyError(operation)
        body = {_FIELDS[name]: value.value if isinstance(value, Raw) else value for name, value in arguments.items()}
        url = f"{self.base_url}/toy/{self.scope}/{operation}"
        return Request("POST", url, (("Content-Type", "application/json"),), json.dumps(body).encode())

    def naming(self, marker: str) -> Mapping[str, object]:
        return {"description": marker}

    def from_fuzzer(self, operation_id: str, request: Request) -> Request:
        return request

    def decode(self, reply: Reply, spec: ReplySpec | None) -> Decoded:
        return decode_json(reply.body)

    def media_type_problem(self, reply: Reply, request: Request, spec: ReplySpec | None) -> tuple[str, str] | None:
        declared = reply.header("Content-Type") or "none"
        return None if declared == "application/json" else ("application/json", declared)

    def error(self, value: object) -> ErrorView | None:
        body = mapping(value)
        return ErrorView(text(body["code"]), text(body.get("message"))) if "code" in body else None

    def request_id(self, reply: Reply, value: object) -> str | None:
        return reply.header("X-Toy-Request")

    def created_id(self, value: object) -> str | None:
        return text(mapping(value).get("id"))

    def key(self, value: object) -> KeyView:
        key = mapping(value)
        ends = key.get("ends")
        date = epoch_date(ends) if isinstance(ends, int) else None
        return KeyView(
            text(key.get("id")), self.profile.state(key.get("status")), date, None, text(key.get("note")), key
        )

    def page(self, value: object) -> Page:
        return Page(tuple(map(str, mapping(value).get("ids", ()))), mapping(value).get("next"))

    def echo(self, value: object) -> tuple[str | None, str | None]:
        return self.created_id(value), self.profile.state(mapping(value).get("status"))

    def unknown_key(self) -> str:
        return self.chance.uuid()

    def by_alias(self, key: str, alias: str) -> Mapping[str, object]:
        raise NotImplementedError

    def aliased_key(self, alias: str, value: object) -> str | None:
        raise NotImplementedError

    def secret_output(self, operation: str, value: object) -> str | None:
        return None


ADAPTER = Toy
