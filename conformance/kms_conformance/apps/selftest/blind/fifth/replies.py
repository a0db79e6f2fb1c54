"""The fifth blind set: refusals, lists, forms of replies, and credentials."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import PENDING
from kms_conformance.apps.selftest.blind.fifth.mixins import BROKEN, NAMED, answering_by, rows_of
from kms_conformance.apps.selftest.blind.memory import Memory, admitting_for
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import (
    field,
    on,
    on_refusal,
    saying,
    status,
    text,
    where,
)
from kms_conformance.apps.selftest.request_mutations import Seeing
from kms_conformance.emulator import Decisions, Key, RefusalAnswer, Rules

_refusal = rows_of("refusals")
_list = rows_of("lists")
_form = rows_of("forms of replies")
_access = rows_of("access")

_STATE_ERRORS = "already_pending not_pending pending_use pending_update pending_manage state_refused"
_PAGE = "<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>"
_ELSEWHERE = "5f0c8f5e-3f0b-4d6e-9a31-7d1c0a2b4e6f"


class _DisabledAsPending(Decisions):
    """Every state but enabled is refused in one way."""

    def answer(self, refusal: str) -> RefusalAnswer:
        return super().answer("pending_use" if refusal == "key_disabled" else refusal)


class _Always400(Decisions):
    """The status of refusals because of a key or its state is 400."""

    def answer(self, refusal: str) -> RefusalAnswer:
        found = super().answer(refusal)
        known = refusal in {"unknown_key", "lost_key", "key_disabled", *_STATE_ERRORS.split()}
        return replace(found, status=400) if known else found


class _Unordered(Decisions):
    """Keys are in a hash map, which is read in another order each time."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._order = random.Random(5)  # noqa: S311 - no secret

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        found = list(super().listed(keys))
        self._order.shuffle(found)
        return found


class _CancelledInIndex(Seeing, Memory):
    """The index by state, which filtered lists read, is not updated by a cancellation."""

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        sent = {} if self.inbound is None else self.inbound.parameters
        filtered = operation == "list" and ("key_state" in sent or "Filters" in sent)
        return replace(found, state=PENDING) if filtered and self.done["cancel", key.id] else found


def _short_page(value: dict[str, Any]) -> dict[str, Any]:
    if value.get("truncated") == "true":
        return {**value, "keys": value["keys"][:-1], "key_details": value["key_details"][:-1]}
    if value.get("Truncated") is True:
        return {**value, "Keys": value["Keys"][:-1]}
    if value.get("PageNumber", 0) * value.get("PageSize", 0) < value.get("TotalCount", 0):
        return {**value, "Keys": {"Key": value["Keys"]["Key"][:-1]}}
    return value


def _total_of_page(value: dict[str, Any]) -> dict[str, Any]:
    if "total" in value:
        return {**value, "total": len(value["keys"])}
    return {**value, "TotalCount": len(value["Keys"]["Key"])}


def _with_elsewhere(value: dict[str, Any]) -> dict[str, Any]:
    rows = value["Keys"]["Key"] if isinstance(value["Keys"], dict) else value["Keys"]
    if not rows:
        return value
    head, _, _ = rows[0]["KeyArn"].rpartition("/")
    elsewhere = head.replace("us-east-1", "eu-west-1").replace("cn-hangzhou", "cn-shanghai")
    more = [*rows, {**rows[0], "KeyId": _ELSEWHERE, "KeyArn": f"{elsewhere}/{_ELSEWHERE}"}]
    return {**value, "Keys": {"Key": more} if isinstance(value["Keys"], dict) else more}


def _as_text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool | int) else value


REFUSALS = (
    _refusal(
        "state-errors-with-200",
        "major",
        "Refusals because of a key's state have the status 200.",
        "schedule.twice",
        "reply.status",
        "error.shape",
        because="A gateway that puts errors into the body of a success; so do some other clouds.",
        says=(on_refusal(_STATE_ERRORS, status(200)),),
    ),
    _refusal(
        "malformed-window-breaks",
        "major",
        "A window that is no number is answered with an internal error.",
        "schedule.window.text",
        "reply.no-server-error",
        because="The conversion to a number raises; seen with an emulator.",
        does=(answering_by(500, BROKEN, "window_malformed"),),
    ),
    _refusal(
        "cancel-of-unknown-breaks",
        "major",
        "Cancelling the deletion of an unknown key is answered with status 500 and a page of HTML.",
        "unknown-key.cancel",
        "reply.no-server-error",
        because="A dictionary is asked for an id without a check; reported of an emulator.",
        says=(
            where(
                lambda i, o: i.operation == "cancel" and o.refusal == "unknown_key",
                status(500),
                text(_PAGE, "text/html; charset=utf-8"),
            ),
        ),
    ),
    _refusal(
        "shortened-error-names",
        "major",
        "Error codes are cut: what stands before the last point, or `Exception`, is missing.",
        "unknown-key.schedule",
        "schedule.twice",
        "error.shape",
        because="Names of types in the server's language are sent; read in emulators.",
        says=(
            on_refusal(
                f"{_STATE_ERRORS} unknown_key key_disabled lost_key",
                field("error.error_code", lambda code: code.rpartition(".")[2]),
                field("Code", lambda code: code.rpartition(".")[2]),
                field("__type", lambda code: code.removesuffix("Exception")),
            ),
        ),
    ),
    _refusal(
        "disabled-as-pending",
        "minor",
        "Uses of a disabled key are refused as if it were pending.",
        "state.disabled",
        of=(HUAWEI, ALIBABA),
        because="One answer for all states but enabled; reported of an emulator.",
        does=(_DisabledAsPending,),
    ),
    _refusal(
        "refusals-are-400",
        "minor",
        "All refusals because of a key or its state have the status 400.",
        "unknown-key.schedule",
        "unknown-key.describe",
        of=(HUAWEI, ALIBABA),
        because="One status for all errors of callers, as another cloud has; common.",
        does=(_Always400,),
    ),
)

LISTS = (
    _list(
        "last-of-page-lost",
        "critical",
        "The last key of each page but the last one is missing.",
        "list.complete",
        because="One row more is read to know whether there are more, and one too many is cut; common.",
        says=(on("list", saying(_short_page)),),
    ),
    _list(
        "pages-of-a-hash-map",
        "major",
        "Lists have another order each time, so that pages repeat and miss keys.",
        "list.complete",
        because="Maps have no order in some languages; common in emulators in Go.",
        does=(_Unordered,),
    ),
    _list(
        "total-of-the-page",
        "minor",
        "The total of a list is the number of keys on the page.",
        "list.reply",
        "list.complete",
        of=(HUAWEI, ALIBABA),
        because="The total is counted after cutting; common.",
        says=(on("list", saying(_total_of_page)),),
    ),
    _list(
        "cancelled-in-index",
        "major",
        "A list that is limited to one state takes cancelled keys for pending ones.",
        "list.complete",
        "list.row-agrees",
        "pending.listed",
        of=(HUAWEI, ALIBABA),
        because="An index by state is not updated by all operations; common.",
        does=(_CancelledInIndex,),
    ),
    _list(
        "key-of-other-region-listed",
        "major",
        "Lists have a key of another region, which no other request knows.",
        "list.reply",
        "list.row-agrees",
        of=NAMED,
        because="Stores of regions are mixed up in lists; reported of emulators.",
        says=(on("list", saying(_with_elsewhere)),),
    ),
)

FORMS = (
    _form(
        "other-json-types",
        "major",
        "Numbers and truth values are written as texts, and truth values as texts the other way round.",
        "list.reply",
        "describe.reply",
        because="A converter from XML or from columns of text writes the JSON; common.",
        says=(
            on("list", *(field(name, _as_text) for name in ("Truncated", "TotalCount", "PageNumber", "total"))),
            on("list", field("truncated", lambda value: value == "true")),
            on("describe", field("KeyMetadata.Enabled", _as_text)),
        ),
    ),
)

ACCESS = (
    _access(
        "side-routes-open",
        "critical",
        "Requests that read what belongs to keys, or the account, need no credentials.",
        "auth.missing",
        because="Later routes are registered outside the check of credentials; common.",
        does=(
            admitting_for(
                {"no_credentials"},
                {
                    *("list_tags", "list_aliases", "list_grants", "get_policy", "list_policies", "rotation_status"),
                    *("instances", "quotas", "regions", "account_status"),
                },
            ),
        ),
    ),
    _access(
        "other-project-cancels",
        "critical",
        "A token of another project can cancel deletions and enable keys.",
        "auth.other-project",
        of=(HUAWEI,),
        because="The project is compared in some handlers alone; reported of services with tenants.",
        does=(admitting_for({"wrong_project"}, {"cancel", "enable"}),),
    ),
    _access(
        "other-region-cancels",
        "critical",
        "A signature for another region can cancel deletions and describe keys.",
        "auth.other-region",
        of=(AWS,),
        because="The region of the scope is compared in some handlers alone; reported of emulators with regions.",
        does=(admitting_for({"other_region"}, {"cancel", "describe"}),),
    ),
)
