"""Variants in fields that no page describes: they follow the state of a key, its changes, or the time."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import doing
from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, HUAWEI, Variant
from kms_conformance.apps.selftest.reply_mutations import on, saying
from kms_conformance.apps.selftest.request_mutations import asked_key
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Filter, Inbound, Key, Outbound

# Where the description of a key lies in a reply, and the field with its state.
_PLACES = {HUAWEI: ("key_info", "key_state"), ALIBABA: ("KeyMetadata", "KeyState"), AWS: ("KeyMetadata", "KeyState")}
_BELONGINGS = frozenset({"tag", "untag", "set_alias", "update_alias", "delete_alias", "create_grant", "revoke_grant"})
_READS = frozenset({"describe", "list", "list_tags", "list_aliases", "list_grants", "get_policy", "rotation_status"})


class _Changes:
    """Counts the accepted requests that change a key, by key, and shows the count in a field of the key."""

    def __init__(self, shown: Callable[[int], object], which: Callable[[str | None], bool] | None = None) -> None:
        """`shown` makes the value of the field from the number of changes; `which` tells what counts as one."""
        self._shown = shown
        self._which = which or (lambda operation: operation not in _READS)
        self._counts: Counter[str] = Counter()

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        """The filter."""
        named = asked_key(inbound)
        if outbound.refusal is None and self._which(inbound.operation):
            self._counts[named] += 1
        if outbound.refusal is not None or inbound.operation != "describe":
            return outbound
        return saying(lambda body: _told(body, lambda _: {"Revision": self._shown(self._counts[named])}))(outbound)


def _told(body: Any, fields: Callable[[Any], dict[str, object]]) -> Any:  # noqa: ANN401 - JSON
    """The reply to `describe` with further fields of the key, made from its state."""
    for place, state in _PLACES.values():
        if isinstance(body, dict) and isinstance(info := body.get(place), dict) and state in info:
            return {**body, place: {**info, **fields(info[state])}}
    return body


def _telling(fields: Callable[[Any], dict[str, object]]) -> tuple[Filter, ...]:
    return (on("describe", saying(lambda body: _told(body, fields))),)


def _now(_: object) -> dict[str, object]:
    return {"LastReadTime": REAL.now().isoformat(timespec="seconds")}


def _tagged(_: Key, after: Key) -> Key:
    """The key with a tag that an automation of the account gives to each key that changes."""
    return replace(after, tags=tuple({**dict(after.tags), "changed-by": "automation"}.items()))


UNKNOWN_FIELDS: tuple[Variant, ...] = (
    Variant(
        "field-follows-the-state",
        "A field that no page describes follows the state of the key.",
        filters=_telling(lambda state: {"Status": f"status of {state}", "Usable": state in ("2", "Enabled")}),
        about="unknown fields",
    ),
    Variant(
        "field-counts-changes",
        "A field that no page describes counts the changes of a key.",
        filters=(_Changes(lambda count: count),),
        about="unknown fields",
    ),
    Variant(
        "field-has-a-revision",
        "A field that no page describes has a text that each change of a key makes anew.",
        filters=(_Changes(lambda count: hashlib.sha256(str(count).encode()).hexdigest()),),
        about="unknown fields",
    ),
    Variant(
        "field-has-a-version-of-the-belongings",
        "A field that no page describes has a text that each change of tags, grants or aliases makes anew.",
        filters=(
            _Changes(lambda count: hashlib.sha256(str(count).encode()).hexdigest(), lambda name: name in _BELONGINGS),
        ),
        about="unknown fields",
    ),
    Variant(
        "field-has-the-time-of-reading",
        "A field that no page describes has the time of the read.",
        filters=_telling(_now),
        about="unknown fields",
    ),
    Variant(
        "automation-adds-tags",
        "Each change of the state of a key gives it one more tag.",
        dialects=tuple(name for name in ALL if name != HUAWEI),
        decisions=(doing("schedule", _tagged), doing("cancel", _tagged)),
        about="unknown fields",
    ),
    Variant(
        "rotation-is-suspended",
        "The automatic rotation of a key is suspended in every state but enabled.",
        dialects=(ALIBABA,),
        filters=_telling(lambda state: {"AutomaticRotation": "Disabled" if state == "Enabled" else "Suspended"}),
        about="unknown fields",
    ),
)
