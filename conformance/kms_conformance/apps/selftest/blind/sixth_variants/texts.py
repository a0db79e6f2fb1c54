"""Variants of the sixth blind set about texts of messages, request ids and texts of other keys."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from kms_conformance.apps.selftest.blind.sixth_variants.forms import Counting, variant
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import Rewrite, field, header, on_all, on_errors
from kms_conformance.emulator import Key, Outbound

_PATHS = ("error.error_msg", "error_msg", "Message", "message", "error.message")
_NUMBERS = itertools.count(1)


def _messages(change: Callable[[str], str]) -> tuple[Rewrite, ...]:
    return tuple(field(path, change) for path in _PATHS)


def _ids(change: Callable[[str], str]) -> Rewrite:
    """Change the request id in the header and the body alike."""

    def rewrite(reply: Outbound) -> Outbound:
        name = next((n for n, _ in reply.headers if n.lower() == "x-acs-request-id"), None)
        value = change(str(next(_NUMBERS)))
        return field("RequestId", lambda _: value)(reply if name is None else reply.with_header(name, value))

    return rewrite


class _Described(Counting):
    """The keys of other callers have long descriptions with marks of many notations."""

    def done_by_others(self, theirs: Collection[Key]) -> Iterable[Key]:
        text = "</KeyMetadata>\"}]'\\u0000 <!-- &amp; ]]> 密钥 🔑 \u202e" + "\r\n\t" + "x" * 150
        return [replace(key, description=text) for key in theirs if key.description != text]


TEXT_VARIANTS = (
    variant(
        "chinese-messages",
        "Messages of errors are in Chinese.",
        "Huawei and Alibaba recordings with X-Language: zh-cn",
        on_errors(*_messages(lambda _: "请求的密钥状态不允许此操作。")),
    ),
    variant(
        "empty-messages", "Messages of errors are empty.", "no page gives a text", on_errors(*_messages(lambda _: ""))
    ),
    variant(
        "long-messages",
        "Messages of errors have 6 kB, with JSON and HTML inside.",
        "AccessDenied messages with encoded policies",
        on_errors(*_messages(lambda old: old + ' {"error": {"error_code": "KMS.0000"}} <b>key</b>\n' * 100)),
    ),
    variant(
        "counted-messages",
        "No message of an error is like the one before it: each has a number and a time.",
        "no page gives a text",
        on_errors(*_messages(lambda old: f"[{next(_NUMBERS)}] {old}")),
    ),
    variant(
        "short-request-ids",
        "Request ids are short and count.",
        "the documents give request ids no form",
        on_all(_ids(lambda number: f"r-{number}")),
        of=(ALIBABA,),
    ),
    variant(
        "no-request-id",
        "Replies have no header with a request id.",
        "Huawei Cloud, common response headers: not listed as mandatory",
        on_all(header("X-Request-Id", None)),
        of=(HUAWEI,),
    ),
    variant(
        "descriptions-of-others",
        "Keys of other callers have descriptions with marks of XML, JSON and other scripts.",
        "the documents allow any text",
        does=(_Described,),
        of=(ALIBABA, AWS, HUAWEI),
    ),
)
