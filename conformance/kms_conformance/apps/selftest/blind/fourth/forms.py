"""The fourth blind set: replies in other forms: encodings, lists, statuses and media types."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kms_conformance.apps.selftest.blind.fourth.mixins import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import (
    Rewrite,
    body,
    empty,
    header,
    on,
    saying,
    status,
    where,
)
from kms_conformance.emulator import Filter

_form = rows_of("forms of replies")


_LISTS = "list list_aliases list_tags list_grants list_policies"


def _deep(change: Callable[[Any], Any]) -> Rewrite:
    """Change every list in a value."""

    def walk(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {name: walk(item) for name, item in value.items()}
        return change([walk(item) for item in value]) if isinstance(value, list) else value

    return saying(walk)


def _twice(raw: bytes) -> bytes:
    return raw + raw


def _quoted(raw: bytes) -> bytes:
    return json.dumps(raw.decode()).encode() if raw else raw


def _comma(raw: bytes) -> bytes:
    return raw[:-1] + b",}" if raw.endswith(b"}") else raw


def _attribute(raw: bytes) -> bytes:
    head, _, rest = raw.partition(b"<RequestId>")
    request_id, _, _ = rest.partition(b"</RequestId>")
    return head.replace(b"<KMS>", b'<KMS RequestId="' + request_id + b'">') + b"</KMS>" if rest else raw


def _xml(operation: str, change: Rewrite) -> Filter:
    """Rewrite the XML replies to one operation."""
    return where(lambda i, o: i.operation == operation and o.refusal is None and o.body.startswith(b"<"), change)


FORMS = (
    _form(
        "one-element-without-list",
        "major",
        "A list of one element is written as that element alone, as by a converter from XML.",
        "list.reply",
        "list-tags.reply",
        says=(on(_LISTS, _deep(lambda items: items[0] if len(items) == 1 else items)),),
    ),
    _form(
        "empty-lists-are-null",
        "minor",
        "Empty lists are null.",
        "list.reply",
        "list-tags.reply",
        of=(HUAWEI, ALIBABA),
        says=(on(_LISTS, _deep(lambda items: items or None)),),
    ),
    _form(
        "cancel-written-twice",
        "major",
        "The body of the reply to cancel is written twice.",
        "reply.encoding",
        says=(on("cancel", body(_twice)),),
    ),
    _form(
        "comma-behind-last-field",
        "major",
        "A comma follows the last field of the description of a key, as in an example of the documents.",
        "reply.encoding",
        says=(on("describe", body(_comma)),),
    ),
    _form(
        "schedule-in-quotes",
        "major",
        "The reply to schedule is a text that holds the JSON.",
        "reply.encoding",
        "schedule.reply.key-id",
        "schedule.reply.request-id",
        says=(on("schedule", body(_quoted)),),
    ),
    _form(
        "lists-in-utf-16",
        "major",
        "Lists of keys are in UTF-16.",
        "reply.encoding",
        says=(on("list", body(lambda raw: raw.decode().encode("utf-16"))),),
    ),
    _form(
        "no-content-for-enable",
        "minor",
        "Enabling and disabling are answered with status 204, without a body.",
        "enable.reply",
        "disable.reply",
        "reply.status",
        says=(on("enable disable", empty, status(204)),),
    ),
    _form(
        "cancel-redirected",
        "major",
        "A cancellation is carried out, and answered with a redirect to the same address.",
        "cancel.effect",
        "reply.status",
        "cancel.status",
        says=(on("cancel", status(303), header("Location", "/")),),
    ),
    _form(
        "update-is-202",
        "minor",
        "Changing the description of a key is answered with status 202.",
        "update-description.reply",
        "reply.status",
        says=(on("update_description", status(202)),),
    ),
    _form(
        "decrypt-as-octets",
        "major",
        "The reply to decrypt is declared as application/octet-stream.",
        "reply.content-type",
        says=(on("decrypt", header("Content-Type", "application/octet-stream")),),
    ),
    _form(
        "line-end-in-text",
        "major",
        "The first text in the description of a key has a line end that is not escaped.",
        "reply.encoding",
        says=(on("describe", body(lambda raw: raw.replace(b'", "', b'\n", "', 1))),),
    ),
    _form(
        "xml-request-id-as-attribute",
        "minor",
        "In XML, the request id of the reply to schedule is an attribute of the root.",
        "schedule.reply.xml",
        of=(ALIBABA,),
        says=(_xml("schedule", body(_attribute)),),
    ),
    _form(
        "xml-not-closed",
        "major",
        "In XML, the reply to schedule lacks the end of its root.",
        "schedule.reply.xml",
        of=(ALIBABA,),
        says=(_xml("schedule", body(lambda raw: raw.rpartition(b"</")[0])),),
    ),
)
