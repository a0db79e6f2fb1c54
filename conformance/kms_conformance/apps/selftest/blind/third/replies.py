"""The third blind set: forms of replies."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from kms_conformance.apps.selftest.blind.memory import Memory, shown_as
from kms_conformance.apps.selftest.blind.third.mixins import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import (
    body,
    field,
    header,
    on,
    on_all,
    saying,
    status,
    where,
    without,
)
from kms_conformance.emulator import Inbound, Key, Outbound

_reply = rows_of("replies")

_WORDS = {"2": "enabled", "3": "disabled", "4": "pending_deletion"}


def _default_if_disabled(value: Any) -> Any:  # noqa: ANN401 - JSON
    info = value["key_info"]
    return {"key_info": {**info, "default_key_flag": "1" if info["key_state"] == "3" else info["default_key_flag"]}}


def _without_false(value: Any) -> Any:  # noqa: ANN401 - JSON
    return {"KeyMetadata": {name: item for name, item in value["KeyMetadata"].items() if item is not False}}


def _in_json(reply: Outbound) -> Outbound:
    plain = replace(reply, body=json.dumps(reply.value).encode())
    return plain.with_header("Content-Type", "application/json;charset=utf-8")


def _is_xml_schedule(inbound: Inbound, reply: Outbound) -> bool:
    return inbound.operation == "schedule" and reply.refusal is None and reply.body.startswith(b"<")


class _MixedUp:
    """A filter: every seventh description is answered with the description before it, of whatever key.

    The state is kept for each address, so that emulators do not disturb each other.
    """

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, Outbound | None]] = {}

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != "describe" or outbound.refusal is not None:
            return outbound
        host = inbound.header("host") or ""
        count, before = self._before.get(host, (0, None))
        self._before[host] = (count + 1, outbound)
        return before if before is not None and count % 7 == 6 else outbound


class _RepeatedDataKey:
    """A filter: each key has one data key, which it gives again and again."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], Any] = {}

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != "generate_data_key" or outbound.refusal is not None:
            return outbound
        name = (inbound.header("host") or "", json.dumps(dict(inbound.parameters), sort_keys=True))
        return outbound.with_value(self._given.setdefault(name, outbound.value))


def _now(_m: Memory, key: Key, now: datetime) -> Key:
    return replace(key, created=now)


REPLIES = (
    _reply(
        "enable-and-disable-flat",
        "major",
        "The replies to enable and disable are flat, as those to schedule and cancel.",
        "enable.reply",
        "disable.reply",
        of=(HUAWEI,),
        says=(on("enable disable", saying(lambda value: value["key_info"])),),
    ),
    _reply(
        "acting-states-as-numbers",
        "major",
        "The replies to schedule and cancel have the state as a number.",
        "cancel.reply.key-state",
        "schedule.reply.key-state",
        of=(HUAWEI,),
        says=(on("schedule cancel", field("key_state", int)),),
    ),
    _reply(
        "state-as-word",
        "major",
        "The description of a key has its state as a word.",
        "describe.reply",
        of=(HUAWEI,),
        says=(on("describe", field("key_info.key_state", lambda state: _WORDS.get(state, state))),),
    ),
    _reply(
        "created-with-201",
        "minor",
        "A new key is answered with status 201.",
        "create.reply",
        "reply.status",
        of=(HUAWEI,),
        says=(on("create", status(201)),),
    ),
    _reply(
        "no-date-is-null",
        "minor",
        "The deletion date of a key that is not pending is null.",
        "describe.reply",
        "cancel.date-cleared",
        of=(HUAWEI,),
        says=(on("describe", field("key_info.scheduled_deletion_date", lambda date: date or None)),),
    ),
    _reply(
        "alias-with-prefix",
        "minor",
        "The description of a key has `alias/` before its alias.",
        "describe.reply",
        "create.reply",
        of=(HUAWEI,),
        says=(on("describe", field("key_info.key_alias", lambda alias: f"alias/{alias}")),),
    ),
    _reply(
        "disabled-as-default-key",
        "major",
        "A disabled key is described as a default key.",
        "describe.fields",
        "disable.keeps.fields",
        of=(HUAWEI,),
        says=(on("describe", saying(_default_if_disabled)),),
    ),
    _reply(
        "quota-as-text",
        "minor",
        "The numbers of the quota are texts.",
        "quotas.reply",
        of=(HUAWEI,),
        says=(on("quotas", field("quotas.resources.used", str), field("quotas.resources.quota", str)),),
    ),
    _reply(
        "instances-count-default-key",
        "minor",
        "The number of keys includes the default key.",
        "instances.reply",
        of=(HUAWEI,),
        says=(on("instances", field("instance_num", lambda number: number + 1)),),
    ),
    _reply(
        "creation-date-is-now",
        "minor",
        "The creation date that is read is always the present time.",
        "describe.fields",
        "create.date",
        "enable.keeps.fields",
        "disable.keeps.fields",
        "describe.reply",
        does=(shown_as({"describe"}, _now),),
    ),
    _reply(
        "decrypted-by-nobody",
        "minor",
        "The reply to decrypt does not name the key.",
        "decrypt.reply",
        says=(on("decrypt", without("KeyId"), without("key_id")),),
    ),
    _reply(
        "sealed-data-key-with-plaintext",
        "critical",
        "GenerateDataKeyWithoutPlaintext gives a plaintext.",
        "generate-data-key.reply",
        of=(ALIBABA, AWS),
        says=(on("generate_data_key_without_plaintext", saying(lambda value: {**value, "Plaintext": "QUJD"})),),
    ),
    _reply(
        "data-key-repeated",
        "critical",
        "The same request for a data key gives the same data key again.",
        "generate-data-key.reply",
        of=(AWS,),
        says=(_RepeatedDataKey(),),
    ),
    _reply(
        "reply-window-as-text",
        "minor",
        "The reply to schedule has the window as a text.",
        "schedule.reply.window",
        of=(AWS,),
        says=(on("schedule", field("PendingWindowInDays", str)),),
    ),
    _reply(
        "reply-date-in-milliseconds",
        "major",
        "The reply to schedule has its date in milliseconds, and the description in seconds.",
        "schedule.reply.date",
        of=(AWS,),
        says=(on("schedule", field("DeletionDate", lambda date: date * 1000)),),
    ),
    _reply(
        "metadata-id-is-arn",
        "major",
        "The description of a key has its ARN as the key id.",
        "describe.reply",
        of=(AWS,),
        says=(
            on("describe", saying(lambda v: {"KeyMetadata": {**v["KeyMetadata"], "KeyId": v["KeyMetadata"]["Arn"]}})),
        ),
    ),
    _reply(
        "false-left-out",
        "major",
        "Fields that are false are left out of the description of a key, among them `Enabled`.",
        "describe.enabled-agrees",
        "describe.reply",
        of=(AWS,),
        says=(on("describe", saying(_without_false)),),
    ),
    _reply(
        "policy-quoted-twice",
        "minor",
        "The policy of a key is written as JSON twice, so that it reads back in quotes.",
        "get-policy.reply",
        of=(AWS,),
        says=(on("get_policy", field("Policy", json.dumps)),),
    ),
    _reply(
        "scheduled-in-json-always",
        "minor",
        "ScheduleKeyDeletion answers in JSON, also where XML is asked for.",
        "schedule.reply.xml",
        of=(ALIBABA,),
        says=(where(_is_xml_schedule, _in_json),),
    ),
    _reply(
        "replies-mixed-up",
        "critical",
        "Every seventh description is answered with the description before it, of whatever key.",
        "describe.reply",
        "lifecycle.sequence",
        says=(_MixedUp(),),
    ),
    _reply(
        "length-in-characters",
        "major",
        "The length of a body is counted in characters: one with letters beyond ASCII is cut at its end.",
        "reply.encoding",
        "update-description.reply",
        "describe.reply",
        says=(on_all(body(lambda content: content[: len(content.decode("utf-8", "replace"))])),),
    ),
    _reply(
        "lists-declared-as-gzip",
        "major",
        "Lists are declared as compressed, but are not.",
        "list.reply",
        "reply.encoding",
        says=(on("list", header("Content-Encoding", "gzip")),),
    ),
)
