"""Variants of the sixth blind set about HTTP and JSON: heads, notations and connections."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.blind.fifth.wire import header_of
from kms_conformance.apps.selftest.blind.sixth_variants.forms import after, in_objects, json_body, variant
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import every, on, on_all, on_errors
from kms_conformance.emulator import Inbound, Outbound

_NUMBERS = itertools.count()


def _lower(reply: Outbound) -> Outbound:
    return replace(reply, headers=tuple((name.lower(), value) for name, value in reply.headers))


def _upper(reply: Outbound) -> Outbound:
    return replace(reply, headers=tuple((name.upper(), value) for name, value in reply.headers))


def _spaced(reply: Outbound) -> Outbound:
    return replace(reply, headers=tuple((name, f" \t{value} \t") for name, value in reply.headers))


def _many(reply: Outbound) -> Outbound:
    more = (
        ("Via", "1.1 varnish, 1.0 edge-7 (squid/6.9)"),
        ("Set-Cookie", "BIGipServer~kms=1677787402.36895.0000; path=/; HttpOnly"),
        ("Set-Cookie", f"AWSALB={next(_NUMBERS):032x}; Expires=Tue, 15 Dec 2026 00:00:00 GMT; Path=/"),
        ("Vary", "Accept-Encoding"),
        ("Vary", "Origin"),
        ("Content-Security-Policy", "default-src 'self' " + " ".join(f"https://h{n}.example.org" for n in range(180))),
        ("Server-Timing", f'kms;dur=1.5, hsm;desc="slot 3";dur={next(_NUMBERS)}'),
        ("Content-Language", "zh-CN"),
        ("Age", "0"),
    )
    return replace(reply, headers=(*reply.headers, *more))


def _charset(reply: Outbound) -> Outbound:
    kind = header_of(reply, "content-type").partition(";")[0]
    return reply.with_header("Content-Type", f'{kind} ; Charset="UTF-8"') if kind else reply


def _shuffled(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_shuffled(item) for item in value]
    if isinstance(value, dict):
        names = list(value)
        random.Random(next(_NUMBERS)).shuffle(names)  # noqa: S311 - no secret
        return {name: _shuffled(value[name]) for name in names}
    return value


def _escaped(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return "{" + ",".join(f"{_escaped(name)}:{_escaped(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_escaped(item) for item in value) + "]"
    if isinstance(value, str):
        units = value.encode("utf-16-be", "surrogatepass")
        return '"' + "".join(f"\\u{units[n]:02X}{units[n + 1]:02X}" for n in range(0, len(units), 2)) + '"'
    return json.dumps(value)


def _zipped(inbound: Inbound, outbound: Outbound) -> Outbound:
    asked = "gzip" in (inbound.header("Accept-Encoding") or "")
    if not asked or not outbound.body or inbound.number % 2:
        return outbound
    coded = replace(outbound, body=gzip.compress(outbound.body), chunked=inbound.number % 4 == 0)
    return coded.with_header("Content-Encoding", "GZIP").with_header("Vary", "Accept-Encoding")


def _mixed(inbound: Inbound, outbound: Outbound) -> Outbound:
    kind = inbound.number % 5
    chunked = bool(outbound.body) and kind in {0, 1}
    return replace(outbound, chunked=chunked, close=kind in {1, 3}, close_later_seconds=0.3 if kind == 4 else 0.0)


WIRE_VARIANTS = (
    variant("lower-case-heads", "The names of headers are in lower case.", "RFC 9110, 5.1", on_all(_lower)),
    variant("upper-case-heads", "The names of headers are in upper case.", "RFC 9110, 5.1", on_all(_upper)),
    variant("blanks-around-headers", "Blanks and tabs surround values of headers.", "RFC 9110, 5.5", on_all(_spaced)),
    variant("many-headers", "Replies have cookies and 6 kB of headers of gateways.", "RFC 9110, 5.3", on_all(_many)),
    variant("quoted-charset", "The media type has a quoted charset after a blank.", "RFC 9110, 8.3", on_all(_charset)),
    variant(
        "shuffled-names",
        "The names in JSON objects are in another order in each reply.",
        "RFC 8259, 4",
        on_all(json_body(lambda value: json.dumps(_shuffled(value)))),
    ),
    variant(
        "all-escaped",
        "Each letter of JSON strings and names is written as an escape of its number.",
        "RFC 8259, 7",
        on_all(json_body(_escaped)),
    ),
    variant(
        "blanks-before-json",
        "Blanks of half a kilobyte stand before the JSON, as from servers that keep slow connections alive.",
        "RFC 8259, 2",
        on_all(json_body(lambda value: "\r\n\t " * 128 + json.dumps(value, indent="\t") + "\r\n")),
    ),
    variant("gzip-by-half", "Half of the replies are packed for clients that ask.", "RFC 9110, 8.4", _zipped),
    variant(
        "mixed-connections",
        "Connections close at once, later or never, and some bodies come in chunks.",
        "RFC 9112, 7.1 and 9.6",
        _mixed,
    ),
    variant(
        "fields-of-a-trace",
        "Each object of a reply has a new field whose name and value differ in every reply.",
        "AWS general reference, JSON protocol: clients ignore unknown members",
        on("describe list", in_objects(lambda value: {**value, f"x{next(_NUMBERS)}": {"n": [next(_NUMBERS), None]}})),
    ),
    variant(
        "late-fields",
        "From request 250 on, a new version of the service adds fields to every object.",
        "changelogs of cloud services: fields are added without a new version of the API",
        after(250, on_all(in_objects(lambda value: {"Revision": 2, **value, "Region_Zone": "zone-b"}))),
        of=(HUAWEI, AWS),
    ),
    variant(
        "empty-object-or-nothing",
        "Every second empty result is an empty JSON object, the others have no body.",
        "Smithy, AWS JSON 1.1 protocol: an empty output may be an empty object",
        every(2, on_all(lambda reply: reply if reply.body or reply.value else replace(reply, body=b"{}"))),
        of=(AWS,),
    ),
    variant(
        "slow-now-and-then",
        "Every 60th reply takes two seconds.",
        "reports of cold starts of balancers",
        every(60, on_all(lambda reply: replace(reply, delay_seconds=2.0))),
    ),
    variant(
        "type-with-namespace",
        "Error types have a namespace before and an address behind the name.",
        "Smithy, AWS JSON 1.1 protocol, operation error serialization",
        on_errors(
            lambda reply: reply.with_value(
                {
                    **reply.value,
                    "__type": f"com.amazonaws.kms#{reply.value['__type']}:http://internal.amazon.com/coral/",
                }
            )
        ),
        of=(AWS,),
    ),
    variant(
        "typed-in-head-too",
        "Errors name their type in a header as well.",
        "Smithy, AWS JSON 1.1 protocol, operation error serialization",
        on_errors(lambda reply: reply.with_header("x-amzn-ErrorType", f"{reply.value['__type']}:http://x.example/")),
        of=(AWS,),
    ),
    variant(
        "host-and-advice",
        "Errors name the host and a page of advice.",
        "recorded replies of Alibaba Cloud: HostId, Recommend",
        on_errors(
            lambda reply: reply.with_value(
                {**reply.value, "HostId": "kms.example", "Recommend": "https://e.example/?q=a&b=c#d", "Type": None}
            )
        ),
        of=(ALIBABA,),
    ),
    variant(
        "error-details",
        "Errors have a list of details and an encoded message.",
        "Huawei Cloud API Explorer, model of errors since 2023",
        on_errors(
            lambda reply: reply.with_value(
                {**reply.value, "encoded_authorization_message": "", "details": [{"error_code": "", "error_msg": None}]}
            )
        ),
        of=(HUAWEI,),
    ),
)
