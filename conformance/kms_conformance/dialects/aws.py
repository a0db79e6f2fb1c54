"""Adapter for AWS KMS: JSON 1.1, one path, the operation in a header, keys named by id or ARN."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from kms_conformance.catalogue.api import ReplySpec
from kms_conformance.dialects.aws_belongings import BELONGINGS
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
)
from kms_conformance.wire.dates import epoch_date
from kms_conformance.wire.decode import Decoded, decode_json
from kms_conformance.wire.messages import Reply, Request

_TARGET = "X-Amz-Target"
_PREFIX = "TrentService"
_MEDIA_TYPE = "application/x-amz-json-1.1"
_PAGE_SIZE = 100
_OPERATIONS = {
    "create": "CreateKey",
    "describe": "DescribeKey",
    "list": "ListKeys",
    "enable": "EnableKey",
    "disable": "DisableKey",
    "schedule": "ScheduleKeyDeletion",
    "cancel": "CancelKeyDeletion",
    "encrypt": "Encrypt",
    "decrypt": "Decrypt",
    "re_encrypt": "ReEncrypt",
    "generate_data_key": "GenerateDataKey",
    "generate_data_key_without_plaintext": "GenerateDataKeyWithoutPlaintext",
    "update_description": "UpdateKeyDescription",
    "set_alias": "CreateAlias",
    "update_alias": "UpdateAlias",
    "delete_alias": "DeleteAlias",
    "list_aliases": "ListAliases",
    "tag": "TagResource",
    "untag": "UntagResource",
    "list_tags": "ListResourceTags",
    "enable_rotation": "EnableKeyRotation",
    "disable_rotation": "DisableKeyRotation",
    "rotation_status": "GetKeyRotationStatus",
    "create_grant": "CreateGrant",
    "revoke_grant": "RevokeGrant",
    "list_grants": "ListGrants",
    "get_policy": "GetKeyPolicy",
    "put_policy": "PutKeyPolicy",
    "list_policies": "ListKeyPolicies",
}
_FIELDS = {
    "key_id": "KeyId",
    "source_key_id": "SourceKeyId",
    "window": "PendingWindowInDays",
    "alias": "AliasName",
    "description": "Description",
    "origin": "Origin",
    "spec": "KeySpec",
    "usage": "KeyUsage",
    "plaintext": "Plaintext",
    "ciphertext": "CiphertextBlob",
    "context": "EncryptionContext",
    "old_context": "SourceEncryptionContext",
    "new_context": "DestinationEncryptionContext",
    "limit": "Limit",
    "cursor": "Marker",
    "tags": "Tags",
    "tag_keys": "TagKeys",
    "grantee": "GranteePrincipal",
    "grant_operations": "Operations",
    "grant_id": "GrantId",
    "policy": "Policy",
    "length": "NumberOfBytes",
}
# The field that names the key, for operations in which it is not KeyId.
_KEY_FIELDS = {"set_alias": "TargetKeyId", "update_alias": "TargetKeyId", "re_encrypt": "DestinationKeyId"}
# Fields that the requests of an operation have unless the arguments give other values.
_GIVEN: Mapping[str, Mapping[str, object]] = {
    "list": {"Limit": _PAGE_SIZE},
    "generate_data_key": {"KeySpec": "AES_256"},
    "generate_data_key_without_plaintext": {"KeySpec": "AES_256"},
}
# Values of `origin` and the vendor's names for them.
_ORIGINS = {"external": "EXTERNAL"}
_ARN = re.compile(r"(?P<partition>arn:aws[a-z-]*):kms:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):key/(?P<id>.+)")
# The field of a reply that holds the result of an operation.
_RESULTS = {
    "create_grant": "GrantId",
    "get_policy": "Policy",
    "rotation_status": "KeyRotationEnabled",
    "list_aliases": "Aliases",
    "list_grants": "Grants",
    "list_policies": "PolicyNames",
    "list_tags": "Tags",
}
# A region that does not exist, and the account number of the vendor's examples with another last digit.
_NO_REGION, _NO_ACCOUNT = "us-east-9", "111122223334"


def _target(operation: str | None) -> Callable[[Request], Request]:
    """A function that sets the operation of a request, or removes the header if `operation` is None."""

    def change(request: Request) -> Request:
        bare = request.without_headers(_TARGET)
        return bare if operation is None else bare.with_header(_TARGET, f"{_PREFIX}.{operation}")

    return change


def _extra_field(request: Request) -> Request:
    body = json.loads(request.body) | {"NoSuchField": "1"}
    return replace(request, body=json.dumps(body).encode())


class Aws(Dialect):
    """The adapter of the dialect `aws`."""

    other_data_key_bytes = 48
    unordered_context = True
    account_field = "AWSAccountId"
    alias_separator = "/"
    empty_tag_values = True
    largest_page = 1000
    clears_description = True
    pages_belongings = True
    replaces_tags = True
    tag_value = "Größe 2"
    belongings = BELONGINGS
    longest_text = 4096
    long_description = 2500
    signing_key = MappingProxyType({"spec": "ECC_NIST_P256", "usage": "SIGN_VERIFY"})
    malformed_keys = (
        "no-such-key",
        "1234abcd-12ab-34cd-56ef-1234567890",
        "1234abcd/12ab/34cd/56ef/1234567890ab",
        "1234abcd-12ab-34cd-56ef-1234567890\u00fc",
        "arn:aws:kms:us-east-1:111122223333:key/",
        "arn:aws:kms",
        "*",
    )
    open_windows = (Raw(7.5), Raw(None), Raw(True), Raw(""), Raw([7]))  # noqa: FBT003 - a value on the wire
    # JSON has one notation for the integer 10 besides the usual one. A text is a window of another type.
    notations = ((Raw(10.0), 10),)
    protocol_cases: Mapping[str, ProtocolCase] = {
        "malformed-json": ProtocolCase("schedule", "invalid_json", lambda r: replace(r, body=r.body[:-1])),
        "empty-body": ProtocolCase("schedule", "empty_body", lambda r: replace(r, body=b"")),
        "unknown-action": ProtocolCase("schedule", "unknown_action", _target("NoSuchOperation")),
        "missing-action": ProtocolCase("schedule", "missing_action", _target(None), nameless=True),
        "unknown-field": ProtocolCase("schedule", "unknown_field", _extra_field),
    }

    def request(self, operation: str, arguments: Mapping[str, object]) -> Request:
        names = _FIELDS | ({"key_id": _KEY_FIELDS[operation]} if operation in _KEY_FIELDS else {})
        own = {names[name]: self._written(name, value) for name, value in arguments.items()}
        # A request for a data key has its length in one of two fields.
        given = {} if "length" in arguments else _GIVEN.get(operation, {})
        return self._posted(_OPERATIONS[operation], json.dumps({**given, **own}).encode())

    def _posted(self, operation: str, body: bytes) -> Request:
        headers = (("Content-Type", _MEDIA_TYPE), (_TARGET, f"{_PREFIX}.{operation}"))
        return Request("POST", f"{self.base_url}/", headers, body)

    def _written(self, name: str, value: object) -> object:
        if isinstance(value, Raw):
            return value.value
        if name == "plaintext":
            return base64.b64encode(str(value).encode()).decode()
        if name == "tags" and isinstance(value, Mapping):
            return [{"TagKey": key, "TagValue": text} for key, text in value.items()]
        return _ORIGINS.get(str(value), value) if name == "origin" else value

    def naming(self, marker: str) -> Mapping[str, object]:
        return {"description": marker}

    def from_fuzzer(self, operation_id: str, request: Request) -> Request:
        return replace(self._posted(operation_id, request.body), method=request.method)

    def decode(self, reply: Reply, spec: ReplySpec | None) -> Decoded:
        # Operations without output have an empty body.
        decoded = decode_json(reply.body) if reply.body else Decoded(None)
        return replace(decoded, value=_without_nulls(decoded.value))

    def media_type_problem(self, reply: Reply, request: Request, spec: ReplySpec | None) -> tuple[str, str] | None:
        declared = reply.header("Content-Type") or "none"
        if not reply.body or declared.split(";")[0].strip().lower() == _MEDIA_TYPE:
            return None
        return _MEDIA_TYPE, declared

    def error(self, value: object) -> ErrorView | None:
        body = mapping(value)
        kind = text(body.get("__type"))
        message = text(body.get("message", body.get("Message")))
        if kind is None and message is None:
            return None
        # The protocol allows a namespace before the name of an error, and a URL behind it.
        return ErrorView(None if kind is None else kind.partition(":")[0].rpartition("#")[2], message)

    def request_id(self, reply: Reply, value: object) -> str | None:
        return reply.header(self.profile.request_id.header or "x-amzn-RequestId")

    def created_id(self, value: object) -> str | None:
        return text(mapping(mapping(value).get("KeyMetadata")).get("KeyId"))

    def key(self, value: object) -> KeyView:
        info = mapping(mapping(value).get("KeyMetadata"))
        date, problem = moment(info.get("DeletionDate"))
        return KeyView(
            id=text(info.get("KeyId")),
            state=self.profile.state(info.get("KeyState")),
            deletion_at=date,
            date_problem=problem,
            description=text(info.get("Description")),
            fields=info,
            arn=text(info.get("Arn")),
            born=None if "CreationDate" not in info else str(info["CreationDate"]),
            created_at=moment(info.get("CreationDate"))[0],
        )

    def page(self, value: object) -> Page:
        body = mapping(value)
        keys = body.get("Keys")
        ids = tuple(str(mapping(key).get("KeyId")) for key in keys) if isinstance(keys, list) else ()
        told = [mapping(key) for key in (keys if isinstance(keys, list) else ())]
        rows = {str(key.get("KeyId")): {"KeyId": key.get("KeyId"), "Arn": key.get("KeyArn")} for key in told}
        return Page(ids, body.get("NextMarker") if body.get("Truncated") is True else None, rows)

    def cursor(self, value: object) -> str | None:
        body = mapping(value)
        return text(body.get("NextMarker")) if body.get("Truncated") is True else None

    def echo(self, value: object) -> tuple[str | None, str | None]:
        """(key id, abstract state). The key id is the last part of the ARN in the reply; the schema judges the ARN."""
        body = mapping(value)
        arn = text(body.get("KeyId"))
        state = body.get("KeyState")
        return None if arn is None else arn.rpartition("/")[2], None if state is None else self.profile.state(state)

    def scheduled(self, value: object) -> tuple[datetime | None, object]:
        body = mapping(value)
        return moment(body.get("DeletionDate"))[0], body.get("PendingWindowInDays")

    def result(self, operation: str, value: object) -> object:
        return mapping(value).get(_RESULTS[operation])

    def unknown_key(self) -> str:
        return self.chance.uuid()

    def owner(self, value: object) -> Owner | None:
        keys = mapping(value).get("Keys")
        arns = (text(mapping(key).get("KeyArn")) or "" for key in (keys if isinstance(keys, list) else ()))
        found = next((match for arn in arns if (match := _ARN.match(arn))), None)
        return None if found is None else Owner(account=found["account"], region=found["region"])

    def account_of(self, arn: str | None) -> str | None:
        found = _ARN.match(arn or "")
        return None if found is None else found["account"]

    def arns_elsewhere(self, arn: str) -> Mapping[str, str]:
        found = _ARN.fullmatch(arn)
        if found is None:
            return {}
        partition, region, account, key = found.groups()
        return {
            "another region": f"{partition}:kms:{_NO_REGION}:{account}:key/{key}",
            "another account": f"{partition}:kms:{region}:{_NO_ACCOUNT}:key/{key}",
        }

    def alias_arn(self, arn: str, alias: str) -> str:
        return f"{arn.rpartition(':')[0]}:{alias}"

    def names(self, view: KeyView, alias: str | None) -> Mapping[str, str]:
        named = {"alias": alias, "arn": view.arn, "alias_arn": alias and view.arn and self.alias_arn(view.arn, alias)}
        return {form: name for form, name in named.items() if name}

    def principal(self, arn: str) -> str:
        found = _ARN.fullmatch(arn)
        partition, account = ("arn:aws", _NO_ACCOUNT) if found is None else (found["partition"], found["account"])
        return f"{partition}:iam::{account}:root"

    def alias(self, name: str) -> str:
        return f"alias/{name}"

    def by_alias(self, key: str, alias: str) -> Mapping[str, object]:
        return {"key_id": alias}

    def aliased_key(self, alias: str, value: object) -> str | None:
        return self.key(value).id

    def aliases(self, value: object) -> Mapping[str, str | None]:
        entries = mapping(value).get("Aliases")
        found = [mapping(entry) for entry in (entries if isinstance(entries, list) else ())]
        return {str(entry.get("AliasName")): text(entry.get("TargetKeyId")) for entry in found}

    def tags(self, value: object) -> Mapping[str, str | None]:
        return by_name(mapping(value).get("Tags"), "TagKey", "TagValue")

    def data_key(self, value: object) -> str | None:
        return text(mapping(value).get("CiphertextBlob"))

    def data_key_size(self, value: object) -> int | None:
        return bytes_in(mapping(value).get("Plaintext"))

    def secret_output(self, operation: str, value: object) -> str | None:
        if operation != "decrypt":
            return text(mapping(value).get("CiphertextBlob"))
        plaintext = text(mapping(value).get("Plaintext"))
        try:
            return None if plaintext is None else base64.b64decode(plaintext, validate=True).decode()
        except ValueError:
            return plaintext


def _without_nulls(value: object) -> object:
    """The value without null fields, which this protocol treats like absent ones."""
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _without_nulls(item) for name, item in value.items() if item is not None}


def moment(value: object) -> tuple[datetime | None, str | None]:
    """(time, problem) for a JSON number of seconds since 1970; (None, None) if it is absent or null."""
    if value is None:
        return None, None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        found = epoch_date(value)
        return found, None if found else f"{value!r} is not a time before the year 3000"
    return None, f"{value!r} is not a number of seconds since 1970"


ADAPTER = Aws
