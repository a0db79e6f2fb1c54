"""Faults of replies to any operation: a wrong status, media type, encoding or request id."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, BOTH, HUAWEI, Fault, Severity
from kms_conformance.apps.selftest.reply_mutations import (
    Rewrite,
    body,
    empty,
    field,
    header,
    on,
    on_all,
    on_errors,
    saying,
    status,
    text,
)

_fault = partial(Fault, fault_class="bodies", severity="major", families=("cancel",))
_XML = '<?xml version="1.0"?><cancel><key_state>3</key_state></cancel>'


def _encoding(name: str, title: str, rewrite: Rewrite, severity: Severity = "major") -> Fault:
    return _fault(
        name=f"cancel-{name}",
        title=title,
        severity=severity,
        requirements=frozenset({"reply.encoding"}),
        filters=(on("cancel", rewrite),),
    )


def _status(operation: str, number: int) -> Fault:
    return _fault(
        name=f"{operation}-answers-{number}",
        title=f"The reply to {operation} has the status {number} where 200 is documented.",
        requirements=frozenset({"reply.status"}),
        families=(operation,),
        filters=(on(operation, *((empty,) if number == 204 else ()), status(number)),),
    )


FAULTS = (
    *(_status(operation, number) for operation in ("cancel", "schedule") for number in (201, 202, 204)),
    _fault(
        name="list-answers-302",
        title="The reply to list is a redirect.",
        requirements=frozenset({"reply.status"}),
        families=("replies",),
        filters=(on("list", status(302), header("Location", "http://127.0.0.1:1/")),),
    ),
    _encoding(
        "not-utf-8",
        "The reply to cancelling contains invalid UTF-8.",
        body(lambda data: data[:-1] + b', "note": "\xff\xfe"}'),
    ),
    _encoding("in-utf-16", "The reply to cancelling is in UTF-16.", body(lambda data: data.decode().encode("utf-16"))),
    _encoding(
        "with-bom", "The reply to cancelling begins with a byte order mark.", body(lambda d: b"\xef\xbb\xbf" + d)
    ),
    _encoding(
        "key-twice",
        "The reply to cancelling contains duplicate names.",
        body(lambda data: data[:-1] + b", " + data[1:-1] + b"}"),
    ),
    _encoding(
        "with-trailer",
        "The reply to cancelling has trailing data after the JSON document.",
        body(lambda data: data + b"{}"),
    ),
    _encoding(
        "cut",
        "The reply to cancelling is cut off before its Content-Length.",
        lambda reply: replace(reply, cut_after=10),
    ),
    _encoding("half", "The reply to cancelling is half a JSON document.", body(lambda data: data[: len(data) // 2])),
    replace(_encoding("empty", "The reply to cancelling is empty.", empty), dialects=BOTH),
    _fault(
        name="cancel-empty",
        title="The reply to cancelling is empty, like the reply to enabling.",
        dialects=(AWS,),
        requirements=frozenset({"cancel.reply.key-id"}),
        filters=(on("cancel", empty),),
    ),
    _encoding("nan", "The reply to cancelling contains NaN.", body(lambda data: data[:-1] + b', "note": NaN}')),
    _encoding(
        "single-quotes",
        "The reply to cancelling uses single quotes.",
        body(lambda data: data.replace(b'"', b"'")),
    ),
    _encoding(
        "deep",
        "The reply to cancelling nests 500 lists.",
        body(lambda d: d[:-1] + b', "n": ' + b"[" * 500 + b"]" * 500 + b"}"),
    ),
    _fault(
        name="cancel-in-xml",
        title="The reply to cancelling is XML instead of JSON.",
        requirements=frozenset({"reply.content-type"}),
        filters=(on("cancel", text(_XML, "application/xml")),),
    ),
    _fault(
        name="cancel-as-a-list",
        title="The reply to cancelling is a list with one entry.",
        requirements=frozenset({"cancel.reply.key-id", "cancel.reply.request-id"}),
        filters=(on("cancel", saying(lambda value: [value])),),
    ),
    _fault(
        name="declared-as-text",
        title="JSON replies have the media type text/plain.",
        requirements=frozenset({"reply.content-type"}),
        filters=(on_all(header("Content-Type", "text/plain")),),
    ),
    _fault(
        name="declared-as-html",
        title="JSON errors have the media type text/html.",
        severity="minor",
        requirements=frozenset({"reply.content-type"}),
        filters=(on_errors(header("Content-Type", "text/html; charset=utf-8")),),
    ),
    _fault(
        name="not-declared",
        title="Replies to cancelling have no Content-Type.",
        severity="minor",
        requirements=frozenset({"reply.content-type"}),
        filters=(on("cancel", header("Content-Type", None)),),
    ),
    _fault(
        name="request-id-missing",
        title="Replies have no request id.",
        dialects=(ALIBABA,),
        requirements=frozenset({"reply.request-id"}),
        filters=(
            on("describe list enable disable encrypt", saying(lambda v: {k: v[k] for k in v if k != "RequestId"})),
        ),
        why_more="The request id is a required field of each of these replies.",
    ),
    _fault(
        name="request-id-constant",
        title="All replies have the same request id.",
        dialects=(ALIBABA,),
        requirements=frozenset({"reply.request-id"}),
        filters=(on_all(field("RequestId", lambda _: "4B9B8A5C-0000-0000-0000-000000000000")),),
    ),
    _fault(
        name="request-id-constant",
        title="All replies have the same request id.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"reply.request-id"}),
        filters=(on_all(header("X-Request-Id", "0" * 32)),),
        exit_code=0,
    ),
    _fault(
        name="request-id-blank",
        title="Request ids are blank.",
        dialects=(ALIBABA,),
        requirements=frozenset({"reply.request-id"}),
        filters=(on_all(field("RequestId", lambda _: " ")),),
    ),
    _fault(
        name="request-id-empty",
        title="Request ids are empty.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"reply.request-id"}),
        filters=(on_all(header("X-Request-Id", "")),),
        exit_code=0,
    ),
    _fault(
        name="request-id-by-operation",
        title="All replies to the same operation have the same request id.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"reply.request-id"}),
        filters=(on("cancel", header("X-Request-Id", "c" * 32)), on("schedule", header("X-Request-Id", "d" * 32))),
        exit_code=0,
    ),
    *(
        _fault(
            name=f"request-id-{name}",
            title=f"Request ids are {name}.",
            severity="minor",
            dialects=(AWS,),
            requirements=frozenset({"reply.request-id"}),
            filters=(on_all(header("x-amzn-RequestId", value)),),
            exit_code=0,
        )
        for name, value in (("missing", None), ("empty", ""), ("constant", "4b9b8a5c-0000-0000-0000-000000000000"))
    ),
)
