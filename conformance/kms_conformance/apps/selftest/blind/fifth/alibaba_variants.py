"""The fifth blind set of variants: conforming behaviours of the Alibaba dialect.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import ENABLED, answering
from kms_conformance.apps.selftest.blind.fifth.account import (
    Change,
    KeptOverdue,
    as_key,
    created,
    holding,
    overdue,
    state_named,
    with_states,
)
from kms_conformance.apps.selftest.blind.fifth.service import (
    denying,
    enabled_late,
    lacking,
    new_keys_unknown,
    rated,
)
from kms_conformance.apps.selftest.blind.fifth.wire import headed, header_of, in_object, variant
from kms_conformance.apps.selftest.blind.third.general_variants import refusing_each
from kms_conformance.apps.selftest.deviation import ALIBABA
from kms_conformance.apps.selftest.lag import steady
from kms_conformance.apps.selftest.reply_mutations import body, field, header, on, on_all, on_errors
from kms_conformance.emulator import Decisions, Key, Outbound, Rules, State

_alibaba = partial(variant, of=(ALIBABA,))
_cloud = partial(_alibaba, profile="alibaba-cloud")
_PAGES = "the vendor's page on DescribeKey"
_GATEWAY = "replies of the vendor's gateway in reports of users"

_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NEWER = re.compile("key-hzz[0-9a-f]{17}")


def _newer_id(key_id: str) -> str:
    """The id of the newer form for an id of the older one."""
    return "key-hzz" + hashlib.sha256(key_id.encode()).hexdigest()[:17]


def newer_ids(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The body of a reply with ids of the newer form, wherever a field names a key."""
    if isinstance(value, list):
        return [newer_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _UUID.sub(lambda found: _newer_id(found[0]), item)
        if name in {"KeyId", "KeyArn", "Arn"} and isinstance(item, str)
        else newer_ids(item)
        for name, item in value.items()
    }


class NewerIds(Decisions):
    """Key ids have the form `key-hzz…`, which `newer_ids` writes into replies.

    It conforms: the vendor's newer pages give such ids in their samples and in ARNs, and none demands a UUID.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._ids: dict[str, str] = {}

    def key_visible(self, key: Key, now: datetime) -> bool:
        self._ids[_newer_id(key.id)] = key.id
        return super().key_visible(key, now)

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        self._ids[_newer_id(after.id)] = after.id
        return super().effects(operation, before, after, keys)

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        read = dict(super().parameters(operation, sent))
        for name in {"KeyId", "ProtectedResourceArn"} & read.keys():
            head, slash, last = str(read[name]).rpartition("/")
            if _NEWER.fullmatch(last):
                read[name] = head + slash + self._ids.get(last, last)
        return read


def _with_nulls(metadata: dict[str, Any]) -> dict[str, Any]:
    names = ("DeleteDate", "NextRotationDate", "RotationInterval", "DKMSInstanceId", "MaterialExpireTime")
    given = {name: value for name, value in metadata.items() if value != ""}
    return {**metadata, **{name: given.get(name) for name in names}}


def in_instance(metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a key in an instance with hardware."""
    more = {"DKMSInstanceId": "kst-hzz62f1cb66fa42qoabcd", "KeyStorageMechanism": "HsmEncryptedDatabase"}
    return {**metadata, **more, "ProtectionLevel": "HSM"}


def of_kind(metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a key that signs has no version, those of one that rotates have its dates."""
    if metadata["KeyUsage"] == "SIGN/VERIFY":
        return {
            name: value for name, value in metadata.items() if name not in {"PrimaryKeyVersion", "LastRotationDate"}
        }
    if not metadata["Description"].startswith("Rotates"):
        return metadata
    state = "Enabled" if metadata["KeyState"] == "Enabled" else "Suspended"
    more = {"AutomaticRotation": state, "RotationInterval": "31536000s", "NextRotationDate": "2027-07-06T18:22:03Z"}
    return {**metadata, **more}


def gateway_error(reply: Outbound) -> Outbound:
    """An error as the gateway writes it: without the status, with a host and advice."""
    code, request_id = reply.value["Code"], reply.value["RequestId"]
    return reply.with_value(
        {
            "RequestId": request_id,
            "Message": reply.value["Message"],
            "Recommend": f"https://api.alibabacloud.com/troubleshoot?q={code}&product=Kms&requestId={request_id}",
            "HostId": "kms.cn-hangzhou.aliyuncs.com",
            "Code": code,
        }
    )


def gateway_head(reply: Outbound) -> Outbound:
    """A trace id and a tag that differ from reply to reply."""
    more = (("x-acs-trace-id", secrets.token_hex(16)), ("ETag", f"1{secrets.token_urlsafe(16)}5"))
    return replace(reply, headers=(*reply.headers, *more))


def _small_request_id(reply: Outbound) -> Outbound:
    """The request id in small letters, in the body and in the header."""
    known = header_of(reply, "x-acs-request-id")
    small = reply.with_header("x-acs-request-id", known.lower())
    return replace(small, body=reply.body.replace(known.encode(), known.lower().encode()))


def _indented(raw: bytes) -> bytes:
    if not raw.startswith(b"<"):
        return raw
    document = raw.partition(b"?>")[2].replace(b"><", b">\r\n  <")
    return b'<?xml version="1.0" encoding="UTF-8" ?>\r\n' + document + b"\r\n"


def _as_text(reply: Outbound) -> Outbound:
    is_xml = "xml" in header_of(reply, "content-type")
    return reply.with_header("Content-Type", "text/xml;charset=utf-8") if is_xml else reply


class _RootsOfGateway(Decisions):
    """The root of XML is `ActionResponse` or `Error`.

    It conforms: both are on the vendor's pages beside `KMS`, and a client reads no other root of an error.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(replace(rules, xml_success_root="{action}Response", xml_error_root="Error"))


def of_service(alias: str) -> Change:
    """A key of another service of the vendor."""
    return as_key(
        default=True, state=ENABLED, deletion=None, window_days=None, aliases=(alias,), description="", tags=()
    )


_READS = "describe list list_tags regions account_status"
_WRITES = "schedule cancel enable disable update_description set_alias delete_alias tag untag set_deletion_protection"

ALIBABA_VARIANTS = (
    _cloud(
        "alibaba-newer-ids",
        "Key ids have the form `key-hzz…`.",
        _PAGES,
        on_all(lambda reply: reply.with_value(newer_ids(reply.value))),
        does=(NewerIds,),
    ),
    _cloud(
        "alibaba-nulls",
        "Fields of the metadata without a value are null.",
        "recorded replies of the same service about secrets",
        on("describe create", in_object("KeyMetadata", _with_nulls)),
    ),
    _cloud(
        "alibaba-keys-of-instance",
        "All keys are in an instance, at the level of hardware.",
        "the vendor's pages on CreateKey and DescribeKey",
        on("describe create", in_object("KeyMetadata", in_instance)),
    ),
    _cloud(
        "alibaba-other-kinds",
        "Keys of other users sign, wait for material, rotate, or are in other algorithms.",
        "the vendor's pages on CreateKey and DescribeKey",
        on("describe create", in_object("KeyMetadata", of_kind)),
        does=(
            holding(
                as_key(spec="RSA_2048", usage="SIGN/VERIFY"),
                as_key(spec="EC_P256K", usage="SIGN/VERIFY", created=created(2020)),
                as_key(state=State.PENDING_IMPORT, external=True, deletion=None, window_days=None),
                as_key(spec="Aliyun_SM4", aliases=()),
                as_key(description="Rotates."),
                as_key(description="Rotates no more."),
            ),
        ),
        foreign_keys=8,
    ),
    _alibaba(
        "alibaba-keys-of-services",
        "The account has keys of the vendor's other services, with aliases that begin with `alias/acs/`.",
        "the vendor's page on keys of services",
        does=(
            holding(*(of_service(f"alias/acs/{name}") for name in ("oss", "rds", "ecs", "nas"))),
            answering(403, "Forbidden.NoPermission", "default_key"),
        ),
        foreign_keys=6,
    ),
    _cloud(
        "alibaba-unavailable-keys",
        "Two keys of other users are unavailable, as those of an instance that has expired.",
        "the vendor's table of codes, which has this state",
        does=(
            with_states(unavailable="Unavailable"),
            holding(*(as_key(state=state_named("unavailable"), deletion=None, window_days=None) for _ in range(2))),
        ),
        foreign_keys=5,
    ),
    _cloud(
        "alibaba-rates",
        "Beyond ten new keys, ten changes and twenty reads a second, requests are 429 Rejected.Throttling.",
        "the vendor's page on limits",
        does=(
            rated(("create", 10), (_READS, 20), (_WRITES, 10), others=750),
            answering(429, "Rejected.Throttling", "throttled"),
        ),
    ),
    _cloud(
        "alibaba-unavailable-for-a-moment",
        "One request in 150 is 503 ServiceUnavailableTemporary.",
        "the vendor's table of codes",
        does=(refusing_each("internal_error", 150), answering(503, "ServiceUnavailableTemporary", "internal_error")),
    ),
    _cloud(
        "alibaba-head-of-gateway",
        "Replies have the head of the vendor's gateway, with a trace id and a tag.",
        _GATEWAY,
        on_all(
            headed(
                ("Connection", "keep-alive"),
                ("Keep-Alive", "timeout=25"),
                ("Vary", "Accept-Encoding"),
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Expose-Headers", "*"),
            ),
            gateway_head,
        ),
    ),
    _cloud(
        "alibaba-errors-of-gateway",
        "Errors have a host and advice, and no status; messages differ.",
        _GATEWAY,
        on_errors(gateway_error),
    ),
    _alibaba(
        "alibaba-indented-xml",
        "XML is indented, of the type text/xml, and has the roots of the gateway.",
        "a client of the vendor, which reads this type alone, and the XML recommendation",
        on_all(body(_indented), _as_text),
        does=(_RootsOfGateway,),
    ),
    _alibaba(
        "alibaba-small-request-ids",
        "Request ids are in small letters.",
        "samples of the vendor's pages",
        on_all(_small_request_id),
    ),
    _cloud(
        "alibaba-tags-denied",
        "The caller may neither read nor change tags, and not ask for the state of the account.",
        "the vendor's pages on policies, which name a permission for each action",
        does=(denying("tag untag list_tags account_status"),),
    ),
    _cloud(
        "alibaba-protection-denied",
        "The caller may not change the deletion protection, and not list regions.",
        "the vendor's pages on policies, which name a permission for each action",
        does=(denying("set_deletion_protection regions"),),
    ),
    _cloud(
        "alibaba-list-behind",
        "Lists and totals are two seconds behind.",
        "clients of the cloud, which poll after a change",
        does=(steady(2, ("list",)),),
    ),
    _cloud(
        "alibaba-new-key-unknown",
        "A new key is unknown for half a second.",
        "clients of the cloud, which poll after a change",
        does=(new_keys_unknown(0.5),),
    ),
    _cloud(
        "alibaba-use-learns-late",
        "Encryption and decryption learn a second later that a key is enabled.",
        "clients of the cloud, which poll after a change",
        does=(enabled_late(1, ("encrypt", "decrypt", "generate_data_key")),),
    ),
    _alibaba(
        "alibaba-stack-without-names",
        "The installation has no aliases, descriptions, tags and regions to ask for; those actions are unknown.",
        "a recorded reply of a private installation, for an action that it does not have",
        does=(
            lacking("set_alias delete_alias update_description tag untag list_tags regions"),
            answering(404, "InvalidAction.NotFound", "lacking_operation"),
        ),
        profile="apsara-stack",
    ),
    _alibaba(
        "alibaba-overdue-keys",
        "Two keys of other users are pending, though their dates were 3 and 20 hours ago.",
        "the vendor's page on deletion: within 24 hours after the date",
        does=(KeptOverdue, holding(overdue(3), overdue(20))),
        foreign_keys=5,
    ),
    _alibaba(
        "alibaba-tags-reversed",
        "Tags are listed in another order than they were given.",
        "no page promises an order",
        on("list_tags", field("Tags.Tag", lambda tags: tags[::-1])),
    ),
    _alibaba(
        "alibaba-json-without-charset",
        "The type of JSON has no charset, and that of XML a capital one.",
        "samples of the vendor's newer pages",
        on_all(
            lambda reply: header(
                "Content-Type",
                "application/json" if "json" in header_of(reply, "content-type") else "application/xml;charset=UTF-8",
            )(reply)
        ),
    ),
)
