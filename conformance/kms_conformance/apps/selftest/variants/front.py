"""Variants behind something else: a firewall or a gateway refuses some requests, a balancer closes connections."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from kms_conformance.apps.selftest.deviation import AWS, HUAWEI, Variant
from kms_conformance.apps.selftest.reply_mutations import Rewrite, header, on_all, status, text, where
from kms_conformance.emulator import Decisions, Filter, Inbound

_PAGE = "<!DOCTYPE html>\n<html><head><title>Blocked</title></head><body>Your request was blocked: {}.</body></html>"
_DEEPEST = 20
_LARGEST_BODY, _LONGEST_TARGET = 2000, 1500


def _is_odd(inbound: Inbound) -> bool:
    """Whether a firewall takes the request for an attack.

    The body is no JSON object or form of valid UTF-8, or a value has characters that no id or name has, or is an id of
    a wrong form.
    """
    sent = inbound.body + unquote_to_bytes(inbound.query.replace("+", " "))
    try:
        written = sent.decode()
    except UnicodeDecodeError:
        return True
    if not written.isprintable() or "no-such-key" in written or written.count("{") + written.count("[") > _DEEPEST:
        return True
    if inbound.body.startswith((b"{", b"[")) or "json" in (inbound.header("Content-Type") or ""):
        try:
            return bool(inbound.body) and not isinstance(json.loads(inbound.body), dict)
        except ValueError:
            return True
    return False


def _is_large(inbound: Inbound) -> bool:
    """Whether a gateway takes the request for too large."""
    return len(inbound.body) > _LARGEST_BODY or len(inbound.target) > _LONGEST_TARGET


def _stopping(picked: Callable[[Inbound], bool]) -> type[Decisions]:
    """Requests for which `picked` is true do not reach the service, so that they have no effect."""

    class Stopping(Decisions):
        def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return "no_credentials" if picked(inbound) else super().token_problem(found, inbound)

        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return "no_credentials" if picked(inbound) else super().signature_problem(found, inbound)

    return Stopping


def _page(number: int, words: str) -> tuple[Rewrite, ...]:
    return text(_PAGE.format(words), "text/html; charset=utf-8"), status(number)


def _firewall(number: int) -> Variant:
    return Variant(
        f"firewall-{number}",
        f"A firewall refuses odd requests with {number} and an HTML page.",
        decisions=(_stopping(_is_odd),),
        filters=(where(lambda i, _: _is_odd(i), *_page(number, "code 7")),),
        alone=True,
    )


def _too_large(inbound: Inbound) -> int:
    return 413 if len(inbound.body) > _LARGEST_BODY else 414


def _sized(number: int) -> Filter:
    return where(lambda i, _: _is_large(i) and _too_large(i) == number, *_page(number, "too large"))


def _closing(after_seconds: float) -> Rewrite:
    return lambda reply: replace(reply, close=not after_seconds, close_later_seconds=after_seconds)


_KEEPING = header("Connection", "keep-alive")

FRONT: tuple[Variant, ...] = (
    *(_firewall(number) for number in (403, 406, 418)),
    Variant(
        "gateway-413-414",
        "A gateway refuses large requests with 413 or 414 and an HTML page.",
        decisions=(_stopping(_is_large),),
        filters=(_sized(413), _sized(414)),
        alone=True,
    ),
    Variant(
        "gateway-403-flat",
        "A gateway refuses odd requests with 403 and a message.",
        (HUAWEI, AWS),
        decisions=(_stopping(_is_odd),),
        filters=(where(lambda i, _: _is_odd(i), text('{"message": "Forbidden"}', "application/json"), status(403)),),
        alone=True,
    ),
    Variant(
        "gateway-404-flat",
        "A gateway answers unknown paths with 404, a message and a request id.",
        (HUAWEI,),
        filters=(
            where(
                lambda _, o: o.refusal == "unknown_path",
                text('{"message": "no Route matched", "request_id": "7d018b99e75a29dc"}', "application/json"),
                status(404),
            ),
        ),
        alone=True,
    ),
    Variant(
        "balancer-closes",
        "A balancer closes each connection after its reply, which says keep-alive.",
        filters=(on_all(_closing(0.0), _KEEPING),),
        alone=True,
    ),
    *(
        Variant(
            f"balancer-closes-{name}",
            f"A balancer closes each connection {milliseconds} ms after its first reply, which says keep-alive.",
            filters=(on_all(_closing(milliseconds / 1000), _KEEPING),),
            alone=True,
        )
        for name, milliseconds in (("late", 5), ("later", 20))
    ),
)
