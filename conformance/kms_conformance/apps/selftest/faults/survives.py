"""Faults of transitions: scheduling, cancelling, enabling or disabling a key loses or changes something that it has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import Mixin, doing, with_
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import Rewrite, field, on, saying
from kms_conformance.apps.selftest.request_mutations import asked_key
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.emulator import Decisions, Filter, Inbound, Key, Outbound
from kms_conformance.emulator.alibaba.credentials import ACCOUNT_ID as ALIBABA_ACCOUNT
from kms_conformance.emulator.aws.credentials import ACCOUNT_ID as AWS_ACCOUNT

_DOES = {"schedule": "Scheduling", "cancel": "Cancelling", "enable": "Enabling", "disable": "Disabling"}
_OTHER_DOMAIN = "e1a0000000000000000000000000e1a1"
_NO_ALIAS = "No request that names a pending key by its alias, or an alias of such a key, reaches it."
_POLICY = '{"Version":"2012-10-17","Statement":[]}'


def _fault(operation: str, kind: str, name: str, loss: str, **rest: object) -> Fault:
    given: dict[str, object] = {
        "fault_class": "survives",
        "severity": "major",
        "families": ("survives",),
        "requirements": frozenset({as_id(f"{operation}.keeps.{kind}"), *_at_first(operation, kind)}),
    }
    return Fault(name=f"{operation}-{name}", title=f"{_DOES[operation]} a key {loss}.", **(given | rest))  # type: ignore[arg-type]  # checked by the tests of the catalogue of faults


def _at_first(operation: str, kind: str) -> frozenset[RequirementId]:
    """The requirement that is broken if the key was changed before its fields were taken down.

    Each run first disables and enables a key.
    """
    early = kind == "fields" and operation in {"enable", "disable"}
    return frozenset({"lifecycle.sequence"}) if early else frozenset()


def _changing(operation: str, **fields: object) -> tuple[Mixin]:
    return (doing(operation, lambda _, after: with_(**fields)(after)),)


def _once_done(operation: str, rewrite: Rewrite) -> Filter:
    """Rewrite the description of a key once the operation was accepted for this key."""
    done: set[str] = set()

    def filter_(inbound: Inbound, outbound: Outbound) -> Outbound:
        if outbound.refusal is not None or inbound.operation not in (operation, "describe"):
            return outbound
        if inbound.operation == operation:
            done.add(asked_key(inbound))
            return outbound
        return rewrite(outbound) if asked_key(inbound) in done else outbound

    return filter_


def _dropping_grants(operations: str) -> tuple[Mixin]:
    def change(_: Key, after: Key) -> Key:
        kept = tuple(replace(grant, operations=(operations,)) for grant in after.grants) if operations else ()
        return replace(after, grants=kept)

    return (doing("cancel", change),)


class _AliasGoesElsewhere(Decisions):
    """Scheduling a key gives its aliases to another key."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        heir = next((key for key in keys if key.id != after.id), None)
        if operation != "schedule" or heir is None:
            return found
        return (
            replace(after, aliases=()),
            replace(heir, aliases=(*heir.aliases, *after.aliases)),
        )


class _ForgetsWhatItWas(Decisions):
    """Cancelling the deletion of a key stores it anew, with a later creation date."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        return (replace(after, created=after.created + timedelta(hours=1)),) if operation == "cancel" else found


# Where the description of a key lies in a reply.
_PLACES = {HUAWEI: "key_info", ALIBABA: "KeyMetadata", AWS: "KeyMetadata"}


def _in_another_account(arn: str, own: str) -> str:
    return arn.replace(own, "444455556666")


def _with(body: Any, place: str, value: object) -> Any:  # noqa: ANN401 - JSON
    """The reply with a field that no page describes."""
    return {**body, place: {**body[place], "Labels": value}} if place in body else body


FAULTS = (
    # --- aliases ------------------------------------------------------------------------------------------------------
    *(
        _fault(
            operation,
            "aliases",
            "drops-aliases",
            "removes its aliases",
            dialects=(ALIBABA, AWS),
            decisions=made,
            why_more=_NO_ALIAS if operation == "schedule" else "",
        )
        for operation in _DOES
        for made in (_changing(operation, aliases=()),)
    ),
    _fault(
        "schedule",
        "aliases",
        "gives-aliases-away",
        "gives its aliases to another key",
        severity="critical",
        dialects=(ALIBABA, AWS),
        decisions=(_AliasGoesElsewhere,),
        why_more=_NO_ALIAS,
    ),
    # --- tags ---------------------------------------------------------------------------------------------------------
    *(
        _fault(operation, "tags", "drops-tags", "removes its tags", dialects=(ALIBABA, AWS), decisions=made)
        for operation in _DOES
        for made in (_changing(operation, tags=()),)
    ),
    _fault(
        "cancel",
        "tags",
        "empties-tags",
        "empties the values of its tags",
        dialects=(ALIBABA, AWS),
        decisions=(doing("cancel", lambda _, key: replace(key, tags=tuple((name, "") for name, _value in key.tags))),),
    ),
    # --- grants and policy --------------------------------------------------------------------------------------------
    _fault("cancel", "grants", "drops-grants", "removes its grants", dialects=(AWS,), decisions=_dropping_grants("")),
    _fault(
        "cancel",
        "grants",
        "narrows-grants",
        "changes what its grants allow",
        dialects=(AWS,),
        decisions=_dropping_grants("Decrypt"),
    ),
    _fault(
        "schedule",
        "grants",
        "drops-grants",
        "removes its grants",
        dialects=(AWS,),
        decisions=_changing("schedule", grants=()),
    ),
    _fault(
        "cancel",
        "policy",
        "resets-policy",
        "resets its policy",
        dialects=(AWS,),
        decisions=_changing("cancel", policy=""),
    ),
    _fault(
        "schedule",
        "policy",
        "empties-policy",
        "empties its policy",
        severity="critical",
        dialects=(AWS,),
        decisions=_changing("schedule", policy=_POLICY),
    ),
    _fault(
        "enable",
        "policy",
        "resets-policy",
        "resets its policy",
        dialects=(AWS,),
        decisions=_changing("enable", policy=""),
    ),
    # --- rotation -----------------------------------------------------------------------------------------------------
    _fault(
        "enable",
        "rotation",
        "turns-rotation-off",
        "turns its rotation off",
        dialects=(AWS,),
        decisions=_changing("enable", rotated=False),
    ),
    _fault(
        "disable",
        "rotation",
        "turns-rotation-off",
        "turns its rotation off",
        dialects=(AWS,),
        decisions=_changing("disable", rotated=False),
    ),
    # --- name and description -----------------------------------------------------------------------------------------
    _fault(
        "cancel",
        "name",
        "empties-the-name",
        "empties its name",
        dialects=(HUAWEI,),
        decisions=_changing("cancel", aliases=()),
    ),
    _fault(
        "schedule",
        "name",
        "renames",
        "renames it",
        dialects=(HUAWEI,),
        decisions=(
            doing("schedule", lambda _, key: replace(key, aliases=tuple(f"deleted-{name}" for name in key.aliases))),
        ),
    ),
    *(
        _fault(operation, "name", "empties-the-description", "empties its description", decisions=made)
        for operation in ("schedule", "enable", "disable")
        for made in (_changing(operation, description=""),)
    ),
    _fault(
        "cancel",
        "name",
        "shortens-the-description",
        "cuts its description short",
        decisions=(doing("cancel", lambda _, key: replace(key, description=key.description[:-1])),),
    ),
    # --- other fields of a key ----------------------------------------------------------------------------------------
    *(
        _fault(operation, "fields", "changes-the-usage", "changes its usage", dialects=(HUAWEI, AWS), decisions=made)
        for operation in ("schedule", "cancel")
        for made in (_changing(operation, usage="SIGN_VERIFY"),)
    ),
    _fault(
        "cancel", "fields", "changes-the-creation-date", "changes its creation date", decisions=(_ForgetsWhatItWas,)
    ),
    _fault(
        "enable",
        "fields",
        "changes-the-kind",
        "changes its kind",
        dialects=(HUAWEI,),
        decisions=_changing("enable", spec="SM4"),
    ),
    _fault(
        "cancel",
        "fields",
        "changes-the-version",
        "gives it another version",
        dialects=(ALIBABA,),
        decisions=(doing("cancel", lambda _, key: replace(key, version_id=key.version_id[::-1])),),
    ),
    *(
        _fault(
            "cancel",
            "fields",
            "changes-the-owner",
            "changes its owner",
            severity="critical",
            dialects=(dialect,),
            filters=(_once_done("cancel", field(path, lambda _, owner=owner: owner)),),  # type: ignore[misc]  # the loop's value is bound
        )
        for dialect, path, owner in (
            (HUAWEI, "key_info.domain_id", _OTHER_DOMAIN),
            (ALIBABA, "KeyMetadata.Creator", "154035569884****"),
            (AWS, "KeyMetadata.AWSAccountId", "444455556666"),
        )
    ),
    # --- fields that no page describes, and lists ---------------------------------------------------------------------
    *(
        Fault(
            name="cancel-empties-an-unknown-field",
            title="Cancelling a deletion empties a field of keys that no page describes.",
            fault_class="survives",
            severity="minor",
            families=("survives",),
            requirements=frozenset({"lifecycle.keeps-other-fields"}),
            dialects=(dialect,),
            filters=(
                on("describe", saying(partial(_with, place=place, value={"team": "payments"}))),
                _once_done("cancel", saying(partial(_with, place=place, value=None))),
            ),
            exit_code=0,
        )
        for dialect, place in _PLACES.items()
    ),
    Fault(
        name="list-row-keeps-the-old-state",
        title="The row of a key in a list shows every key as enabled.",
        fault_class="survives",
        severity="minor",
        families=("survives",),
        requirements=frozenset({"list.row-agrees"}),
        dialects=(HUAWEI,),
        filters=(on("list", field("key_details.key_state", lambda _: "2")),),
    ),
    Fault(
        name="list-row-has-another-date",
        title="The row of a pending key in a list has a deletion date a day later.",
        fault_class="survives",
        severity="major",
        families=("survives",),
        requirements=frozenset({"list.row-agrees"}),
        dialects=(HUAWEI,),
        filters=(on("list", field("key_details.scheduled_deletion_date", lambda t: t and str(int(t) + 86_400_000))),),
    ),
    *(
        Fault(
            name="list-row-has-another-owner",
            title="The ARN of a key in a list is in another account.",
            fault_class="survives",
            severity="minor",
            families=("survives",),
            requirements=frozenset({"list.row-agrees"}),
            dialects=(dialect,),
            filters=(on("list", field(path, partial(_in_another_account, own=own))),),
        )
        for dialect, path, own in ((ALIBABA, "Keys.Key.KeyArn", ALIBABA_ACCOUNT), (AWS, "Keys.KeyArn", AWS_ACCOUNT))
    ),
)
