"""The toy dialect in the emulator: an API in front of the store, and its seed data."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from kms_conformance.emulator.keys import ABSENT, Key, KeyDraft
from kms_conformance.emulator.messages import Inbound, Outbound, encode_json, parse_json, reply
from kms_conformance.emulator.refusals import Refused
from kms_conformance.emulator.seed_data import SeedData
from kms_conformance.emulator.service import Service

_TOKEN, _PROJECT = "EXAMPLE-TOKEN-OF-THE-TOY", "e1a0000000000000000000000000e1a0"
_PAGE = 10


class ToyApi:
    """See the module."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._store = service.store

    def answer(self, inbound: Inbound) -> tuple[Inbound, Outbound]:
        _, _, project, operation = (*inbound.path.split("/"), "", "", "")[:4]
        try:
            values = parse_json(inbound.body)
        except ValueError:
            values = None
        fields: dict[str, Any] = values if isinstance(values, dict) else {}
        inbound = replace(inbound, operation=operation, parameters=fields)
        try:
            self._admit(inbound, project, None if values is fields else "invalid_json")
            return inbound, self._reply(200, self._done(operation, fields))
        except Refused as refused:
            self._store.refused(operation, refused.name, fields.get("id"))
            return inbound, self._refusal(refused)

    def unreadable(self) -> Outbound:
        return self._refusal(Refused("invalid_parameter"))

    def _admit(self, inbound: Inbound, project: str, body_problem: str | None) -> None:
        token = inbound.header("x-auth-token")
        found = "no_credentials" if not token else "bad_token" if token != _TOKEN else None
        if found is None and project != _PROJECT:
            found = "wrong_project"
        problem = self._service.decisions.token_problem(found, inbound)
        if problem is not None:
            raise Refused(problem)
        if not self._service.decisions.method_allowed(inbound, ("POST",)):
            raise Refused("wrong_method")
        if body_problem is not None:
            raise Refused(body_problem)

    def _done(self, operation: str, fields: dict[str, Any]) -> dict[str, Any]:
        if operation == "list":
            ids = [key.id for key in self._store.listed()]
            start = fields.get("from", 0)
            if not isinstance(start, int) or isinstance(start, bool) or start < 0:
                raise Refused("invalid_parameter")
            end = start + self._service.decisions.page_size(_PAGE)
            return {"ids": ids[start:end], "next": end if len(ids) > end else None}
        if operation == "create":
            note = fields.get("note", "")
            if not isinstance(note, str) or len(note) > 100:
                raise Refused("invalid_parameter")
            return self._told(self._store.create(KeyDraft(spec="toy", usage="toy", description=note)))
        if operation not in {"describe", "enable", "disable", "schedule", "cancel"}:
            raise Refused("unknown_path")
        if "id" not in fields:
            raise Refused("missing_key")
        if not isinstance(fields["id"], str):
            raise Refused("wrong_key_type")
        window = (fields.get("days", ABSENT),) if operation == "schedule" else ()
        return self._told(getattr(self._store, operation)(fields["id"], *window))

    def _told(self, key: Key) -> dict[str, Any]:
        ends = None if key.deletion is None else int(key.deletion.timestamp())
        status = self._service.rules.wire_states[key.state]
        return {"id": key.id, "status": status, "note": key.description, "ends": ends}

    def _refusal(self, refused: Refused) -> Outbound:
        answer = self._service.decisions.answer(refused.name)
        return self._reply(answer.status, {"code": answer.code, "message": refused.message}, refused.name)

    def _reply(self, status: int, value: dict[str, Any], refusal: str | None = None) -> Outbound:
        headers = (("Content-Type", "application/json"), ("X-Toy-Request", uuid.uuid4().hex))
        return reply(status, headers, value, encode_json, refusal)


API = ToyApi
SEED = SeedData(
    auth=lambda _: {"token": {"token": _TOKEN, "project_id": _PROJECT}},
    foreign=KeyDraft(spec="toy", usage="toy", alias="payroll-{number}", description="Not yours."),
)
