"""The form of a variant of the sixth blind set, and rewrites and mixins that several of its files need."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kms_conformance.apps.selftest.blind.fifth.wire import header_of
from kms_conformance.apps.selftest.blind.rows import variant_of
from kms_conformance.apps.selftest.deviation import Variant
from kms_conformance.apps.selftest.reply_mutations import Rewrite
from kms_conformance.emulator import Decisions, Filter, Key, Outbound, Rules

Change = Callable[[dict[str, Any]], Mapping[str, Any]]


def variant(name: str, title: str, source: str, *says: Filter, **further: Any) -> Variant:  # noqa: ANN401 - see below
    """A variant of the sixth set; the arguments are those of `variant_of`."""
    return variant_of("blind6", "sixth blind set", name, title, source, *says, **further)


def json_body(encode: Callable[[Any], str]) -> Rewrite:
    """Write JSON bodies anew; other bodies and empty ones stay."""

    def rewrite(reply: Outbound) -> Outbound:
        is_json = "json" in header_of(reply, "content-type") and reply.body.startswith(b"{")
        return replace(reply, body=encode(json.loads(reply.body)).encode()) if is_json else reply

    return rewrite


def in_objects(change: Change) -> Rewrite:
    """Change every object of the value, the innermost first."""

    def changed(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, list):
            return [changed(item) for item in value]
        if isinstance(value, dict):
            return dict(change({name: changed(item) for name, item in value.items()}))
        return value

    return lambda reply: reply.with_value(changed(reply.value)) if isinstance(reply.value, dict) else reply


def after(number: int, filter_: Filter) -> Filter:
    """Apply a filter from the request with this number on."""
    return lambda inbound, outbound: filter_(inbound, outbound) if inbound.number > number else outbound


class Counting(Decisions):
    """Decisions that count the looks at the keys, and know the keys that existed before the first request."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.now = datetime.now(UTC)
        self.looks = 0
        self.others: frozenset[str] | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        self.now = now
        return super().key_visible(key, now)

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        if self.others is None:
            self.others = frozenset(key.id for key in keys if not key.default)
        self.looks += 1
        yield from super().changed_by_time(keys)
        yield from self.done_by_others([key for key in keys if key.id in self.others])

    def done_by_others(self, theirs: Collection[Key]) -> Iterable[Key]:
        """The keys to store because other callers changed or created them; `theirs` are those of other callers."""
        return ()
