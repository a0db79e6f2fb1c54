"""The third blind set: errors, texts that come back otherwise, and lists."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import ENABLED, PENDING
from kms_conformance.apps.selftest.blind.memory import Memory, Mixin, changing, shown_as
from kms_conformance.apps.selftest.blind.second.mixins import RequestMemory
from kms_conformance.apps.selftest.blind.third.mixins import misreading, rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, BOTH, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import field, on, on_errors, saying, text, where, without
from kms_conformance.emulator import Inbound, Key, Outbound, Rules

_error = rows_of("errors")
_text = rows_of("texts")
_list = rows_of("lists")

_ASTRAL = re.compile("[\U00010000-\U0010ffff].*", re.DOTALL)


def _in_xml(reply: Outbound) -> Outbound:
    code = str(reply.value.get("__type"))
    return text(f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>", "text/xml")(reply)


def _in_json(reply: Outbound) -> Outbound:
    plain = replace(reply, body=json.dumps(reply.value).encode())
    return plain.with_header("Content-Type", "application/json;charset=utf-8")


def _is_xml_error(_: Inbound, reply: Outbound) -> bool:
    return reply.refusal is not None and reply.body.startswith(b"<")


def _stored_as(change: Callable[[str], str]) -> tuple[Mixin, Mixin]:
    """Descriptions are stored as `change` makes them, in new keys and in keys that are described anew."""

    def stored(_m: Memory, _old: Key, new: Key) -> Key:
        return replace(new, description=change(new.description))

    return changing("create", stored), changing("update_description", stored)


class _OldDescriptionTold(Memory):
    """The reply to a change of the description has the old one."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._old = ""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        self._old = before.description
        return super().effects(operation, before, after, keys)

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        return replace(found, description=self._old) if operation == "update_description" else found


class _EnabledByFlag(RequestMemory):
    """A list that is limited to enabled keys has pending keys too, because a flag decides."""

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        parameters = self.asked.parameters
        limited = parameters.get("key_state") == "2" or '"Enabled"' in str(parameters.get("Filters", ""))
        return replace(found, state=ENABLED) if operation == "list" and limited and found.state is PENDING else found


class _FirstDescriptionListed(Memory):
    """Lists show the description with which a key was first listed."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._first: dict[str, str] = {}

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        if operation != "list":
            return found
        return replace(found, description=self._first.setdefault(key.id, found.description))


class _LargestTotal:
    """A filter: totals never shrink, because deleted keys stay counted; the state is kept for each address."""

    def __init__(self) -> None:
        self._largest: dict[tuple[str, str], int] = {}

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation not in {"list", "instances"} or outbound.refusal is not None:
            return outbound
        value = dict(outbound.value)
        for name in {"total", "TotalCount", "instance_num"} & value.keys():
            wanted = str(inbound.parameters.get("Filters")) + str(inbound.parameters.get("key_state"))
            place = (inbound.header("host") or "", name + wanted)
            value[name] = self._largest[place] = max(value[name], self._largest.get(place, 0))
        return outbound.with_value(value)


def _dated_after_cancel(memory: Memory, key: Key, _: datetime) -> Key:
    old = memory.dates[key.id]
    return replace(key, deletion=old[-1]) if old and key.state is not PENDING else key


def _state_of_last(value: Any) -> Any:  # noqa: ANN401 - JSON
    rows = value["key_details"]
    return {**value, "key_details": [{**row, "key_state": rows[-1]["key_state"]} for row in rows]}


def _ids_without_pending(value: Any) -> Any:  # noqa: ANN401 - JSON
    return {**value, "keys": [row["key_id"] for row in value["key_details"] if row["key_state"] != "4"]}


def _swapped(sent: dict[str, Any]) -> dict[str, Any]:
    if "limit" not in sent or "marker" not in sent or str(sent["marker"]) == "0":
        return sent
    return {**sent, "limit": sent["marker"], "marker": sent["limit"]}


def _next_but_one(sent: dict[str, Any]) -> dict[str, Any]:
    number = str(sent.get("PageNumber", ""))
    later = number.isascii() and number.isdigit() and len(number) < 9 and int(number) > 1
    return {**sent, "PageNumber": str(int(number) + 1)} if later else sent


def _first_filter(sent: dict[str, Any]) -> dict[str, Any]:
    try:
        filters = json.loads(str(sent.get("Filters", "[]")))
    except ValueError:
        return sent
    return {**sent, "Filters": json.dumps(filters[:1])} if isinstance(filters, list) and len(filters) > 1 else sent


def _unpaged(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda sent: {name: value for name, value in sent.items() if name not in names}


ERRORS = (
    _error(
        "error-without-message",
        "minor",
        "Errors of the service have no message.",
        "error.shape",
        of=BOTH,
        says=(on_errors(without("error.error_msg"), without("Message")),),
    ),
    _error(
        "errors-in-xml",
        "major",
        "Errors are in XML, as those of older services of the vendor.",
        "error.shape",
        of=(AWS,),
        says=(on_errors(_in_xml),),
    ),
    _error(
        "types-without-exception",
        "major",
        "Types of errors lack `Exception` at their end.",
        "error.shape",
        "unknown-key.cancel",
        "cancel.not-pending.enabled",
        of=(AWS,),
        says=(on_errors(field("__type", lambda kind: str(kind).removesuffix("Exception"))),),
    ),
    _error(
        "xml-errors-in-json",
        "minor",
        "Errors are in JSON, also where XML is asked for.",
        "protocol.xml-error",
        of=(ALIBABA,),
        says=(where(_is_xml_error, _in_json),),
    ),
)

TEXTS = (
    _text(
        "descriptions-cut-at-emoji",
        "minor",
        "A description ends before its first letter beyond 16 bits, as in a database of three bytes a letter.",
        "update-description.reply",
        "create.reply",
        does=_stored_as(lambda description: _ASTRAL.sub("", description)),
    ),
    _text(
        "descriptions-normalised",
        "minor",
        "Descriptions come back in normal form NFKC, with other letters.",
        "update-description.reply",
        "create.reply",
        does=_stored_as(lambda description: unicodedata.normalize("NFKC", description)),
    ),
    _text(
        "backslashes-doubled",
        "minor",
        "Backslashes and quotes in a description come back with one more backslash before them.",
        "update-description.reply",
        "create.reply",
        does=_stored_as(lambda description: description.replace("\\", "\\\\").replace('"', '\\"')),
    ),
    _text(
        "line-ends-lost",
        "minor",
        "Line ends and tabs in a description come back as spaces.",
        "update-description.reply",
        "create.reply",
        does=_stored_as(lambda description: re.sub(r"[\r\n\t]", " ", description)),
    ),
    _text(
        "old-description-told",
        "minor",
        "The reply to a change of the description has the old one.",
        "update-description.reply",
        of=(HUAWEI,),
        does=(_OldDescriptionTold,),
    ),
)

LISTS = (
    _list(
        "marker-ignored",
        "major",
        "The marker or page number is ignored: each page of a list is the first one.",
        "list.complete",
        "list.reply",
        does=(misreading({"list"}, _unpaged("marker", "Marker", "PageNumber")),),
    ),
    _list(
        "next-marker-missing",
        "major",
        "A page that is not the last one does not say where the next one begins.",
        "list.complete",
        "list.reply",
        of=(HUAWEI, AWS),
        says=(on("list", field("next_marker", lambda _: ""), without("NextMarker")),),
    ),
    _list(
        "limit-and-marker-swapped",
        "major",
        "Limit and marker are mixed up from the second page on.",
        "list.complete",
        of=(HUAWEI,),
        does=(misreading({"list"}, _swapped),),
    ),
    _list(
        "second-page-skipped",
        "major",
        "The second page of a list is the third one.",
        "list.complete",
        of=(ALIBABA,),
        does=(misreading({"list"}, _next_but_one),),
    ),
    _list(
        "first-filter-alone",
        "minor",
        "Of several filters of a list, only the first one counts.",
        "pending.listed",
        "list.reply",
        of=(ALIBABA,),
        does=(misreading({"list"}, _first_filter),),
    ),
    _list(
        "enabled-by-flag",
        "major",
        "A list that is limited to enabled keys has pending keys too.",
        "pending.listed",
        "list.row-agrees",
        of=BOTH,
        does=(_EnabledByFlag,),
    ),
    _list(
        "total-never-shrinks",
        "minor",
        "Totals of keys go on counting deleted keys.",
        "list.reply",
        "list.complete",
        "instances.reply",
        "expiry.gone",
        of=BOTH,
        says=(_LargestTotal(),),
    ),
    _list(
        "total-as-text",
        "minor",
        "The total of a list is a text.",
        "list.reply",
        of=BOTH,
        says=(on("list", field("total", str), field("TotalCount", str)),),
    ),
    _list(
        "rows-with-state-of-last",
        "major",
        "Each row of a list has the state of the last row.",
        "list.row-agrees",
        of=(HUAWEI,),
        says=(
            where(lambda i, o: i.operation == "list" and o.refusal is None and o.value["keys"], saying(_state_of_last)),
        ),
    ),
    _list(
        "ids-without-pending",
        "minor",
        "The ids of a list lack the pending keys, which its details have.",
        "pending.listed",
        "list.row-agrees",
        "list.complete",
        of=(HUAWEI,),
        says=(on("list", saying(_ids_without_pending)),),
    ),
    _list(
        "row-dated-after-cancel",
        "minor",
        "Lists go on showing the last deletion date of a key whose deletion was cancelled.",
        "list.row-agrees",
        "cancel.date-cleared",
        of=(HUAWEI,),
        does=(shown_as({"list"}, _dated_after_cancel),),
    ),
    _list(
        "first-description-listed",
        "minor",
        "Lists go on showing the description with which a key was first listed.",
        "list.row-agrees",
        of=(HUAWEI,),
        does=(_FirstDescriptionListed,),
    ),
    _list(
        "list-arns-are-ids",
        "minor",
        "Lists have the id of a key as its ARN.",
        "list.reply",
        "list.row-agrees",
        of=(ALIBABA, AWS),
        says=(
            on(
                "list",
                *(field(path, lambda arn: arn.rpartition("/")[2]) for path in ("Keys.KeyArn", "Keys.Key.KeyArn")),
            ),
        ),
    ),
    _list(
        "aliases-never-truncated",
        "major",
        "Every page of a list of aliases, tags or grants says that it is the last one.",
        "list-aliases.reply",
        "list-tags.reply",
        of=(AWS,),
        says=(on("list_aliases list_tags list_grants", field("Truncated", lambda _: False), without("NextMarker")),),
    ),
    _list(
        "limit-of-aliases-ignored",
        "minor",
        "Lists of aliases, tags and grants have one page, whatever limit was asked for.",
        "list-aliases.reply",
        "list-tags.reply",
        of=(AWS,),
        does=(misreading({"list_aliases", "list_tags", "list_grants"}, _unpaged("Limit")),),
    ),
)
