"""Filters that select replies of the emulator, and rewrites that change the selected replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

from kms_conformance.emulator import Filter, Inbound, Outbound

Rewrite = Callable[[Outbound], Outbound]


# --- selection of replies ---------------------------------------------------------------------------------------------


def where(picked: Callable[[Inbound, Outbound], bool], *rewrites: Rewrite) -> Filter:
    """Rewrite the replies for which `picked` is true."""

    def filter_(inbound: Inbound, outbound: Outbound) -> Outbound:
        return (
            reduce(lambda reply, rewrite: rewrite(reply), rewrites, outbound) if picked(inbound, outbound) else outbound
        )

    return filter_


def on(operations: str, *rewrites: Rewrite) -> Filter:
    """Rewrite success replies of these operations (names separated by spaces)."""
    return where(lambda i, o: o.refusal is None and i.operation in operations.split(), *rewrites)


def on_refusal(refusals: str, *rewrites: Rewrite, operations: str = "") -> Filter:
    """Rewrite refusals with these names (separated by spaces), of these operations or of all."""
    return where(
        lambda i, o: o.refusal in refusals.split() and (not operations or i.operation in operations.split()), *rewrites
    )


def on_errors(*rewrites: Rewrite) -> Filter:
    """Rewrite all refusals."""
    return where(lambda _, o: o.refusal is not None, *rewrites)


def pending_read(inbound: Inbound, outbound: Outbound) -> bool:
    """Whether a reply describes a key pending deletion; a condition for `where`."""
    states = (b'"PendingDeletion"', b'"key_state": "4"')
    described = inbound.operation == "describe" and outbound.refusal is None
    return described and any(state in outbound.body for state in states)


def on_all(*rewrites: Rewrite) -> Filter:
    """Rewrite all replies."""
    return where(lambda _i, _o: True, *rewrites)


def every(number: int, filter_: Filter) -> Filter:
    """Apply a filter only to every `number`-th reply that it would change."""
    count = 0

    def sometimes(inbound: Inbound, outbound: Outbound) -> Outbound:
        nonlocal count
        changed = filter_(inbound, outbound)
        if changed is outbound:
            return outbound
        count += 1
        return changed if count % number == 0 else outbound

    return sometimes


# --- rewrites ---------------------------------------------------------------------------------------------------------


def field(path: str, change: Callable[[Any], Any]) -> Rewrite:
    """Change the field at a path such as `key_info.key_state`; in a list, the field of each item."""
    return lambda reply: reply.with_value(_at(reply.value, path.split("."), lambda name, old: {name: change(old)}))


def without(path: str) -> Rewrite:
    """Remove the field at this path."""
    return lambda reply: reply.with_value(_at(reply.value, path.split("."), lambda _name, _old: {}))


def renamed(path: str, name: str) -> Rewrite:
    """Rename the field at this path."""
    return lambda reply: reply.with_value(_at(reply.value, path.split("."), lambda _old, value: {name: value}))


def saying(change: Callable[[Any], Any]) -> Rewrite:
    """Change the whole value of the body."""
    return lambda reply: reply.with_value(change(reply.value))


def status(number: int) -> Rewrite:
    """Change the HTTP status."""
    return lambda reply: replace(reply, status=number)


def header(name: str, value: str | None) -> Rewrite:
    """Set a header, or remove it if `value` is None."""
    return lambda reply: reply.with_header(name, value)


def body(change: Callable[[bytes], bytes]) -> Rewrite:
    """Change the bytes of the body."""
    return lambda reply: replace(reply, body=change(reply.body))


def text(content: str, media_type: str) -> Rewrite:
    """Replace the body with a text of this media type."""
    return lambda reply: replace(reply, body=content.encode()).with_header("Content-Type", media_type)


def empty(reply: Outbound) -> Outbound:
    """Remove the body and its media type."""
    return replace(reply, body=b"").with_header("Content-Type", None)


def _at(value: Any, path: list[str], change: Callable[[str, Any], Mapping[str, Any]]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_at(item, path, change) for item in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    result: dict[str, Any] = {}
    for name, old in value.items():
        if name != path[0]:
            result[name] = old
        elif len(path) == 1:
            result |= change(name, old)
        else:
            result[name] = _at(old, path[1:], change)
    return result
