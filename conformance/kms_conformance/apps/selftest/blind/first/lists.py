"""Blind faults about lists: pages, filters, counts, and lists of what belongs to a key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import PENDING
from kms_conformance.apps.selftest.blind.memory import Memory, shown_as
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on, where
from kms_conformance.emulator import Filter, Inbound, Key, Outbound, Rules

_list = rows_of("lists")
_ENTRIES = ("keys", "key_details", "Keys.Key", "Keys")


class _NewestMissing(Memory):
    """The newest key is not listed before there is a newer one."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return list(super().listed(keys))[:-1]


class _OtherOrderEachTime(Memory):
    """Each list begins with another key, so that pages overlap and leave gaps."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._lists = 0

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        found = list(super().listed(keys))
        self._lists += 1
        start = self._lists % max(1, len(found))
        return found[start:] + found[:start]


class _CancelledTwice(Memory):
    """A key whose deletion was cancelled is listed twice."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        for key in super().listed(keys):
            yield key
            if self.done["cancel", key.id] and key.state is not PENDING:
                yield key


class _DisabledOnceUnlisted(Memory):
    """A key that was ever disabled is no longer listed."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return [key for key in super().listed(keys) if not self.done["disable", key.id]]


class _LimitIgnored(Memory):
    """Every page holds up to 1000 keys."""

    def page_size(self, requested: int) -> int:
        return 1000


class _OneMore(Memory):
    """A page holds one key more than was asked for."""

    def page_size(self, requested: int) -> int:
        return requested + 1


class _AliasesOfAll(Memory):
    """The list of a key's aliases has the aliases of all keys."""

    def aliases_listed(self, key: Key, keys: Collection[Key]) -> Iterable[Key]:
        return keys


class _AliasesOfSameState(Memory):
    """The list of a pending key's aliases has the aliases of all pending keys."""

    def aliases_listed(self, key: Key, keys: Collection[Key]) -> Iterable[Key]:
        return [other for other in keys if other.state is key.state] if key.state is PENDING else (key,)


def _later_page(inbound: Inbound) -> bool:
    sent = inbound.parameters
    marker = sent.get("marker", sent.get("Marker", "0"))
    return str(marker) not in {"", "0"} or str(sent.get("PageNumber", "1")) != "1"


def _on_later_pages(change: Callable[[Any], Any]) -> Filter:
    return where(
        lambda i, o: i.operation == "list" and o.refusal is None and _later_page(i),
        *(field(path, lambda old: change(old) if isinstance(old, list) else old) for path in _ENTRIES),
    )


def _never_truncated(inbound: Inbound, outbound: Outbound) -> Outbound:
    """Every page of a list of keys says that it is the last one."""
    if inbound.operation != "list" or outbound.refusal is not None:
        return outbound
    value = dict(outbound.value)
    value.pop("NextMarker", None)
    changes: dict[str, Any] = {"truncated": "false", "next_marker": "", "Truncated": False}
    if "Keys" in value and isinstance(value["Keys"], dict):
        changes["TotalCount"] = len(value["Keys"]["Key"])
    return outbound.with_value({name: changes.get(name, old) for name, old in value.items()})


def _state_filter_fails(inbound: Inbound, outbound: Outbound) -> Outbound:
    """A list of the pending keys alone is empty."""
    wanted = str(inbound.parameters.get("key_state", "")) == "4" or "PendingDeletion" in str(
        inbound.parameters.get("Filters", "")
    )
    if inbound.operation != "list" or outbound.refusal is not None or not wanted:
        return outbound
    return outbound.with_value(
        {name: [] if name in _ENTRIES and isinstance(old, list) else old for name, old in outbound.value.items()}
        if "keys" in outbound.value
        else {**outbound.value, "Keys": {"Key": []}, "TotalCount": 0}
    )


def _total_of_page(inbound: Inbound, outbound: Outbound) -> Outbound:
    """The total is the number of keys on the page, less the pending ones."""
    if inbound.operation != "list" or outbound.refusal is not None:
        return outbound
    value = outbound.value
    if "total" in value:
        return outbound.with_value({**value, "total": sum(k["key_state"] != "4" for k in value["key_details"])})
    return (
        outbound.with_value({**value, "TotalCount": len(value["Keys"]["Key"])}) if "TotalCount" in value else outbound
    )


class _RevokedStaysListed(Memory):
    """A revoked grant is listed for one more time."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._revoked: dict[str, tuple[Any, ...]] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "revoke_grant":
            self._revoked[after.id] = before.grants
        return super().effects(operation, before, after, keys)

    def shown(self, operation: str, key: Key, now: Any) -> Key:  # noqa: ANN401 - a time
        found = super().shown(operation, key, now)
        stale = self._revoked.get(key.id) if operation == "list_grants" else None
        return found if stale is None else replace(found, grants=stale)


LISTS: tuple[Fault, ...] = (
    _list(
        "later-page-drops-first",
        "major",
        "Every page after the first one lacks its first key.",
        "list.complete",
        says=(_on_later_pages(lambda old: old[1:]),),
    ),
    _list(
        "later-page-repeats",
        "minor",
        "Every page after the first one names its first key twice.",
        "list.complete",
        says=(_on_later_pages(lambda old: [*old[:1], *old]),),
    ),
    _list(
        "never-truncated",
        "major",
        "Every page of a list says that it is the last one.",
        "list.complete",
        says=(_never_truncated,),
    ),
    _list(
        "newest-missing",
        "minor",
        "The newest key is not listed before there is a newer one.",
        "list.complete",
        "pending.listed",
        does=(_NewestMissing,),
    ),
    _list(
        "other-order-each-time",
        "major",
        "Each list begins with another key, so that pages overlap and leave gaps.",
        "list.complete",
        does=(_OtherOrderEachTime,),
    ),
    _list(
        "cancelled-listed-twice",
        "minor",
        "A key whose deletion was cancelled is listed twice.",
        "list.complete",
        does=(_CancelledTwice,),
    ),
    _list(
        "disabled-once-unlisted",
        "major",
        "A key that was ever disabled is no longer listed.",
        "list.complete",
        "pending.listed",
        does=(_DisabledOnceUnlisted,),
    ),
    _list(
        "limit-ignored",
        "minor",
        "A list has one page, whatever limit was asked for.",
        "list.reply",
        "list.complete",
        does=(_LimitIgnored,),
    ),
    _list(
        "one-more-than-asked",
        "minor",
        "A page holds one key more than was asked for.",
        "list.reply",
        "list.complete",
        does=(_OneMore,),
    ),
    _list(
        "state-filter-fails",
        "minor",
        "A list that is limited to pending keys is empty.",
        "list.reply",
        "pending.listed",
        of=(HUAWEI, ALIBABA),
        says=(_state_filter_fails,),
    ),
    _list(
        "total-of-page",
        "minor",
        "The total of a list leaves out keys of other pages, or pending keys.",
        "list.reply",
        "list.complete",
        of=(HUAWEI, ALIBABA),
        says=(_total_of_page,),
    ),
    _list(
        "page-number-constant",
        "minor",
        "Every page says that it is page 1 of ten keys.",
        "list.reply",
        "list.complete",
        of=(ALIBABA,),
        says=(on("list", field("PageNumber", lambda _: 1), field("PageSize", lambda _: 10)),),
    ),
    _list(
        "list-shows-old-state",
        "minor",
        "A list shows pending keys as enabled.",
        "pending.listed",
        "list.reply",
        of=(HUAWEI,),
        says=(on("list", field("key_details.key_state", lambda old: "2" if old == "4" else old)),),
    ),
    _list(
        "list-lacks-dates",
        "minor",
        "A list shows no deletion dates.",
        "list.reply",
        "pending.listed",
        of=(HUAWEI,),
        says=(on("list", field("key_details.scheduled_deletion_date", lambda _: "")),),
    ),
    _list(
        "list-details-in-other-order",
        "minor",
        "The ids and the details of a list are in different orders.",
        "list.reply",
        of=(HUAWEI,),
        says=(on("list", field("key_details", lambda old: old[::-1])),),
    ),
    _list(
        "list-arn-of-first",
        "minor",
        "A list gives the ARN of its first key for every key.",
        "list.reply",
        of=(ALIBABA, AWS),
        says=(
            on(
                "list",
                field("Keys.Key", lambda old: [{**k, "KeyArn": old[0]["KeyArn"]} for k in old]),
                field(
                    "Keys",
                    lambda old: [{**k, "KeyArn": old[0]["KeyArn"]} for k in old] if isinstance(old, list) else old,
                ),
            ),
        ),
    ),
    _list(
        "aliases-of-all",
        "minor",
        "The list of a key's aliases has the aliases of all keys.",
        "list-aliases.reply",
        of=(AWS,),
        does=(_AliasesOfAll,),
    ),
    _list(
        "aliases-of-all-pending",
        "minor",
        "The list of a pending key's aliases has the aliases of all pending keys.",
        "pending.list-aliases",
        of=(AWS,),
        does=(_AliasesOfSameState,),
    ),
    _list(
        "pending-aliases-hidden",
        "minor",
        "The list of a pending key's aliases is empty.",
        "pending.list-aliases",
        of=(AWS,),
        does=(shown_as(("list_aliases",), lambda _m, k, _: replace(k, aliases=()) if k.state is PENDING else k),),
    ),
    _list(
        "pending-tags-hidden",
        "minor",
        "The tags of a pending key are not listed.",
        "pending.list-tags",
        "pending.untag",
        "lifecycle.sequence",
        of=(ALIBABA, AWS),
        does=(shown_as(("list_tags", "describe"), lambda _m, k, _: replace(k, tags=()) if k.state is PENDING else k),),
    ),
    _list(
        "pending-grants-hidden",
        "minor",
        "The grants of a pending key are not listed.",
        "pending.list-grants",
        "pending.revoke-grant",
        of=(AWS,),
        does=(shown_as(("list_grants",), lambda _m, k, _: replace(k, grants=()) if k.state is PENDING else k),),
    ),
    _list(
        "first-tag-alone",
        "minor",
        "Only the first tag of a key is listed.",
        "tag.reply",
        "list-tags.reply",
        of=(ALIBABA, AWS),
        does=(shown_as(("list_tags", "describe"), lambda _m, k, _: replace(k, tags=k.tags[:1])),),
    ),
    _list(
        "first-grant-alone",
        "minor",
        "Only the first grant on a key is listed.",
        "create-grant.reply",
        "list-grants.reply",
        of=(AWS,),
        does=(shown_as(("list_grants",), lambda _m, k, _: replace(k, grants=k.grants[:1])),),
    ),
    _list(
        "revoked-grant-listed",
        "major",
        "The grants that a key had before the last revocation stay listed.",
        "revoke-grant.reply",
        "pending.revoke-grant",
        of=(AWS,),
        does=(_RevokedStaysListed,),
    ),
    _list(
        "grants-without-operations",
        "minor",
        "Listed grants have no operations.",
        "list-grants.reply",
        "create-grant.reply",
        of=(AWS,),
        says=(on("list_grants", field("Grants.Operations", lambda _: [])),),
    ),
)
