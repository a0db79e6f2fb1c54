"""Faults of lists: keys are missing or listed twice, or pages are wrong."""

from __future__ import annotations

from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, PENDING, listing
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on, saying, where, without
from kms_conformance.catalogue.requirement_ids import RequirementId

_COMPLETE: frozenset[RequirementId] = frozenset({"list.complete"})
_fault = partial(Fault, fault_class="lists", severity="major", families=("pending_use",), requirements=_COMPLETE)


def _without_first_of_later_pages(value: dict[str, Any]) -> dict[str, Any]:
    if "keys" in value:
        return {**value, "keys": value["keys"][1:], "key_details": value["key_details"][1:]}
    keys = value.get("Keys")
    if keys is None:
        # A refusal has no list.
        return value
    return {**value, "Keys": keys[1:] if isinstance(keys, list) else {"Key": keys["Key"][1:]}}


def _later_page(parameters: Any) -> bool:  # noqa: ANN401 - parameters of a request
    first = {"marker": "0", "Marker": "0", "PageNumber": "1"}
    return any(str(parameters.get(name, number)) != number for name, number in first.items())


FAULTS = (
    _fault(
        name="list-omits-pending-keys",
        title="Lists do not contain keys pending deletion.",
        requirements=frozenset({"pending.listed", "list.complete"}),
        decisions=(listing(lambda keys: [key for key in keys if key.state is not PENDING]),),
    ),
    _fault(
        name="list-omits-disabled-keys",
        title="Lists do not contain disabled keys.",
        decisions=(listing(lambda keys: [key for key in keys if key.state is not DISABLED]),),
    ),
    _fault(
        name="list-shows-keys-twice",
        title="Lists contain their last key twice.",
        decisions=(listing(lambda keys: (*keys, *keys[-1:])),),
    ),
    _fault(
        name="list-omits-the-newest-key",
        title="Lists do not contain the newest key.",
        decisions=(listing(lambda keys: keys[:-1]),),
    ),
    _fault(
        name="list-pages-overlap",
        title="The first key of every page after the first one is missing.",
        foreign_keys=12,
        filters=(
            where(
                lambda i, _: i.operation == "list" and _later_page(i.parameters), saying(_without_first_of_later_pages)
            ),
        ),
    ),
    _fault(
        name="list-ends-early",
        title="The first page of a list is marked as the last one.",
        dialects=(HUAWEI,),
        foreign_keys=12,
        filters=(on("list", field("truncated", lambda _: "false"), field("next_marker", lambda _: "")),),
    ),
    _fault(
        name="list-ends-early",
        title="The total number of keys in a list is the number of keys on the page.",
        dialects=(ALIBABA,),
        foreign_keys=12,
        filters=(on("list", saying(lambda value: {**value, "TotalCount": len(value["Keys"]["Key"])})),),
    ),
    _fault(
        name="list-never-ends",
        title="Every page of a list is followed by another one.",
        dialects=(HUAWEI,),
        filters=(on("list", field("truncated", lambda _: "true"), field("next_marker", lambda _: "0")),),
    ),
    _fault(
        name="list-ends-early",
        title="The first page of a list is marked as the last one.",
        dialects=(AWS,),
        foreign_keys=12,
        filters=(on("list", field("Truncated", lambda _: False), without("NextMarker")),),
    ),
    _fault(
        name="list-gives-no-marker",
        title="A list is marked as truncated, but has no marker for the next page.",
        dialects=(AWS,),
        foreign_keys=12,
        filters=(on("list", without("NextMarker")),),
    ),
    _fault(
        name="list-never-ends",
        title="Every page of a list is followed by another one.",
        dialects=(AWS,),
        filters=(on("list", saying(lambda value: {**value, "Truncated": True, "NextMarker": "0"})),),
    ),
)
