"""The third blind set of variants: conforming behaviours of all dialects, above all of HTTP and of waiting.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import dating
from kms_conformance.apps.selftest.blind.rows import variant_of
from kms_conformance.apps.selftest.blind.second.mixins import pending
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.lag import data_plane_behind, new_key_unknown, steady
from kms_conformance.apps.selftest.reply_mutations import (
    Rewrite,
    every,
    field,
    header,
    on,
    on_all,
    on_errors,
    on_refusal,
    saying,
    where,
)
from kms_conformance.emulator import Decisions, Inbound, Key, Outbound, Rules

_RFC = "RFC 9110 and 9112"
_JSON = "RFC 8259"


variant = partial(variant_of, "blind3", "third blind set")


def refusing_each(refusal: str, each: int) -> type[Decisions]:
    """One of `each` requests with valid credentials is refused with this refusal, without an effect."""

    class RefusingEach(Decisions):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._requests = 0

        def _problem(self, found: str | None) -> str | None:
            self._requests += found is None
            return refusal if found is None and self._requests % each == 0 else found

        def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return self._problem(super().token_problem(found, inbound))

        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return self._problem(super().signature_problem(found, inbound))

    return RefusingEach


def rewritten_json(write: Callable[[Any], str]) -> Rewrite:
    """Write the JSON of a body in another way; other bodies stay."""

    def rewrite(reply: Outbound) -> Outbound:
        if not reply.body.startswith((b"{", b"[")):
            return reply
        return replace(reply, body=write(json.loads(reply.body)).encode())

    return rewrite


def _typed(change: Callable[[str], str]) -> Rewrite:
    def rewrite(reply: Outbound) -> Outbound:
        kinds = [value for name, value in reply.headers if name.lower() == "content-type"]
        return reply.with_header("Content-Type", change(kinds[0])) if kinds else reply

    return rewrite


def _in_capitals(kind: str) -> str:
    media, semicolon, rest = kind.partition(";")
    return media.title() + semicolon + rest


def _backwards(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_backwards(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _backwards(item) for name, item in reversed(value.items())}


def _escaped(value: Any) -> str:  # noqa: ANN401 - JSON
    """JSON in which every letter of a text is an escape."""
    if isinstance(value, str):
        units = value.encode("utf-16-be")
        return '"' + "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2)) + '"'
    if isinstance(value, list):
        return "[" + ",".join(_escaped(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_escaped(item)}" for name, item in value.items()) + "}"
    return json.dumps(value)


def _zipped(inbound: Inbound, reply: Outbound) -> Outbound:
    if "gzip" not in (inbound.header("accept-encoding") or "") or not reply.body:
        return reply
    return replace(reply, body=gzip.compress(reply.body)).with_header("Content-Encoding", "gzip")


class _ColdStart:
    """A filter: the first two replies of each address take a second and a half."""

    def __init__(self) -> None:
        self._served: dict[str, int] = {}

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        host = inbound.header("host") or ""
        self._served[host] = self._served.get(host, 0) + 1
        return replace(outbound, delay_seconds=1.5) if self._served[host] <= 2 else outbound


class _PendingLast(Decisions):
    """Lists end with the pending keys."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return sorted(super().listed(keys), key=pending)


def _more_of_error(value: Any) -> Any:  # noqa: ANN401 - JSON
    more = {"x_details": [{"reason": "STATE", "link": "https://example.com/e"}], "x_retryable": False}
    nested = value.get("error") if isinstance(value, dict) else None
    return {**value, "error": {**nested, **more}} if isinstance(nested, dict) else {**value, **more}


def _told_json(_: Inbound, reply: Outbound) -> bool:
    return reply.refusal is not None and reply.body.startswith(b"{")


def _twice(reply: Outbound) -> Outbound:
    return replace(reply, headers=(*reply.headers, ("Via", "1.1 first"), ("Via", "1.1 second"), ("Vary", "*")))


_HTTP = (
    variant(
        "media-type-in-capitals",
        "Media types begin with capital letters.",
        f"{_RFC}: the case of media types does not matter",
        on_all(_typed(_in_capitals)),
    ),
    variant(
        "charset-in-quotes",
        "Media types have a charset in quotes, behind a space.",
        f"{_RFC}: a value may be quoted",
        on_all(_typed(lambda kind: kind.partition(";")[0] + '; charset="utf-8"')),
    ),
    variant("headers-twice", "Headers of several proxies stand twice.", _RFC, on_all(_twice)),
    variant(
        "long-header",
        "Replies have a header of 4000 letters.",
        "tracing and security policies of gateways",
        on_all(header("Content-Security-Policy", "default-src 'self' " + "https://example.com " * 200)),
    ),
    variant("compressed", "Bodies are compressed if the request allows it.", _RFC, _zipped),
    variant(
        "closed-after-errors",
        "A refusal closes the connection, and says so.",
        _RFC,
        on_errors(lambda reply: replace(reply, close=True)),
    ),
    variant(
        "closed-unannounced",
        "Each fifteenth reply is followed by an end of the connection that nothing announces.",
        "reports of users about balancers",
        every(15, on_all(lambda reply: replace(reply, close_unannounced=True))),
    ),
    variant("cold-start", "The first two replies take a second and a half.", "reports of users", _ColdStart()),
    variant(
        "slow-creation",
        "A new key takes a third of a second.",
        "the waits of the vendors' Terraform providers",
        on("create", lambda reply: replace(reply, delay_seconds=0.3)),
    ),
    variant(
        "throttled-with-retry-after",
        "One of 150 requests is refused by the documented throttle, with a header that tells the wait.",
        "the vendors' pages on limits, and RFC 9110",
        on_refusal("throttled", header("Retry-After", "1"), header("x-acs-retry-after", "1")),
        does=(refusing_each("throttled", 150),),
    ),
)

_BODIES = (
    variant(
        "names-backwards",
        "Names in JSON are in reverse order.",
        _JSON,
        on_all(rewritten_json(lambda value: json.dumps(_backwards(value), ensure_ascii=False))),
    ),
    variant("all-escaped", "Every letter of a text in JSON is an escape.", _JSON, on_all(rewritten_json(_escaped))),
    variant(
        "line-end-behind-json",
        "A line end follows the JSON, and spaces are before it.",
        "a recorded reply of Huawei Cloud, and RFC 8259",
        on_all(rewritten_json(lambda value: "\r\n " + json.dumps(value, ensure_ascii=False) + "\r\n")),
    ),
    variant(
        "more-fields-in-errors",
        "Errors have fields that no page lists.",
        "newer editions of the vendors' pages, which add fields",
        where(_told_json, saying(_more_of_error)),
    ),
)

_KEYS = (
    variant("one-other-key", "The account has one key of another user.", "ordinary accounts", foreign_keys=1),
    variant(
        "pending-listed-last", "Lists end with the pending keys.", "the pages promise no order", does=(_PendingLast,)
    ),
    variant(
        "date-seconds-later",
        "Deletion dates are four seconds later, because the request took its time.",
        "the documents give the period in days, and no smaller unit",
        does=(dating(lambda now, days: now + timedelta(days=days, seconds=4)),),
    ),
    variant(
        "use-lags",
        "Keys can be used by the state that they had half a second before.",
        "the AWS page on eventual consistency, and users' reports",
        does=(data_plane_behind(0.5),),
    ),
    variant(
        "new-key-flaps",
        "For half a second, every second operation does not know a new key.",
        "the AWS page on eventual consistency, and users' reports",
        does=(new_key_unknown(0.5),),
    ),
    variant(
        "aliases-lag",
        "Requests find keys by the aliases of half a second before.",
        "the AWS page on aliases",
        of=(AWS,),
        does=(steady(0.5, {"resolve_alias"}),),
    ),
    variant(
        "tags-backwards",
        "Tags are listed in reverse order.",
        "the pages promise no order",
        on(
            "list_tags",
            field("Tags", lambda tags: tags[::-1] if isinstance(tags, list) else {"Tag": tags["Tag"][::-1]}),
        ),
        of=(ALIBABA, AWS),
    ),
    variant(
        "access-key-compressed",
        "Requests are signed with an access key, and bodies are compressed if the request allows it.",
        "the vendor's page on signing",
        _zipped,
        of=(HUAWEI,),
        auth="aksk",
    ),
)

GENERAL_VARIANTS = (*_HTTP, *_BODIES, *_KEYS)
