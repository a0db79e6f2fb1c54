"""Adapter for Huawei Cloud, Open Telekom Cloud and other clouds with their API: JSON, one path for each operation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from kms_conformance.catalogue.api import ReplySpec
from kms_conformance.dialects.base import Dialect, ErrorView, KeyView, Page, ProtocolCase, Raw, mapping, text, whole
from kms_conformance.dialects.belongings import Belonging, texts_at, texts_in
from kms_conformance.wire.dates import epoch_date
from kms_conformance.wire.decode import Decoded, decode_json
from kms_conformance.wire.messages import Reply, Request

_POSTS = {
    "create": "create-key",
    "enable": "enable-key",
    "disable": "disable-key",
    "describe": "describe-key",
    "list": "list-keys",
    "schedule": "schedule-key-deletion",
    "cancel": "cancel-key-deletion",
    "encrypt": "encrypt-data",
    "decrypt": "decrypt-data",
    "generate_data_key": "create-datakey",
    "set_alias": "update-key-alias",
    "update_description": "update-key-description",
}
_GETS = {
    "instances": "/v1.0/{project_id}/kms/user-instances",
    "quotas": "/v1.0/{project_id}/kms/user-quotas",
    "versions": "/",
    "version": "/v1.0",
}
_FIELDS = {
    "key_id": "key_id",
    "window": "pending_days",
    "alias": "key_alias",
    "description": "key_description",
    "origin": "origin",
    "spec": "key_spec",
    "usage": "key_usage",
    "plaintext": "plain_text",
    "ciphertext": "cipher_text",
    "context": "encryption_context",
    "limit": "limit",
    "cursor": "marker",
    "sequence": "sequence",
    "state": "key_state",
}
# A date between 2001 and 2286 in seconds since 1970 has this many digits.
_DIGITS_OF_SECONDS = 10
# Prefixes of the codes of the API gateway; the second one is that of other regions and services.
_GATEWAY_CODES = ("APIGW.", "APIG.")
_JSON = (("Content-Type", "application/json"),)

# The alias of a key is its name.
_BELONGINGS = (
    Belonging(
        "name",
        made_by=frozenset({"set_alias"}),
        taken_by=frozenset(),
        takes_off=lambda key, names: ("set_alias", {"key_id": key, "alias": names[0]}),
        requested=texts_in("key_alias"),
        listed_by="describe",
        listed=texts_at("key_alias"),
        own_value="marker",
    ),
    Belonging(
        "description",
        made_by=frozenset({"update_description"}),
        taken_by=frozenset(),
        takes_off=lambda key, names: ("update_description", {"key_id": key, "description": names[0]}),
        requested=texts_in("key_description"),
        listed_by="describe",
        listed=texts_at("key_description"),
        own_value="marker",
    ),
)


def _unknown_path(request: Request) -> Request:
    return replace(request, url=request.url.rpartition("/")[0] + "/no-such-operation")


def _extra_field(request: Request) -> Request:
    body = json.loads(request.body) | {"no_such_field": "1"}
    return replace(request, body=json.dumps(body).encode())


def _typed(media_type: str) -> Callable[[Request], Request]:
    return lambda request: replace(request, headers=(("Content-Type", media_type),))


class Huawei(Dialect):
    """The adapter of the dialect `huawei`."""

    belongings = _BELONGINGS
    key_field = "key_id"
    data_key_bytes = 64
    clears_description = True
    key_form = re.compile(r"[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}")
    lists_signing_keys = False
    longest_text = 4096
    signing_key = MappingProxyType({"spec": "EC_P256", "usage": "SIGN_VERIFY"})
    malformed_keys = (
        "no-such-key",
        "0d0466b0-e727-4d9c-b35d-f84bb474a37",
        "0d0466b0-e727-4d9c-b35d-f84bb474a37ff",
        "0d0466b0_e727_4d9c_b35d_f84bb474a37f",
        "0d0466b0-e727-4d9c-b35d-f84bb474a3\u00fcf",
    )
    protocol_cases: Mapping[str, ProtocolCase] = {
        "wrong-method": ProtocolCase("schedule", "wrong_method", lambda r: replace(r, method="GET", body=b"")),
        "unknown-path": ProtocolCase("schedule", "unknown_path", _unknown_path),
        "malformed-json": ProtocolCase("schedule", "invalid_json", lambda r: replace(r, body=r.body[:-1])),
        "empty-body": ProtocolCase("schedule", "empty_body", lambda r: replace(r, body=b"")),
        "unknown-field": ProtocolCase("schedule", "unknown_field", _extra_field),
        "charset": ProtocolCase("describe", None, _typed("application/json;charset=UTF-8")),
    }

    def request(self, operation: str, arguments: Mapping[str, object]) -> Request:
        if operation in _GETS:
            return Request("GET", self._url(_GETS[operation]))
        body = {_FIELDS[name]: self._written(name, value) for name, value in arguments.items()}
        if operation == "generate_data_key":
            body.setdefault("datakey_length", "512")
        url = self._url("/v1.0/{project_id}/kms/" + _POSTS[operation])
        return Request("POST", url, _JSON, json.dumps(body).encode())

    def _url(self, path: str) -> str:
        return self.base_url + path.replace("{project_id}", self.scope)

    def _written(self, name: str, value: object) -> object:
        if isinstance(value, Raw):
            return value.value
        if name == "window" and self.profile.window.wire_type == "string":
            return str(value)
        return str(value) if name in {"limit", "cursor"} else value

    def naming(self, marker: str) -> Mapping[str, object]:
        return {"alias": marker, "description": marker}

    def from_fuzzer(self, operation_id: str, request: Request) -> Request:
        return request

    def decode(self, reply: Reply, spec: ReplySpec | None) -> Decoded:
        return decode_json(reply.body)

    def media_type_problem(self, reply: Reply, request: Request, spec: ReplySpec | None) -> tuple[str, str] | None:
        declared = reply.header("Content-Type") or "none"
        if not reply.body or declared.split(";")[0].strip().lower() == "application/json":
            return None
        return "application/json", declared

    def error(self, value: object) -> ErrorView | None:
        body = mapping(value)
        inner = mapping(body.get("error", body))
        code = inner.get("error_code", inner.get("code"))
        message = text(inner.get("error_msg", inner.get("message")))
        if code is None and message is None:
            return None
        return ErrorView(None if code is None else str(code), message, str(code).startswith(_GATEWAY_CODES))

    def told_status(self, value: object) -> int | None:
        # The identity service gives the status as the code, as a number; the service's own codes are texts.
        return whole(mapping(mapping(value).get("error")).get("code"))

    def request_id(self, reply: Reply, value: object) -> str | None:
        return reply.header(self.profile.request_id.header or "X-Request-Id")

    def created_id(self, value: object) -> str | None:
        return text(mapping(mapping(value).get("key_info")).get("key_id"))

    def key(self, value: object) -> KeyView:
        info = mapping(mapping(value).get("key_info"))
        in_seconds = bool(self.profile.facts.get("dates_in_seconds"))
        date, problem = _date(info.get("scheduled_deletion_date"), in_seconds=in_seconds)
        return KeyView(
            id=text(info.get("key_id")),
            state=self.profile.state(_as_text(info.get("key_state"))),
            deletion_at=date,
            date_problem=problem,
            description=text(info.get("key_description")),
            fields=info,
            born=text(_as_text(info.get("creation_date"))),
            created_at=_date(info.get("creation_date"), in_seconds=in_seconds)[0],
        )

    def page(self, value: object) -> Page:
        body = mapping(value)
        keys = body.get("keys")
        ids = tuple(str(key) for key in keys) if isinstance(keys, list) else ()
        more = body.get("truncated") == "true"
        details = body.get("key_details")
        told = [mapping(key) for key in (details if isinstance(details, list) else ())]
        return Page(ids, body.get("next_marker") if more else None, {str(key.get("key_id")): key for key in told})

    def echo(self, value: object) -> tuple[str | None, str | None]:
        body = mapping(value)
        body = mapping(body.get("key_info", body))
        state = _as_text(body.get("key_state"))
        return text(body.get("key_id")), None if state is None else self.profile.state(state)

    def quota(self, value: object) -> tuple[int, int] | None:
        resources = mapping(mapping(value).get("quotas")).get("resources")
        for each in resources if isinstance(resources, list) else ():
            used, limit = mapping(each).get("used"), mapping(each).get("quota")
            if mapping(each).get("type") == "CMK" and isinstance(used, int) and isinstance(limit, int):
                return used, limit
        return None

    def unknown_key(self) -> str:
        return self.chance.uuid()

    def by_alias(self, key: str, alias: str) -> Mapping[str, object]:
        # Not every cloud of this dialect finds keys by alias. So the key is described by its id, and the reply must
        # have the alias.
        return {"key_id": key}

    def aliased_key(self, alias: str, value: object) -> str | None:
        info = mapping(mapping(value).get("key_info"))
        return text(info.get("key_id")) if info.get("key_alias") == alias else None

    def names(self, view: KeyView, alias: str | None) -> Mapping[str, str]:
        own, realm, domain = (text(view.fields.get(name)) for name in ("key_alias", "realm", "domain_id"))
        if not own:
            return {}
        urn = {"urn": f"kms:{realm}:{domain}:alias:{own}"} if realm and domain else {}
        return {"alias": f"alias/{own}", **urn}

    def in_state(self, view: KeyView, state: str, *, state_first: bool = False) -> Mapping[str, object] | None:
        return {"state": self.profile.facts["states"][state]}

    def data_key_size(self, value: object) -> int | None:
        plain = text(mapping(value).get("plain_text"))
        try:
            return None if plain is None else len(bytes.fromhex(plain))
        except ValueError:
            return None

    def secret_output(self, operation: str, value: object) -> str | None:
        return text(mapping(value).get("cipher_text" if operation == "encrypt" else "plain_text"))


def _as_text(value: object) -> object:
    """A whole number as its digits, anything else as it is.

    The documents want digits in a string, and the schema of the reply judges that. What a number says is understood
    nevertheless, so that one wrong type does not hide everything else.
    """
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _date(value: object, *, in_seconds: bool = False) -> tuple[datetime | None, str | None]:
    """(date, problem) for a string of milliseconds since 1970; (None, None) if it is absent or empty.

    A number has a problem, and its date is read nevertheless. With `in_seconds`, a string of ten digits has seconds.
    """
    if value in (None, ""):
        return None, None
    if isinstance(value, int) and not isinstance(value, bool):
        return _date(_as_text(value), in_seconds=in_seconds)[0], f"{value} is a number, no string"
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,14}", value):
        seconds = in_seconds and len(value) == _DIGITS_OF_SECONDS
        found = epoch_date(int(value) if seconds else int(value) / 1000)
        return found, None if found else f"{value!r} is not a time before the year 3000"
    return None, f"{value!r} is not a string of milliseconds since 1970"


ADAPTER = Huawei
