"""Faults of lists: keys left out, shown twice, or kept after their end."""

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
        # A refusal lists nothing.
        return value
    return {**value, "Keys": keys[1:] if isinstance(keys, list) else {"Key": keys["Key"][1:]}}


def _later_page(parameters: Any) -> bool:  # noqa: ANN401 - as a request gave them
    first = {"marker": "0", "Marker": "0", "PageNumber": "1"}
    return any(str(parameters.get(name, number)) != number for name, number in first.items())


FAULTS = (
    _fault(
        name="list-omits-pending-keys",
        title="A list leaves out keys that wait for their deletion.",
        requirements=frozenset({"pending.listed", "list.complete"}),
        decisions=(listing(lambda keys: [key for key in keys if key.state is not PENDING]),),
    ),
    _fault(
        name="list-omits-disabled-keys",
        title="A list leaves out keys that are disabled.",
        decisions=(listing(lambda keys: [key for key in keys if key.state is not DISABLED]),),
    ),
    _fault(
        name="list-shows-keys-twice",
        title="A list shows its last key twice.",
        decisions=(listing(lambda keys: (*keys, *keys[-1:])),),
    ),
    _fault(
        name="list-omits-the-newest-key",
        title="A list leaves out the newest key.",
        decisions=(listing(lambda keys: keys[:-1]),),
    ),
    _fault(
        name="list-pages-overlap",
        title="Each later page of a list leaves out its first key.",
        foreign_keys=12,
        filters=(
            where(
                lambda i, _: i.operation == "list" and _later_page(i.parameters), saying(_without_first_of_later_pages)
            ),
        ),
    ),
    _fault(
        name="list-ends-early",
        title="A list says that there are no more pages when there are.",
        dialects=(HUAWEI,),
        foreign_keys=12,
        filters=(on("list", field("truncated", lambda _: "false"), field("next_marker", lambda _: "")),),
    ),
    _fault(
        name="list-ends-early",
        title="A list says that there are no more keys than on its page.",
        dialects=(ALIBABA,),
        foreign_keys=12,
        filters=(on("list", saying(lambda value: {**value, "TotalCount": len(value["Keys"]["Key"])})),),
    ),
    _fault(
        name="list-never-ends",
        title="A list says after each page that there is one more.",
        dialects=(HUAWEI,),
        filters=(on("list", field("truncated", lambda _: "true"), field("next_marker", lambda _: "0")),),
    ),
    _fault(
        name="list-ends-early",
        title="A list says that there are no more pages when there are.",
        dialects=(AWS,),
        foreign_keys=12,
        filters=(on("list", field("Truncated", lambda _: False), without("NextMarker")),),
    ),
    _fault(
        name="list-gives-no-marker",
        title="A list says that there are more pages, and not how to ask for them.",
        dialects=(AWS,),
        foreign_keys=12,
        filters=(on("list", without("NextMarker")),),
    ),
    _fault(
        name="list-never-ends",
        title="A list says after each page that there is one more.",
        dialects=(AWS,),
        filters=(on("list", saying(lambda value: {**value, "Truncated": True, "NextMarker": "0"})),),
    ),
)
