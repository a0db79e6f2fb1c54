"""Faults of replies: old states, other keys, lists and pages, and the form of bodies."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from kms_conformance.apps.selftest.blind.sixth.mixins import (
    NAMED,
    NAMING,
    ReadingOtherwise,
    Remembering,
    Storing,
    alias_of,
    as_json,
    is_pending,
    last_part,
    rows_of,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, BOTH
from kms_conformance.emulator import Inbound, Key, Outbound
from kms_conformance.emulator.messages import encode_json

_row = rows_of("replies")
# The parameter for the length of a page, and its default.
_PAGES = {"huawei": ("limit", 1000), "alibaba": ("PageSize", 10), "aws": ("Limit", 100)}
_LONG = 2000


class CancelNamesTheKeyBefore(Remembering):
    """The object of the reply is used again, and its key id is set after it was sent."""

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        shown = super().shown(operation, key, now)
        if operation != "cancel":
            return shown
        before = self.notes.get("cancelled", key.id)
        self.notes["cancelled"] = key.id
        return replace(shown, id=before)


class AliasShowsAnOldKey(Remembering):
    """Descriptions by alias are cached for ever."""

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        shown, alias = super().shown(operation, key, now), alias_of(self.named)
        if operation != "describe" or alias is None:
            return shown
        old: Key = self.notes.setdefault((alias, key.id), shown)
        return old


class IndexKeepsPending(Storing):
    """The index for lists learns of every change but a cancellation."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self.notes[after.id] = after
        elif operation in {"enable", "disable"}:
            self.notes.pop(after.id, None)
        return ()

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        shown = super().shown(operation, key, now)
        indexed: Key | None = self.notes.get(key.id)
        return indexed if operation == "list" and indexed is not None and not is_pending(key) else shown


class FirstValueFilters(ReadingOtherwise):
    """Of the values of a filter, the first one is read."""

    def read(self, operation: str, values: dict[str, Any]) -> None:
        entries = as_json(values.get("Filters")) if operation == "list" else None
        if isinstance(entries, list) and all(isinstance(one, dict) for one in entries):
            cut = [
                {**one, "Values": one["Values"][:1]} if isinstance(one.get("Values"), list) else one for one in entries
            ]
            values["Filters"] = encode_json(cut).decode()


class LoneLastKeyIsLost(Remembering):
    """The number of pages is rounded, so that a last page with one key is not reached."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        listed = tuple(super().listed(keys))
        name, default = _PAGES[self.rules.dialect]
        text = str(self.sent(name) or default)
        size = int(text) if text.isdecimal() and 0 < len(text) < 7 else default
        return listed[:-1] if size > 1 and len(listed) > size and len(listed) % size == 1 else listed


def total_of_the_page(inbound: Inbound, outbound: Outbound) -> Outbound:
    """The total is the number of keys on the page."""
    if inbound.operation != "list" or outbound.refusal is not None:
        return outbound
    value = dict(outbound.value)
    if "TotalCount" in value:
        return outbound.with_value({**value, "TotalCount": len(value["Keys"]["Key"])})
    return outbound.with_value({**value, "total": len(value["keys"])})


class EnabledOutlivesCancel:
    """The flag is a column of its own, which cancelling sets back to true; keys are remembered by their ids."""

    def __init__(self) -> None:
        self._cancelled: set[str] = set()

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        """Change the reply to describe; note the replies to other operations."""
        if outbound.refusal is not None:
            return outbound
        if inbound.operation == "cancel":
            self._cancelled.add(last_part(outbound.value["KeyId"]))
        elif inbound.operation in {"enable", "disable", "schedule"}:
            self._cancelled.discard(last_part(inbound.parameters.get("KeyId")))
        elif inbound.operation == "describe" and outbound.value["KeyMetadata"]["KeyId"] in self._cancelled:
            return outbound.with_value({"KeyMetadata": {**outbound.value["KeyMetadata"], "Enabled": True}})
        return outbound


def bare_markup(inbound: Inbound, outbound: Outbound) -> Outbound:  # noqa: ARG001 - a filter
    """Texts are put into a document without escapes."""
    body = outbound.body
    if not body.startswith(b"<?xml"):
        return outbound
    for written, meant in ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&amp;", b"&")):
        body = body.replace(written, meant)
    return replace(outbound, body=body)


def length_in_characters(inbound: Inbound, outbound: Outbound) -> Outbound:  # noqa: ARG001 - a filter
    """The length of a body is counted in characters, and so many bytes are sent."""
    length = len(outbound.body.decode("utf-8", "replace"))
    return replace(outbound, body=outbound.body[:length])


def compressed_in_secret(inbound: Inbound, outbound: Outbound) -> Outbound:  # noqa: ARG001 - a filter
    """A proxy compresses long bodies, and the header that says so is lost behind it."""
    return replace(outbound, body=gzip.compress(outbound.body)) if len(outbound.body) > _LONG else outbound


REPLIES = (
    _row(
        "cancel-names-the-key-before",
        "major",
        "The reply to a cancellation names the key of the cancellation before.",
        "cancel.reply.key-id",
        of=NAMING,
        does=[CancelNamesTheKeyBefore],
    ),
    _row(
        "alias-shows-an-old-key",
        "major",
        "A key that is described by its alias is shown as at the first time.",
        "pending.every-name",
        "disabled.every-name",
        "describe.reply",
        of=NAMED,
        does=[AliasShowsAnOldKey],
    ),
    _row(
        "index-keeps-pending",
        "minor",
        "Lists show or select a key as pending after its deletion was cancelled.",
        "list.row-agrees",
        "list.reply",
        of=BOTH,
        does=[IndexKeepsPending],
    ),
    _row(
        "first-value-filters",
        "minor",
        "A list that is filtered by several states has the keys of the first one.",
        "list.reply",
        "list.complete",
        of=[ALIBABA],
        does=[FirstValueFilters],
    ),
    _row(
        "lone-last-key-is-lost",
        "major",
        "A list whose last page would have one key ends before it.",
        "list.complete",
        does=[LoneLastKeyIsLost],
    ),
    _row(
        "total-of-the-page",
        "minor",
        "The total of a list is the number of keys on the page.",
        "list.reply",
        "list.complete",
        of=BOTH,
        says=[total_of_the_page],
    ),
    _row(
        "enabled-outlives-cancel",
        "minor",
        "After a cancellation the key's state is Disabled and Enabled is true.",
        "describe.enabled-agrees",
        of=[AWS],
        says=[EnabledOutlivesCancel()],
    ),
    _row(
        "bare-markup",
        "major",
        "XML replies do not escape the markup in descriptions.",
        "reply.encoding",
        of=[ALIBABA],
        says=[bare_markup],
    ),
    _row(
        "length-in-characters",
        "major",
        "A body with characters beyond ASCII ends too early.",
        "reply.encoding",
        "reply.answered",
        says=[length_in_characters],
    ),
    _row(
        "compressed-in-secret",
        "major",
        "Bodies of more than 2000 bytes are compressed, and no header says so.",
        "reply.encoding",
        says=[compressed_in_secret],
    ),
)
