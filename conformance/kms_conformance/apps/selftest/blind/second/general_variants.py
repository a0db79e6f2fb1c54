"""The second blind set of variants: conforming behaviours of all dialects, above all of HTTP and JSON.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import dating
from kms_conformance.apps.selftest.blind.rows import variant_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, BOTH, HUAWEI
from kms_conformance.apps.selftest.lag import steady
from kms_conformance.apps.selftest.reply_mutations import Rewrite, every, field, header, on_all, where
from kms_conformance.emulator import Decisions, Inbound, Key, Outbound, Rules

_RFC = "RFC 9110 and 9112"
_JSON = "RFC 8259"


variant = partial(variant_of, "blind2", "second blind set")


def ignoring(*problems: str) -> type[Decisions]:
    """These problems of a parameter are no reason to refuse a request."""

    class Ignoring(Decisions):
        def parameter_problem(self, found: str, name: str, value: object) -> str | None:
            return None if found in problems else super().parameter_problem(found, name, value)

    return Ignoring


def with_more(path: str, **fields: Any) -> Rewrite:  # noqa: ANN401 - JSON
    """Add fields to the object, or to each object of the list, at this path."""

    def add(value: Any) -> Any:  # noqa: ANN401 - JSON
        return [add(one) for one in value] if isinstance(value, list) else {**value, **fields}

    return field(path, add)


class _ById(Decisions):
    """Lists are in the order of the ids."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return sorted(super().listed(keys), key=lambda key: key.id)


def _sometimes(refusal: str, each: int) -> type[Decisions]:
    """One of `each` authenticated requests is refused with this refusal, without an effect."""

    class Sometimes(Decisions):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._requests = 0

        def _problem(self, found: str | None) -> str | None:
            self._requests += 1
            return refusal if found is None and self._requests % each == 0 else found

        def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return self._problem(super().token_problem(found, inbound))

        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return self._problem(super().signature_problem(found, inbound))

    return Sometimes


class _ReadsForHours(Decisions):
    """A key can be read, as a pending one, until 20 hours after its date; all else finds it gone at its date."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._ended: dict[str, Key] = {}
        self._now: datetime | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        self._now = now
        visible = super().key_visible(key, now)
        if not visible:
            self._ended[key.id] = key
        return visible

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        found = super().found(operation, keys, earlier)
        if operation not in {"describe", "list"} or self._now is None:
            return found
        after = self._now - timedelta(hours=20)
        return {n: k for n, k in self._ended.items() if k.deletion is not None and k.deletion > after} | dict(found)


def _json_again(write: Callable[[Any], str]) -> Rewrite:
    def rewrite(reply: Outbound) -> Outbound:
        if not reply.body.startswith((b"{", b"[")):
            return reply
        return replace(reply, body=write(json.loads(reply.body)).encode())

    return rewrite


def _lower_names(reply: Outbound) -> Outbound:
    return replace(reply, headers=tuple((name.lower(), value) for name, value in reply.headers))


def _rounded_up(seconds: int) -> type[Decisions]:
    def date(now: datetime, days: int) -> datetime:
        exact = now + timedelta(days=days)
        return exact + timedelta(seconds=-int(exact.timestamp()) % seconds)

    return dating(date)


def _messages(text: str) -> tuple[Rewrite, ...]:
    paths = ("error.error_msg", "error_msg", "error.message", "message", "Message")
    return tuple(field(path, lambda old: text if isinstance(old, str) else old) for path in paths)


def _of_service(_: Inbound, reply: Outbound) -> bool:
    """Whether a reply is an error whose message no client takes apart."""
    return reply.refusal is not None and reply.refusal != "wrong_signature"


def _with_strange_fields(value: Any) -> Any:  # noqa: ANN401 - JSON
    return {**value, "x_new_field": {"a": [1, None, True]}, "xNewText": "\u00e4\u4e2d"} if value else value


def _not_xml(_: Inbound, reply: Outbound) -> bool:
    return reply.refusal is None and reply.body.startswith(b"{")


_HEADERS = (
    header("Server", "api-gateway"),
    header("Via", "1.1 balancer"),
    header("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    header("X-Frame-Options", "SAMEORIGIN"),
    header("Cache-Control", "no-cache, no-store, must-revalidate, private"),
    header("Expires", "0"),
    header("Pragma", "no-cache"),
)

_HTTP = (
    variant(
        "lower-header-names",
        "Header names are in small letters.",
        f"{_RFC}: the case of names does not matter",
        on_all(_lower_names),
    ),
    variant("chunked", "Bodies come in chunks.", _RFC, on_all(lambda reply: replace(reply, chunked=True))),
    variant("closing", "Each reply closes the connection.", _RFC, on_all(lambda reply: replace(reply, close=True))),
    variant(
        "closed-when-idle",
        "A connection is closed without notice a third of a second after its first reply.",
        "reports of users about balancers",
        on_all(lambda reply: replace(reply, close_later_seconds=0.3)),
    ),
    variant(
        "more-headers",
        "Replies have the headers of a gateway.",
        "recorded replies of Huawei Cloud and AWS",
        on_all(*_HEADERS),
    ),
    variant(
        "cookies",
        "A balancer sets a cookie.",
        "the web firewall of a vendor",
        on_all(header("Set-Cookie", "HWWAFSESID=2b6d973b51b1d1a1; path=/; HttpOnly")),
    ),
    variant(
        "keep-alive-header",
        "Replies announce how long a connection is kept.",
        _RFC,
        on_all(header("Connection", "keep-alive"), header("Keep-Alive", "timeout=60, max=1000")),
    ),
    variant(
        "slow-now-and-then",
        "Each twentieth reply takes a twentieth of a second more.",
        "reports of users",
        every(20, on_all(lambda reply: replace(reply, delay_seconds=0.05))),
    ),
    variant(
        "throttled-now-and-then",
        "One of 120 requests is refused by the documented throttle.",
        "the vendors' pages on limits",
        does=(_sometimes("throttled", 120),),
    ),
    variant(
        "server-error-now-and-then",
        "One of 200 requests is answered with the documented error that is to be retried.",
        "the vendors' lists of errors",
        does=(_sometimes("internal_error", 200),),
    ),
)

_BODIES = (
    variant(
        "indented-json",
        "JSON is indented.",
        _JSON,
        on_all(_json_again(lambda value: json.dumps(value, indent=4, ensure_ascii=False) + "\n")),
    ),
    variant(
        "sorted-json",
        "Names in JSON are sorted.",
        _JSON,
        on_all(_json_again(lambda value: json.dumps(value, sort_keys=True, ensure_ascii=False))),
    ),
    variant(
        "escaped-json",
        "Letters beyond ASCII are escaped in JSON, and so are slashes.",
        _JSON,
        on_all(_json_again(lambda value: json.dumps(value).replace("/", "\\/"))),
    ),
    variant(
        "compact-json",
        "JSON has no white space.",
        _JSON,
        on_all(_json_again(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False))),
    ),
    variant(
        "more-fields",
        "Successful replies have fields that no page lists.",
        "newer editions of the vendors' pages, which add fields",
        where(_not_xml, lambda reply: reply.with_value(_with_strange_fields(reply.value))),
    ),
    variant(
        "other-language",
        "Messages of errors are in Chinese.",
        "replies to clients of another locale, reported by users",
        where(
            _of_service,
            *_messages("\u8bf7\u6c42\u88ab\u62d2\u7edd\uff1a\u5bc6\u94a5\u72b6\u6001\u4e0d\u5141\u8bb8\u3002"),
        ),
    ),
    variant(
        "long-messages",
        "Messages of errors have 3000 characters and several lines.",
        "the pages give messages no form",
        where(_of_service, *_messages('Not allowed here.\n"More" <in> the & log: \\ ' * 65)),
    ),
    variant(
        "empty-messages",
        "Messages of errors are empty.",
        "the pages give messages no form",
        where(_of_service, *_messages("")),
    ),
)

_KEYS = (
    variant("no-other-keys", "The account has no keys of other users.", "a new account", foreign_keys=0),
    variant("nine-other-keys", "The account has nine other keys.", "ordinary accounts", foreign_keys=9),
    variant(
        "fifty-other-keys", "The account has fifty other keys.", "ordinary accounts", of=(ALIBABA, AWS), foreign_keys=50
    ),
    variant("listed-by-id", "Lists are in the order of the ids.", "the pages promise no order", does=(_ById,)),
    variant(
        "list-lags",
        "Lists follow a change after a second.",
        "the AWS page on eventual consistency; waits of the vendors' Terraform providers",
        does=(steady(1.0, {"list"}),),
    ),
    variant(
        "describe-lags",
        "Descriptions follow a change after a second, lists at once.",
        "the AWS page on eventual consistency; waits of the vendors' Terraform providers",
        does=(steady(1.0, {"describe"}),),
    ),
    variant(
        "date-on-the-minute",
        "Deletion dates are rounded up to the minute.",
        "the documents give the period in days, and no smaller unit",
        of=BOTH,
        does=(_rounded_up(60),),
    ),
    variant(
        "date-on-the-hour",
        "Deletion dates are rounded up to the hour.",
        "the documents give the period in days, and no smaller unit",
        of=BOTH,
        does=(_rounded_up(3600),),
    ),
    variant(
        "date-at-midnight",
        "Deletion dates are rounded up to midnight.",
        "the documents give the period in days, and no smaller unit",
        of=BOTH,
        does=(_rounded_up(86400),),
    ),
    variant(
        "read-for-hours",
        "A key can be read until 20 hours after its date, but neither used nor recovered.",
        "the pages say that a key is deleted within 24 hours after the waiting period",
        of=(ALIBABA, AWS),
        does=(_ReadsForHours,),
    ),
    variant(
        "access-key",
        "Requests are signed with an access key.",
        "the vendor's page on signing",
        of=(HUAWEI,),
        auth="aksk",
    ),
    variant("password", "Tokens come from IAM.", "the normative document, table 2", of=(HUAWEI,), auth="password"),
    variant("signature-1", "Requests have signatures of version 1.", "the page on RPC", of=(ALIBABA,), auth="v1"),
    variant(
        "temporary-key", "Requests are signed with a temporary key.", "the page on STS", of=(ALIBABA, AWS), auth="sts"
    ),
)

GENERAL_VARIANTS = (*_HTTP, *_BODIES, *_KEYS)
