"""Rewrites of the fifth blind set: heads of replies as recorded, and JSON in other notations."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from kms_conformance.apps.selftest.blind.rows import variant_of
from kms_conformance.apps.selftest.deviation import Variant
from kms_conformance.apps.selftest.reply_mutations import Rewrite, field, on_refusal
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Filter, Outbound

# The messages of refusals that only variants give.
_MESSAGES = {
    "throttled": "The rate of requests is too high. Send fewer requests.",
    "internal_error": "The service cannot answer at present. Try the request again.",
    "not_permitted": "The caller is not authorized to perform this operation.",
}


def _message(text: str) -> tuple[Rewrite, ...]:
    paths = ("error.error_msg", "error_msg", "Message", "message")
    return tuple(field(path, lambda _: text) for path in paths)


_SAID = tuple(on_refusal(refusal, *_message(text)) for refusal, text in _MESSAGES.items())


def variant(name: str, title: str, source: str, *says: Filter, **further: Any) -> Variant:  # noqa: ANN401 - see below
    """A variant of the fifth set; the arguments are those of `variant_of`."""
    return variant_of("blind5", "fifth blind set", name, title, source, *_SAID, *says, **further)


def headed(*pairs: tuple[str, str]) -> Rewrite:
    """Add headers, also ones that are there already."""
    return lambda reply: replace(reply, headers=(*reply.headers, *pairs))


def dated(seconds: float) -> Rewrite:
    """Have a header `Date` that is `seconds` seconds ahead of the clock."""
    return lambda reply: reply.with_header(
        "Date", format_datetime(REAL.now() + timedelta(seconds=seconds), usegmt=True)
    )


def header_of(reply: Outbound, name: str) -> str:
    """The value of a header, empty if there is none."""
    return next((value for known, value in reply.headers if known.lower() == name.lower()), "")


def reencoded(encode: Callable[[Any], str]) -> Rewrite:
    """Write JSON bodies anew; other bodies and empty ones stay."""

    def rewrite(reply: Outbound) -> Outbound:
        is_json = "json" in header_of(reply, "content-type") and reply.body.startswith(b"{")
        return replace(reply, body=encode(json.loads(reply.body)).encode()) if is_json else reply

    return rewrite


def in_object(name: str, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Rewrite:
    """Change the object at this name of the body; in a list, each object. Other replies stay."""

    def changed(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, list):
            return [changed(item) for item in value]
        return change(value) if isinstance(value, dict) else value

    def rewrite(reply: Outbound) -> Outbound:
        if not isinstance(reply.value, dict) or name not in reply.value:
            return reply
        return reply.with_value({**reply.value, name: changed(reply.value[name])})

    return rewrite


def with_exponents(value: Any) -> str:  # noqa: ANN401 - JSON
    """JSON whose numbers with a decimal point have an exponent."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{with_exponents(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(with_exponents(item) for item in value) + "]"
    if isinstance(value, float):
        return f"{Decimal(repr(value)).normalize():E}".replace("E+", "E")
    return json.dumps(value, ensure_ascii=False)


def ascii_only(value: Any) -> str:  # noqa: ANN401 - JSON
    """JSON without blanks, with letters beyond ASCII and slashes escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")
