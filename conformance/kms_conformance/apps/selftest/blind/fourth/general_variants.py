"""The fourth blind set of variants: conforming behaviours of all dialects, above all of HTTP and of messages.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import dating
from kms_conformance.apps.selftest.blind.rows import variant_of
from kms_conformance.apps.selftest.blind.second.mixins import RequestMemory, pending
from kms_conformance.apps.selftest.blind.third.general_variants import rewritten_json
from kms_conformance.apps.selftest.blind.third.mixins import asked_id
from kms_conformance.apps.selftest.reply_mutations import Rewrite, field, header, on, on_all, on_errors
from kms_conformance.emulator import Decisions, Inbound, Key, Outbound

_RFC = "RFC 9110 and 9112"
_JSON = "RFC 8259"

variant = partial(variant_of, "blind4", "fourth blind set")


def _headers(*pairs: tuple[str, str]) -> Rewrite:
    return lambda reply: replace(reply, headers=(*reply.headers, *pairs))


def _spaced(value: Any) -> str:  # noqa: ANN401 - JSON
    """JSON with tabs and line ends of two letters wherever white space is allowed."""
    if isinstance(value, dict):
        inner = "\r\n,\t".join(f"{json.dumps(name)}\t:\r\n{_spaced(item)}" for name, item in value.items())
        return f"{{\t{inner}\r\n}}"
    if isinstance(value, list):
        return "[\r\n" + "\t,\t".join(_spaced(item) for item in value) + "\t]"
    return json.dumps(value, ensure_ascii=False)


def _deflated(inbound: Inbound, reply: Outbound) -> Outbound:
    if "deflate" not in (inbound.header("accept-encoding") or "") or not reply.body:
        return reply
    return replace(reply, body=zlib.compress(reply.body)).with_header("Content-Encoding", "deflate")


def _in_capitals(reply: Outbound) -> Outbound:
    return replace(reply, headers=tuple((name.upper(), value) for name, value in reply.headers))


def _message(text: str) -> tuple[Rewrite, ...]:
    """Write another message into an error, wherever the dialects have it."""
    paths = ("error.error_msg", "error_msg", "Message", "message")
    return tuple(field(path, lambda _: text) for path in paths)


def _request_ids(reply: Outbound) -> Outbound:
    """Write request ids in another form, the same in header and body."""
    names = ("x-request-id", "x-acs-request-id", "x-amzn-requestid")
    old = next((value for name, value in reply.headers if name.lower() in names), None)
    if old is None:
        return reply
    new = "req-" + old.replace("-", "").lower()[:20]
    headers = tuple((name, new if value == old else value) for name, value in reply.headers)
    return replace(reply, headers=headers, body=reply.body.replace(old.encode(), new.encode()))


def _slow(seconds: float) -> Rewrite:
    return lambda reply: replace(reply, delay_seconds=seconds)


class _ByDescription(Decisions):
    """Lists are in the order of descriptions."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return sorted(super().listed(keys), key=lambda key: (key.description, key.id))


class _StateBeforeWindow(RequestMemory):
    """A key that is unknown or pending is refused as such before its window is looked at."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            self.known[key.id] = key
            yield key

    def window_problem(self, value: object) -> str | None:
        found = super().window_problem(value)
        key = self.known.get(asked_id(self))
        return None if found is not None and (key is None or pending(key)) else found

    def window_days(self, value: object) -> int:
        bad = super().window_problem(value) is not None
        return self.rules.window_minimum if bad else super().window_days(value)


GENERAL_VARIANTS = (
    variant(
        "http-3-announced", "Replies announce HTTP/3.", "RFC 7838", on_all(header("Alt-Svc", 'h3=":443"; ma=86400'))
    ),
    variant(
        "deprecation-announced",
        "Replies announce that the interface will be switched off.",
        "RFC 8594 and 9745",
        on_all(
            _headers(
                ("Deprecation", "@1688169599"),
                ("Sunset", "Sat, 31 Dec 2044 23:59:59 GMT"),
                ("Link", '<https://example.com/next>; rel="successor-version"'),
            )
        ),
    ),
    variant(
        "limits-told",
        "Replies count the requests that are left, down to none, without a refusal.",
        "headers of API gateways",
        on_all(_headers(("X-RateLimit-Limit", "20"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1"))),
    ),
    variant(
        "never-cached",
        "Replies forbid caches, and have an Expires that is no date.",
        _RFC,
        on_all(_headers(("Cache-Control", "no-store, max-age=0"), ("Pragma", "no-cache"), ("Expires", "0"))),
    ),
    variant(
        "entity-tags",
        "Replies have a tag and a time of their last change.",
        _RFC,
        on_all(_headers(("ETag", 'W/"5d8c72a5"'), ("Last-Modified", "Tue, 15 Nov 1994 12:45:26 GMT"))),
    ),
    variant("empty-header", "Replies have headers with an empty value.", _RFC, on_all(_headers(("X-Debug", "")))),
    variant(
        "browsers-allowed",
        "Replies have the headers that browsers need.",
        "the Fetch standard",
        on_all(
            _headers(
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Expose-Headers", "x-request-id, x-amzn-requestid"),
                ("Vary", "Origin, Access-Control-Request-Method"),
            )
        ),
    ),
    variant(
        "sixty-headers",
        "Replies have sixty more headers.",
        "proxies and tracing systems",
        on_all(_headers(*((f"X-Hop-{number}", str(number)) for number in range(60)))),
    ),
    variant("header-names-in-capitals", "Names of headers are in capitals.", _RFC, on_all(_in_capitals)),
    variant("deflated", "Bodies are deflated if the request allows it.", _RFC, _deflated),
    variant(
        "tabs-and-line-ends",
        "JSON has tabs and line ends of two letters between its tokens.",
        _JSON,
        on_all(rewritten_json(_spaced)),
    ),
    variant(
        "german-messages",
        "Messages of errors are in German, as a header says.",
        "the vendors' pages on languages of messages",
        on_errors(header("Content-Language", "de"), *_message("Der Schlüssel ist ungültig („gelöscht“).")),
    ),
    variant(
        "one-letter-messages",
        "Messages of errors are one full stop.",
        "no page gives the texts of messages",
        on_errors(*_message(".")),
    ),
    variant(
        "messages-with-markup",
        "Messages of errors have markup, quotes, backslashes and an emoji.",
        "no page gives the texts of messages",
        on_errors(*_message('<b>"No" \\ &amp; \'never\'</b>\n\t😀 {"error_code": "none"}')),
    ),
    variant("slow-refusals", "Refusals take a twentieth of a second.", "reports of users", on_errors(_slow(0.05))),
    variant(
        "slow-schedule",
        "Scheduling and cancelling take a quarter of a second.",
        "reports of users",
        on("schedule cancel", _slow(0.25)),
    ),
    variant(
        "clock-behind",
        "The clock by which deletion dates are computed is half a minute behind.",
        "clocks of servers, whose difference the documents bound to minutes",
        does=(dating(lambda now, days: now + timedelta(days=days, seconds=-30)),),
    ),
    variant(
        "clock-ahead",
        "The clock by which deletion dates are computed is 50 seconds ahead.",
        "clocks of servers, whose difference the documents bound to minutes",
        does=(dating(lambda now, days: now + timedelta(days=days, seconds=50)),),
    ),
    variant(
        "listed-by-description",
        "Lists are in the order of descriptions.",
        "the pages promise no order",
        does=(_ByDescription,),
    ),
    variant(
        "state-before-window",
        "Of an unknown or pending key and a bad window, the key is refused.",
        "the documents do not rank refusals",
        does=(_StateBeforeWindow,),
    ),
    variant("five-other-keys", "The account has five keys of other users.", "ordinary accounts", foreign_keys=5),
    variant(
        "request-ids-of-other-form",
        "Request ids begin with `req-`.",
        "the pages give request ids no form",
        on_all(_request_ids),
    ),
    replace(
        variant("four-connections", "The service serves four connections at once; others wait.", "limits of proxies"),
        connections=4,
    ),
)
