"""The first blind set of variants: conforming behaviours from vendors' pages and recorded replies.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import dating
from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, HUAWEI, Variant
from kms_conformance.apps.selftest.reply_mutations import body, field, header, on, on_all, on_errors, on_refusal, where
from kms_conformance.emulator import Decisions, Filter, Key, Outbound

# The day on which the set was written.
DATE = "2026-11-30"


class _NewestFirst(Decisions):
    """Lists begin with the newest key."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return list(keys)[::-1]


class _PagesOfThree(Decisions):
    """A page holds at most three keys, whatever was asked for."""

    def page_size(self, requested: int) -> int:
        return min(requested, 3)


def _variant(
    name: str,
    title: str,
    of: Sequence[str],
    *says: Filter,
    does: Sequence[type[Decisions]] = (),
    profile: str = "documents",
    foreign_keys: int = 3,
) -> Variant:
    return Variant(
        name=f"blind-{name}",
        title=title,
        dialects=tuple(of),
        decisions=tuple(does),
        filters=says,
        profile=profile,
        foreign_keys=foreign_keys,
        group="blind",
        alone=True,
    )


def _with(**more: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - JSON
    """Add fields to an object, or to each object of a list."""

    def changed(old: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(old, list):
            return [{**item, **more} for item in old]
        return {**old, **more} if isinstance(old, dict) else old

    return changed


def _lower_case_headers(reply: Outbound) -> Outbound:
    return replace(reply, headers=tuple((name.lower(), value) for name, value in reply.headers))


def _pretty(reply: Outbound) -> Outbound:
    """JSON with indentation, and with escapes instead of letters beyond ASCII."""
    if not reply.body.startswith(b"{"):
        return reply
    return replace(reply, body=json.dumps(reply.value, indent=2, ensure_ascii=True).encode())


def _chunked(reply: Outbound) -> Outbound:
    return replace(reply, chunked=bool(reply.body))


def _fraction(value: object) -> object:
    return value + 0.347 if isinstance(value, float) else value


def _without_target(aliases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    unused = {"AliasName": "alias/aws/ebs", "AliasArn": "arn:aws:kms:us-east-1:111122223333:alias/aws/ebs"}
    return [unused, *aliases]


def _to_hour(now: datetime, days: int) -> datetime:
    return (now + timedelta(days=days, minutes=59, seconds=59)).replace(minute=0, second=0)


_LIVE_DETAILS = _with(
    key_rotation_enabled="false",
    sys_enterprise_project_id="0",
    keystore_id="0",
    partition_type="1",
    key_label="",
    keystore_type="DEFAULT",
    multi_region_key_type="",
)
_MATERIAL = "96083e4fb6dbc41d77578a213a6b6669c044dd4c143e96755396d2bf11fd6068"

FIRST_VARIANTS: tuple[Variant, ...] = (
    # --- all dialects -------------------------------------------------------------------------------------------------
    _variant(
        "lower-case-headers", "Names of headers are in lower case: HTTP/2 gateways.", ALL, on_all(_lower_case_headers)
    ),
    _variant("pretty-json", "JSON is indented and escaped: RFC 8259.", ALL, on_all(_pretty)),
    _variant("chunked", "Replies are sent in chunks: recorded at a gateway.", ALL, on_all(_chunked)),
    _variant(
        "gateway-headers",
        "A gateway adds headers: recorded.",
        ALL,
        on_all(
            header("Server", "api-gateway"),
            header("Strict-Transport-Security", "max-age=31536000; includeSubdomains;"),
            header("X-Frame-Options", "SAMEORIGIN"),
            header("X-Content-Type-Options", "nosniff"),
            header("x-acs-trace-id", "0a0b0c0d"),
        ),
    ),
    _variant(
        "chinese-messages",
        "Messages of errors are in Chinese: reported.",
        ALL,
        on_errors(
            field("error.error_msg", lambda _: "\u5bc6\u94a5\u72b6\u6001\u4e0d\u5408\u6cd5\u3002"),
            field("Message", lambda _: "\u5bc6\u94a5\u72b6\u6001\u4e0d\u5408\u6cd5\u3002"),
            field("message", lambda _: "\u5bc6\u94a5\u72b6\u6001\u4e0d\u5408\u6cd5\u3002"),
        ),
    ),
    _variant("newest-first", "Lists begin with the newest key: no page gives an order.", ALL, does=(_NewestFirst,)),
    _variant(
        "many-foreign-keys",
        "The account holds 130 keys of others, more than one page.",
        (ALIBABA, AWS),
        foreign_keys=130,
    ),
    # --- Huawei -------------------------------------------------------------------------------------------------------
    _variant(
        "live-details",
        "Details of keys have seven more fields: recorded at Huawei Cloud.",
        (HUAWEI,),
        on("describe list", field("key_info", _LIVE_DETAILS), field("key_details", _LIVE_DETAILS)),
        profile="huawei-cloud",
    ),
    _variant(
        "created-with-region",
        "The reply to create names the region: API reference of Huawei Cloud.",
        (HUAWEI,),
        on("create", field("key_info", _with(region_id="eu-example", keystore_id="0"))),
    ),
    _variant(
        "no-total",
        "Lists have no total: older models of clients.",
        (HUAWEI,),
        on("list", lambda r: r.with_value({n: v for n, v in r.value.items() if n != "total"})),
    ),
    _variant(
        "date-of-the-hour",
        "The deletion date is rounded up to the hour: the safe side, no page forbids it.",
        (HUAWEI, ALIBABA),
        does=(dating(_to_hour),),
    ),
    _variant(
        "request-id-in-errors",
        "Nested errors have a request id beside `error`: newer services of the vendor.",
        (HUAWEI,),
        on_errors(lambda r: r.with_value({**r.value, "request_id": dict(r.headers).get("X-Request-Id", "")})),
    ),
    _variant(
        "json-with-charset",
        "Replies are declared as application/json;charset=UTF-8: the vendor's client does.",
        (HUAWEI,),
        on_all(header("Content-Type", "application/json;charset=UTF-8")),
    ),
    # --- Alibaba ------------------------------------------------------------------------------------------------------
    _variant(
        "errors-of-the-gateway",
        "Errors have HostId and Recommend: the vendor's gateway.",
        (ALIBABA,),
        on_errors(
            lambda r: r.with_value(
                {
                    **r.value,
                    "HostId": "kms.cn-hangzhou.aliyuncs.com",
                    "Recommend": "https://api.aliyun.com/troubleshoot",
                }
            )
        ),
    ),
    _variant(
        "empty-delete-date",
        "DeleteDate is empty unless the key is pending: samples of the older edition.",
        (ALIBABA,),
        on("create describe", field("KeyMetadata", lambda old: {"DeleteDate": "", **old})),
    ),
    _variant(
        "more-metadata",
        "Metadata have the fields of rotation and of instances: today's page.",
        (ALIBABA,),
        on("create describe", field("KeyMetadata", _with(NextRotationDate="", RotationInterval="", DKMSInstanceId=""))),
    ),
    _variant(
        "in-hardware",
        "Every key is of the protection level HSM: the service chooses.",
        (ALIBABA,),
        on("create describe", field("KeyMetadata.ProtectionLevel", lambda _: "HSM")),
    ),
    _variant(
        "text-xml",
        "XML is declared as text/xml;charset=utf-8: what the vendor's client expects.",
        (ALIBABA,),
        where(lambda _, o: o.body.startswith(b"<"), header("Content-Type", "text/xml;charset=utf-8")),
    ),
    _variant(
        "json-without-charset",
        "JSON is declared without a charset: newer pages.",
        (ALIBABA,),
        where(lambda _, o: o.body.startswith(b"{"), header("Content-Type", "application/json")),
    ),
    _variant(
        "missing-key-id",
        "An absent key id is MissingKeyId: the vendor's table of gateway codes.",
        (ALIBABA,),
        on_refusal("missing_key", field("Code", lambda _: "MissingKeyId")),
        profile="alibaba-cloud",
    ),
    # --- AWS ----------------------------------------------------------------------------------------------------------
    _variant(
        "types-with-namespace",
        "Types of errors have a namespace: JSON 1.1 protocol.",
        (AWS,),
        on_errors(field("__type", lambda v: f"com.amazonaws.kms#{v}")),
    ),
    _variant(
        "message-in-capital",
        "The message is in `Message`: recorded for errors of signatures.",
        (AWS,),
        on_errors(lambda r: r.with_value({"__type": r.value["__type"], "Message": r.value["message"]})),
    ),
    _variant(
        "no-message",
        "Errors have no message: recorded for InvalidCiphertextException.",
        (AWS,),
        on_errors(lambda r: r.with_value({"__type": r.value["__type"]})),
    ),
    _variant(
        "fractions-of-seconds",
        "Dates have milliseconds: recorded.",
        (AWS,),
        on(
            "create describe schedule list_grants",
            field("KeyMetadata.CreationDate", _fraction),
            field("KeyMetadata.DeletionDate", _fraction),
            field("DeletionDate", _fraction),
            field("Grants.CreationDate", _fraction),
        ),
    ),
    _variant(
        "material-ids",
        "Replies name the key material: pages of 2025.",
        (AWS,),
        on("create describe", field("KeyMetadata", _with(CurrentKeyMaterialId=_MATERIAL))),
        on("decrypt generate_data_key", lambda r: r.with_value({**r.value, "KeyMaterialId": _MATERIAL})),
    ),
    _variant(
        "aliases-with-dates",
        "Aliases have two dates, and one has no target: recorded.",
        (AWS,),
        where(
            lambda i, o: i.operation == "list_aliases" and o.refusal is None,
            field("Aliases", _with(CreationDate=1700000000.123, LastUpdatedDate=1700000000.123)),
        ),
        where(
            lambda i, o: (
                i.operation == "list_aliases"
                and o.refusal is None
                and "KeyId" not in i.parameters
                and "Marker" not in i.parameters
            ),
            field("Aliases", _without_target),
        ),
    ),
    _variant(
        "rotation-period",
        "The rotation status has period and next date while it is on: today's page.",
        (AWS,),
        on(
            "rotation_status",
            lambda r: (
                r.with_value({**r.value, "RotationPeriodInDays": 365, "NextRotationDate": 1800000000.0})
                if r.value["KeyRotationEnabled"]
                else r
            ),
        ),
    ),
    _variant(
        "grants-with-names",
        "Grants have a name, constraints and a retiring principal: recorded.",
        (AWS,),
        on(
            "list_grants",
            field(
                "Grants",
                _with(
                    Name="",
                    RetiringPrincipal="arn:aws:iam::111122223333:root",
                    Constraints={"EncryptionContextSubset": {}},
                ),
            ),
        ),
    ),
    _variant(
        "empty-objects", "Empty replies are `{}`: JSON 1.1 protocol.", (AWS,), on_all(body(lambda raw: raw or b"{}"))
    ),
    _variant(
        "short-pages", "A page holds at most three keys: the page promises no number.", (AWS,), does=(_PagesOfThree,)
    ),
)
