"""Adapter for Alibaba Cloud RPC: one path, the action and its parameters in the query, replies in JSON or XML."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from kms_conformance.catalogue.api import ReplySpec
from kms_conformance.dialects.alibaba_belongings import BELONGINGS
from kms_conformance.dialects.base import (
    Dialect,
    ErrorView,
    KeyView,
    Owner,
    Page,
    ProtocolCase,
    Raw,
    by_name,
    bytes_in,
    mapping,
    text,
    whole,
)
from kms_conformance.wire.dates import bounded
from kms_conformance.wire.decode import Decoded, decode_json, decode_xml
from kms_conformance.wire.messages import Reply, Request

_VERSION = "2016-01-20"
_PAGE_SIZE = 100
_ACTIONS = {
    "create": "CreateKey",
    "describe": "DescribeKey",
    "list": "ListKeys",
    "enable": "EnableKey",
    "disable": "DisableKey",
    "schedule": "ScheduleKeyDeletion",
    "cancel": "CancelKeyDeletion",
    "encrypt": "Encrypt",
    "decrypt": "Decrypt",
    "generate_data_key": "GenerateDataKey",
    "generate_data_key_without_plaintext": "GenerateDataKeyWithoutPlaintext",
    "update_description": "UpdateKeyDescription",
    "set_alias": "CreateAlias",
    "delete_alias": "DeleteAlias",
    "tag": "TagResource",
    # Sent only to give tags back: no requirement speaks of it.
    "untag": "UntagResource",
    "list_tags": "ListResourceTags",
    "set_deletion_protection": "SetDeletionProtection",
    "regions": "DescribeRegions",
    "account_status": "DescribeAccountKmsStatus",
}
_PARAMETERS = {
    "key_id": "KeyId",
    "window": "PendingWindowInDays",
    "alias": "AliasName",
    "description": "Description",
    "origin": "Origin",
    "spec": "KeySpec",
    "usage": "KeyUsage",
    "instance": "DKMSInstanceId",
    "plaintext": "Plaintext",
    "ciphertext": "CiphertextBlob",
    "context": "EncryptionContext",
    "limit": "PageSize",
    "cursor": "PageNumber",
    "tags": "Tags",
    "tag_keys": "TagKeys",
    "arn": "ProtectedResourceArn",
    "protected": "EnableDeletionProtection",
    "length": "NumberOfBytes",
    "filters": "Filters",
}
# Values of `origin` and the vendor's names for them.
_ORIGINS = {"external": "EXTERNAL"}

# The first element of an XML document.
_ROOT = re.compile(rb"<([A-Za-z]\w*)")
# So many bytes of a body are searched for the beginning of a page.
_START = 256
_ARN = re.compile(r"acs:kms:(?P<region>[a-z0-9-]+):(?P<account>[0-9]+):key/")


def _query(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.url).query, keep_blank_values=True)


def _with_query(request: Request, pairs: list[tuple[str, str]]) -> Request:
    encoded = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
    return replace(request, url=f"{request.url.split('?')[0]}?{encoded}")


def _setting(name: str, value: str | None) -> Callable[[Request], Request]:
    """A function that sets a query parameter, or removes the parameter if `value` is None."""

    def change(request: Request) -> Request:
        pairs = [pair for pair in _query(request) if pair[0] != name]
        return _with_query(request, pairs if value is None else [*pairs, (name, value)])

    return change


def _as_form(request: Request) -> Request:
    """Move the operation's parameters into a form body; Action, Version and Format stay in the query."""
    common = [pair for pair in _query(request) if pair[0] in {"Action", "Version", "Format"}]
    own = [pair for pair in _query(request) if pair not in common]
    form = _with_query(request, own).url.partition("?")[2]
    headers = (*request.headers, ("Content-Type", "application/x-www-form-urlencoded"))
    return replace(_with_query(request, common), headers=headers, body=form.encode())


def _is_xml(reply: Reply) -> bool:
    """Whether a reply is to be read as XML: it is declared so, or looks like it, whatever is declared.

    A wrong declaration is judged by itself. A page of HTML is no reply of the service.
    """
    looks = reply.body.lstrip().startswith(b"<") and b"<html" not in reply.body[:_START].lower()
    return looks or "xml" in (reply.header("Content-Type") or "").lower()


def _set(value: object) -> object:
    """The value without members that are null, at every depth."""
    if isinstance(value, dict):
        return {name: _set(child) for name, child in value.items() if child is not None}
    return [_set(child) for child in value] if isinstance(value, list) else value


class Alibaba(Dialect):
    """The adapter of the dialect `alibaba`."""

    other_data_key_bytes = 48
    belongings = BELONGINGS
    long_description = 2500
    signing_key = MappingProxyType({"spec": "EC_P256", "usage": "SIGN/VERIFY"})
    malformed_keys = (
        "no-such-key",
        "1234abcd-12ab-34cd-56ef-1234567890",
        "1234abcd/12ab/34cd/56ef/1234567890ab",
        "1234abcd-12ab-34cd-56ef-1234567890\u00fc",
        "*",
    )
    forms: Mapping[str, Callable[[Request], Request]] = MappingProxyType(
        {"get": lambda request: replace(request, method="GET"), "form": _as_form, "xml": _setting("Format", "XML")}
    )
    protocol_cases: Mapping[str, ProtocolCase] = {
        "get": ProtocolCase("describe", None, lambda r: replace(r, method="GET")),
        "post": ProtocolCase("describe", None, lambda r: replace(r, method="POST")),
        "form": ProtocolCase("describe", None, _as_form),
        "json-default": ProtocolCase("describe", None, _setting("Format", None)),
        "xml": ProtocolCase("schedule", None, _setting("Format", "XML")),
        "xml-error": ProtocolCase("schedule", "unknown_key", _setting("Format", "XML"), of_unknown_key=True),
        "unknown-action": ProtocolCase("schedule", "unknown_action", _setting("Action", "NoSuchAction")),
        "missing-action": ProtocolCase("schedule", "missing_action", _setting("Action", None)),
        "unknown-version": ProtocolCase("schedule", "unknown_version", _setting("Version", "1999-01-01")),
        "wrong-method": ProtocolCase("schedule", "wrong_method", lambda r: replace(r, method="PUT")),
        "unknown-field": ProtocolCase("schedule", "unknown_field", _setting("NoSuchParameter", "1")),
    }

    def request(self, operation: str, arguments: Mapping[str, object]) -> Request:
        common = [("Action", _ACTIONS[operation]), ("Version", _VERSION), ("Format", "JSON")]
        own = [(_PARAMETERS[name], self._written(name, value)) for name, value in arguments.items()]
        if operation == "list" and "limit" not in arguments:
            own.append(("PageSize", str(_PAGE_SIZE)))
        return _with_query(Request("POST", f"{self.base_url}/"), common + own)

    def _written(self, name: str, value: object) -> str:
        if isinstance(value, Raw):
            return str(value.value)
        if name == "plaintext":
            return base64.b64encode(str(value).encode()).decode()
        if isinstance(value, bool):
            return str(value).lower()
        if name == "context":
            return json.dumps(value)
        if name == "filters" and isinstance(value, Mapping):
            rows = {key: found if isinstance(found, list) else [found] for key, found in value.items()}
            return json.dumps([{"Key": key, "Values": values} for key, values in rows.items()])
        if isinstance(value, Mapping):
            return json.dumps([{"TagKey": name, "TagValue": text} for name, text in value.items()])
        if isinstance(value, list):
            return json.dumps(value)
        return _ORIGINS.get(str(value), str(value)) if name == "origin" else str(value)

    def naming(self, marker: str) -> Mapping[str, object]:
        instance = {} if self.instance_id is None else {"instance": self.instance_id}
        return {"description": marker, **instance}

    def from_fuzzer(self, operation_id: str, request: Request) -> Request:
        query = urlsplit(request.url).query
        common = f"Action={operation_id}&Version={_VERSION}"
        return replace(request, url=f"{self.base_url}/?{common}{'&' if query else ''}{query}")

    def decode(self, reply: Reply, spec: ReplySpec | None) -> Decoded:
        if not _is_xml(reply):
            decoded = decode_json(reply.body)
            null_is_absent = self.profile.facts.get("null_for_absent", False)
            return replace(decoded, value=_set(decoded.value)) if null_is_absent else decoded
        decoded = decode_xml(reply.body)
        tree = mapping(decoded.value)
        problems = decoded.problems or self._root_problems(str(tree.get("root")), reply.status)
        return Decoded(typed(tree.get("value"), (spec and spec.schema) or {}), problems)

    def _root_problems(self, root: str, status: int) -> tuple[str, ...]:
        known = self.profile.facts["xml"]["success_root" if status < 400 else "error_root"]
        # "{action}Response" allows any action here, because the request is not known; see `root_problem`.
        if root in known or ("{action}Response" in known and root.endswith("Response")):
            return ()
        roots = ", ".join(each.replace("{action}", "the action with ") for each in known)
        return (f"the XML root is {root}, and not one of {roots}",)

    def root_problem(self, reply: Reply, request: Request) -> tuple[str, str] | None:
        found = _ROOT.search(reply.body) if _is_xml(reply) else None
        # Version 3 of the signature moves the action into a header.
        action = dict(_query(request)).get("Action") or request.header("x-acs-action")
        root = "" if found is None else found[1].decode()
        # The action of a fuzzed request may be unknown to the service.
        if not root.endswith("Response") or action not in _ACTIONS.values() or root == f"{action}Response":
            return None
        return f"the root of the action {action}", f"the root {root}"

    def media_type_problem(self, reply: Reply, request: Request, spec: ReplySpec | None) -> tuple[str, str] | None:
        declared = reply.header("Content-Type") or "none"
        found = declared.split(";")[0].strip().lower()
        wants_xml = dict(_query(request)).get("Format", "").upper() == "XML"
        accepted: tuple[str, ...] = ("application/json", "text/json")
        if wants_xml:
            accepted = ("text/xml", "application/xml", *(accepted if "xml" in self.profile.may_lack else ()))
        if not reply.body or found in accepted:
            return None
        return " or ".join(accepted), declared

    def error(self, value: object) -> ErrorView | None:
        body = mapping(value)
        if "Code" not in body and "Message" not in body:
            return None
        return ErrorView(text(body.get("Code")), text(body.get("Message")))

    def told_status(self, value: object) -> int | None:
        return whole(mapping(value).get("HttpStatus"))

    def request_id(self, reply: Reply, value: object) -> str | None:
        return text(mapping(value).get(self.profile.request_id.field or "RequestId"))

    def created_id(self, value: object) -> str | None:
        return text(mapping(mapping(value).get("KeyMetadata")).get("KeyId"))

    def key(self, value: object) -> KeyView:
        info = mapping(mapping(value).get("KeyMetadata"))
        date, problem = _date(info.get("DeleteDate"))
        return KeyView(
            id=text(info.get("KeyId")),
            state=self.profile.state(info.get("KeyState")),
            deletion_at=date,
            date_problem=problem,
            description=text(info.get("Description")),
            fields=info,
            born=text(info.get("CreationDate")),
            created_at=_date(info.get("CreationDate"))[0],
            arn=text(info.get("Arn")),
        )

    def page(self, value: object) -> Page:
        body = mapping(value)
        keys = mapping(body.get("Keys")).get("Key")
        ids = tuple(str(mapping(key).get("KeyId")) for key in keys) if isinstance(keys, list) else ()
        told = [mapping(key) for key in (keys if isinstance(keys, list) else ())]
        rows = {str(key.get("KeyId")): {"KeyId": key.get("KeyId"), "Arn": key.get("KeyArn")} for key in told}
        number, size, total = (body.get(name) for name in ("PageNumber", "PageSize", "TotalCount"))
        if not (isinstance(number, int) and isinstance(size, int) and isinstance(total, int)):
            return Page(ids, None, rows)
        return Page(ids, number + 1 if ids and number * size < total else None, rows)

    def echo(self, value: object) -> tuple[str | None, str | None]:
        # Replies of operations on the lifecycle name no key; replies to uses do.
        return text(mapping(value).get("KeyId")), None

    def owner(self, value: object) -> Owner | None:
        keys = mapping(mapping(value).get("Keys")).get("Key")
        arns = (text(mapping(key).get("KeyArn")) or "" for key in (keys if isinstance(keys, list) else ()))
        found = next((match for arn in arns if (match := _ARN.match(arn))), None)
        return None if found is None else Owner(account=found["account"], region=found["region"])

    def account_of(self, arn: str | None) -> str | None:
        found = _ARN.match(arn or "")
        return None if found is None else found["account"]

    def account_problem(self, value: object) -> str | None:
        status = mapping(value).get("AccountStatus")
        return None if status == "Enabled" else f"the service reports its status as {status}"

    def unknown_key(self) -> str:
        return self.chance.uuid()

    def alias(self, name: str) -> str:
        return f"alias/{name}"

    def names(self, view: KeyView, alias: str | None) -> Mapping[str, str]:
        named = {"alias": alias, "arn": view.arn, "alias_arn": alias and view.arn and self.alias_arn(view.arn, alias)}
        return {form: name for form, name in named.items() if name}

    def alias_arn(self, arn: str, alias: str) -> str:
        return f"{arn.rpartition(':')[0]}:{alias}"

    def by_alias(self, key: str, alias: str) -> Mapping[str, object]:
        return {"key_id": alias}

    def aliased_key(self, alias: str, value: object) -> str | None:
        return self.key(value).id

    def tags(self, value: object) -> Mapping[str, str | None]:
        return by_name(mapping(mapping(value).get("Tags")).get("Tag"), "TagKey", "TagValue")

    def without_protection(self, view: KeyView) -> Mapping[str, object] | None:
        if view.fields.get("DeletionProtection") != "Enabled":
            return None
        return {"arn": view.fields.get("Arn"), "protected": False}

    def data_key(self, value: object) -> str | None:
        return text(mapping(value).get("CiphertextBlob"))

    def in_state(self, view: KeyView, state: str, *, state_first: bool = False) -> Mapping[str, object] | None:
        if "list_filters" in self.profile.may_lack:
            return None
        of_state = {"KeyState": self.profile.facts["states"][state]}
        usage = {"KeyUsage": view.fields["KeyUsage"]} if text(view.fields.get("KeyUsage")) else {}
        return {"filters": {**of_state, **usage} if state_first else {**usage, **of_state}}

    def in_states(self, states: Sequence[str]) -> Mapping[str, object] | None:
        if "list_filters" in self.profile.may_lack:
            return None
        return {"filters": {"KeyState": [self.profile.facts["states"][state] for state in states]}}

    def data_key_size(self, value: object) -> int | None:
        return bytes_in(mapping(value).get("Plaintext"))

    def secret_output(self, operation: str, value: object) -> str | None:
        if operation == "encrypt":
            return text(mapping(value).get("CiphertextBlob"))
        plaintext = text(mapping(value).get("Plaintext"))
        try:
            return None if plaintext is None else base64.b64decode(plaintext, validate=True).decode()
        except ValueError:
            return plaintext


def _date(value: object) -> tuple[datetime | None, str | None]:
    """(date, problem) for a text such as 2021-05-26T18:22:03Z; (None, None) if it is absent or empty."""
    if value in (None, ""):
        return None, None
    try:
        found = datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None, f"{value!r} is not a date of the form 2021-05-26T18:22:03Z"
    within = bounded(found)
    return within, None if within else f"{value!r} is not between the years 1900 and 3000"


def typed(value: object, schema: Mapping[str, Any]) -> object:
    """A tree of XML texts converted to the integers, booleans and lists of the JSON schema.

    A value that does not fit its type stays text.
    """
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        fields = value if isinstance(value, dict) else {}
        return {name: typed(field, properties.get(name, {})) for name, field in fields.items()}
    if kind == "array":
        items = value if isinstance(value, list) else [] if value in (None, "") else [value]
        return [typed(item, schema.get("items", {})) for item in items]
    if kind == "integer" and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


ADAPTER = Alibaba
