"""The fifth blind set of variants: conforming behaviours of the AWS dialect.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import admitting, answering, dating
from kms_conformance.apps.selftest.blind.fifth.account import (
    DeniedKey,
    KeptOverdue,
    holding,
    overdue,
    with_states,
)
from kms_conformance.apps.selftest.blind.fifth.aws_account import (
    KINDS,
    AliasesWithoutTarget,
    PrimaryKeys,
    described_alias,
    managed,
    of_its_kind,
    rotating,
)
from kms_conformance.apps.selftest.blind.fifth.service import (
    denying,
    enabled_late,
    hot_keys,
    new_keys_unknown,
    one_reader_behind,
    rated,
)
from kms_conformance.apps.selftest.blind.fifth.wire import (
    dated,
    in_object,
    reencoded,
    variant,
    with_exponents,
)
from kms_conformance.apps.selftest.blind.third.general_variants import refusing_each
from kms_conformance.apps.selftest.deviation import AWS
from kms_conformance.apps.selftest.lag import steady
from kms_conformance.apps.selftest.reply_mutations import (
    body,
    field,
    header,
    on,
    on_all,
    on_refusal,
    saying,
    without,
)
from kms_conformance.emulator import Decisions, Key, Outbound

_aws = partial(variant, of=(AWS,))
_cloud = partial(_aws, profile="aws-kms")
_RECORDED = "recorded replies of the service"
_LAG = "the Developer Guide on eventual consistency"

_OWN, _ZEROS, _OTHER = "111122223333", "0" * 12, "9" * 12


def recorded_head(reply: Outbound) -> Outbound:
    """The head of recorded replies: small letters, no caching, a request id that counts time."""
    request_id = str(uuid.uuid1(node=0x75852AC8A002))
    headers = (
        ("x-amzn-requestid", request_id),
        ("cache-control", "no-cache, no-store, must-revalidate, private"),
        ("expires", "0"),
        ("pragma", "no-cache"),
        ("content-type", "application/x-amz-json-1.1"),
        ("content-length", str(len(reply.body))),
    )
    return dated(0)(replace(reply, headers=headers))


class CreatedInBetween(Decisions):
    """The creation date of a key has milliseconds, always the same ones.

    It conforms: dates are numbers of seconds with a fraction, and recorded ones have three digits of it.
    """

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        return replace(found, created=found.created + timedelta(milliseconds=int(key.id[-2:], 16) + 301))


def _midnight(now: datetime, days: int) -> datetime:
    """The first midnight in UTC after the end of the window."""
    exact = now + timedelta(days=days)
    return exact.replace(hour=0, minute=0, second=0) + timedelta(days=1)


def with_material(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata that name the key material."""
    is_own = metadata["KeySpec"] == "SYMMETRIC_DEFAULT" and metadata["KeyState"] != "PendingImport"
    return {**metadata, "CurrentKeyMaterialId": _material_of(metadata["Arn"])} if is_own else metadata


def _material_of(arn: str) -> str:
    return hashlib.sha256(arn.encode()).hexdigest()


def naming_material(value: dict[str, Any]) -> dict[str, Any]:
    """The result of a cryptographic operation that names the key material."""
    if "SourceKeyId" in value:
        source = _material_of(value["SourceKeyId"])
        return {**value, "SourceKeyMaterialId": source, "DestinationKeyMaterialId": _material_of(value["KeyId"])}
    return {**value, "KeyMaterialId": _material_of(value["KeyId"])}


def _in_capitals(value: dict[str, Any]) -> dict[str, Any]:
    return {"__type": value["__type"], "Message": value["message"]}


def _of_framework(value: dict[str, Any]) -> dict[str, Any]:
    """Errors that any service may give have the name space of the framework; those of this service have none."""
    return {"__type": f"com.amazon.coral.service#{value['__type']}", "message": value["message"]}


def _spread(value: dict[str, Any]) -> dict[str, Any]:
    """A policy as the service writes it out: each name on its own line, with blanks around colons."""
    text = json.dumps(json.loads(value["Policy"]), indent=2, separators=(",", " : "))
    text = re.sub(r"\[\n +\{", "[ {", text)
    return {**value, "Policy": re.sub(r"\}\n +\]", "} ]", text)}


def _opaque(marker: str) -> str:
    return base64.b64encode(json.dumps({"a": marker, "b": marker}, separators=(",", ":")).encode()).decode()


class _OpaqueMarkers(Decisions):
    """Markers are base64 of an object, as recorded; `_opaque` writes them.

    It conforms: a marker is any text of 1 to 1024 letters, which the next request repeats.
    """

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        read = super().parameters(operation, sent)
        if not isinstance(read.get("Marker"), str):
            return read
        try:
            inner = json.loads(base64.b64decode(read["Marker"], validate=True))["a"]
        except (binascii.Error, ValueError, KeyError, TypeError):
            inner = "none"
        return {**read, "Marker": inner}


def _of_account(old: str, new: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: _of_account(old, new, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_of_account(old, new, item) for item in value]
    return value.replace(old, new) if isinstance(value, str) else value


class _AccountOfZeros(Decisions):
    """The account is 000000000000, which replies get from a rewrite of the body.

    It conforms: an account has twelve digits, and emulators for local use choose these.
    """

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        read = super().parameters(operation, sent)
        moved = _of_account(_ZEROS, _OWN, _of_account(_OWN, _OTHER, dict(read)))
        return dict(moved)


_EVERY_PROBLEM = (
    *("no_credentials", "incomplete_signature", "unknown_access_key", "bad_token"),
    *("wrong_signature", "stale_signature", "other_region"),
)
# The table of request quotas, for the operations that change something or are rare.
_QUOTAS = (
    *((operation, 5) for operation in ("create", "cancel", "set_alias", "disable", "enable", "disable_rotation")),
    *((operation, 5) for operation in ("untag", "update_alias", "update_description")),
    *((operation, 15) for operation in ("delete_alias", "enable_rotation", "put_policy", "schedule")),
    *(("tag", 10), ("revoke_grant", 30), ("create_grant", 50), ("list_grants", 100), ("list_policies", 100)),
    *(("list", 500), ("list_aliases", 500), ("describe", 2000)),
)

AWS_VARIANTS = (
    _cloud(
        "aws-recorded-head",
        "Replies have the head of recorded ones, with names in small letters and request ids that count time.",
        _RECORDED,
        on_all(recorded_head),
    ),
    _cloud(
        "aws-milliseconds",
        "Dates have three digits after the point.",
        _RECORDED,
        does=(CreatedInBetween, dating(lambda now, days: now + timedelta(days=days, milliseconds=467))),
    ),
    _aws(
        "aws-exponents",
        "Numbers with a point have an exponent, such as 1.7645508E9.",
        "samples of the API Reference, and the grammar of JSON",
        on_all(reencoded(with_exponents)),
    ),
    _cloud(
        "aws-midnight",
        "Deletion dates are at the first midnight in UTC after the window.",
        "recorded replies of 2018, and the sample of the API Reference",
        does=(dating(_midnight),),
    ),
    _cloud(
        "aws-aliases-without-target",
        "The list of aliases begins with six aliases without a target; the others have dates.",
        _RECORDED,
        on("list_aliases", in_object("Aliases", described_alias)),
        does=(AliasesWithoutTarget,),
    ),
    _cloud(
        "aws-material-named",
        "Metadata and ciphertext operations name the key material.",
        "the service's model, and recorded replies",
        on("describe create", in_object("KeyMetadata", with_material)),
        on("decrypt generate_data_key generate_data_key_without_plaintext re_encrypt", saying(naming_material)),
    ),
    _aws(
        "aws-rotation-explained",
        "The status of a rotation that is on has its period and its next date.",
        "the page on GetKeyRotationStatus",
        on("rotation_status", rotating),
    ),
    _aws(
        "aws-rotation-status-alone",
        "The status of a rotation is one field.",
        "recorded replies of 2018",
        on("rotation_status", without("KeyId")),
    ),
    _cloud(
        "aws-errors-of-framework",
        "Errors of the framework have its name space, and their message is `Message`.",
        "recorded errors of the service and of others with its framework",
        on_refusal(
            "invalid_json empty_body unknown_action missing_action no_credentials unknown_access_key wrong_signature",
            saying(_of_framework),
        ),
        on_refusal("missing_key window_out_of_range window_negative invalid_parameter", saying(_in_capitals)),
    ),
    _aws(
        "aws-errors-without-message",
        "Errors about ciphertexts and keys have a type alone.",
        "recorded errors with an empty message, reports of users",
        on_refusal("invalid_ciphertext incorrect_key unknown_action missing_action", without("message")),
    ),
    _aws(
        "aws-lost-key-denied",
        "A ciphertext of a deleted key is AccessDeniedException, which tells that the key may not be there.",
        "reports of users",
        on_refusal(
            "lost_key",
            saying(
                lambda value: {
                    "__type": value["__type"],
                    "Message": "The key is not there, not in this region, or access to it is denied.",
                }
            ),
        ),
        does=(answering(400, "AccessDeniedException", "lost_key"),),
    ),
    _cloud(
        "aws-keys-of-all-kinds",
        "Keys of other users sign, authenticate, agree, wait for material, have it imported, or are in a store.",
        "the pages on kinds of keys; recorded metadata",
        on("describe create", in_object("KeyMetadata", of_its_kind)),
        does=(with_states(unavailable="Unavailable"), holding(*KINDS)),
        foreign_keys=10,
    ),
    _cloud(
        "aws-primary-keys",
        "The account has multi-Region keys; one is PendingReplicaDeletion, without a date.",
        "the pages on multi-Region keys; recorded metadata",
        on("describe create", in_object("KeyMetadata", of_its_kind)),
        does=(with_states(pending_replica_deletion="PendingReplicaDeletion"), PrimaryKeys),
    ),
    _cloud(
        "aws-many-managed-keys",
        "The account has keys that AWS manages for five more services.",
        _RECORDED,
        does=(holding(*(managed(name) for name in ("ebs", "rds", "ssm", "lambda", "dms"))),),
        foreign_keys=8,
    ),
    _cloud(
        "aws-denied-key",
        "The policy of a key of another user denies everything to the caller; the key is listed.",
        _RECORDED,
        on_refusal("not_permitted", saying(_in_capitals)),
        does=(DeniedKey,),
    ),
    _cloud(
        "aws-policies-and-grants-denied",
        "The caller may neither change policies nor create, list or revoke grants.",
        "the page on permissions of operations",
        on_refusal("not_permitted", saying(_in_capitals)),
        does=(denying("put_policy create_grant list_grants revoke_grant"),),
    ),
    _cloud(
        "aws-tags-and-rotation-denied",
        "The caller may not see and change tags, and not change the rotation.",
        "the page on permissions of operations",
        does=(denying("tag untag list_tags enable_rotation disable_rotation"),),
    ),
    _cloud(
        "aws-quotas",
        "Requests beyond the published quotas of each operation are throttled.",
        "the table of request quotas",
        does=(rated(*_QUOTAS),),
    ),
    _cloud(
        "aws-hot-key",
        "More than four changes of the state of one key in a second are throttled.",
        "the page on throttling, which tells of hot keys",
        does=(hot_keys("enable disable schedule cancel", 4),),
    ),
    _cloud(
        "aws-timeouts-inside",
        "One request in 150 is 500 DependencyTimeoutException.",
        "the declared errors of the operations, which say that the request can be retried",
        does=(refusing_each("internal_error", 150), answering(500, "DependencyTimeoutException", "internal_error")),
    ),
    _cloud(
        "aws-lists-behind",
        "Lists of keys, aliases, tags and grants, and policies, are 1.5 seconds behind.",
        _LAG,
        does=(steady(1.5, ("list", "list_aliases", "list_tags", "list_grants", "get_policy", "rotation_status")),),
    ),
    _cloud(
        "aws-aliases-resolved-late",
        "A key is found by a new or moved alias a second later.",
        "the pages on aliases and on eventual consistency",
        does=(steady(1, ("resolve_alias",)),),
    ),
    _cloud("aws-new-key-unknown", "A new key is unknown for 0.7 seconds.", _LAG, does=(new_keys_unknown(0.7),)),
    _cloud(
        "aws-one-reader-behind",
        "One of five readers is four seconds behind.",
        f"{_LAG}, and a widely used client, which waits for equal reads",
        does=(one_reader_behind(4, 5, ("describe", "list", "list_tags", "rotation_status")),),
    ),
    _cloud(
        "aws-use-learns-late",
        "Cryptographic operations learn two seconds later that a key is enabled.",
        _LAG,
        does=(enabled_late(2, ("encrypt", "decrypt", "generate_data_key", "re_encrypt")),),
    ),
    _cloud(
        "aws-opaque-markers",
        "Markers are base64 of an object.",
        _RECORDED,
        on("list list_aliases list_tags list_grants", field("NextMarker", _opaque)),
        does=(_OpaqueMarkers,),
    ),
    _aws(
        "aws-policy-spread",
        "Policies come back with line ends, and blanks around colons.",
        _RECORDED,
        on("get_policy", saying(_spread)),
    ),
    _aws(
        "aws-tags-reversed",
        "Tags are listed in another order than they were given.",
        "no page promises an order",
        on("list_tags", field("Tags", lambda tags: tags[::-1])),
    ),
    _cloud(
        "aws-overdue-keys",
        "Two keys of other users are pending, though their dates were 2 and 21 hours ago.",
        "the page on deletion: the waiting period may be up to 24 hours longer",
        does=(KeptOverdue, holding(overdue(2), overdue(21))),
        foreign_keys=5,
    ),
    _aws(
        "aws-emulator-of-zeros",
        "The account has twelve zeros, requests are not checked, and a server for Python says its name.",
        "emulators for local use",
        on_all(
            body(lambda raw: raw.replace(_OWN.encode(), _ZEROS.encode())),
            header("Server", "Werkzeug/3.1.3 Python/3.13.5"),
        ),
        does=(_AccountOfZeros, admitting(*_EVERY_PROBLEM)),
        profile="local-emulator",
    ),
)
