"""Faults with unknown and malformed key ids, which are accepted, become keys, or get a wrong error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import (
    ENABLED,
    PENDING,
    answering,
    changing_though_refused,
    inventing,
    with_,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import Rewrite, on_refusal, saying, status, where
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.emulator import Decisions, Inbound, Key, Outbound, Rules, State

_FAMILIES = ("unknown_keys",)
_fault = partial(Fault, fault_class="unknown keys", severity="critical", families=_FAMILIES)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OPERATIONS = ("schedule", "cancel", "describe")


def _is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def _is_malformed(text: str) -> bool:
    return not _is_id(text)


class _AnyForm(Decisions):
    """Malformed key ids are treated like unknown key ids."""

    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        return None if found == "malformed_key" else super().parameter_problem(found, name, value)


class _Remembered(Decisions):
    """A request for an unknown key id creates this key: from then on it is listed and found."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._made: dict[str, Key] = {}

    def invented_key(self, key_id: str, now: datetime) -> Key | None:
        if not _is_id(key_id):
            return None
        known = self._made.get(key_id)
        self._made[key_id] = Key(id=key_id, state=ENABLED, created=now, spec="AES_256", usage="ENCRYPT_DECRYPT")
        return known

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return (*super().listed(keys), *self._made.values())


def _error(huawei: tuple[int, str], alibaba: tuple[int, str], aws: tuple[int, str]) -> Rewrite:
    """Replace an error by the status and code that are given for the dialect of the reply."""

    def rewrite(reply: Outbound) -> Outbound:
        if "__type" in reply.value:
            return replace(reply, status=aws[0]).with_value({"__type": aws[1], "message": "other"})
        code = huawei if "error" in reply.value else alibaba
        error = {"error_code": code[1], "error_msg": "other"}
        value = {"error": error} if "error" in reply.value else {**reply.value, "Code": code[1], "HttpStatus": code[0]}
        return replace(reply, status=code[0]).with_value(value)

    return rewrite


def _of_malformed(inbound: Inbound, outbound: Outbound) -> bool:
    key = inbound.parameters.get("key_id", inbound.parameters.get("KeyId"))
    is_malformed = inbound.operation in _OPERATIONS and isinstance(key, str) and _is_malformed(key)
    return is_malformed and outbound.refusal in {"malformed_key", "unknown_key"}


def _answered(
    kind: str, title: str, error: Rewrite, *families: str, more: RequirementId | None = None
) -> tuple[Fault, ...]:
    """One fault for each operation: an unknown key is refused with this error. `families` find it beside the usual."""
    return tuple(
        _fault(
            name=f"unknown-key-{operation}-{kind}",
            title=f"{title} ({operation})",
            severity="major",
            requirements=frozenset({as_id(f"unknown-key.{operation}"), *([more] if more else [])}),
            families=(*families, *_FAMILIES),
            filters=(on_refusal("unknown_key", error, operations=operation),),
        )
        for operation in _OPERATIONS
    )


_DELETED_TOO = "Requirements about unknown keys and about deleted keys both apply."

FAULTS = (
    *_answered(
        "forbidden",
        "An unknown key is refused as forbidden.",
        # In the dialect huawei, 403 KMS.0307 would be what a policy that names keys makes of any other id.
        _error((403, "KMS.0328"), (403, "Forbidden.NoPermission"), (403, "AccessDeniedException")),
    ),
    *_answered(
        "bad-request",
        "An unknown key is refused as a bad request.",
        _error((400, "KMS.0205"), (400, "InvalidParameter"), (400, "ValidationException")),
    ),
    *_answered(
        "fails",
        "An unknown key causes an internal error.",
        _error((500, "KMS.0105"), (500, "InternalFailure"), (500, "KMSInternalException")),
        # Where reads lag as well, a new key cannot be described at first: only the first contact asks for no key.
        "contact",
    ),
    *_answered(
        "wrong-code",
        "An unknown key is refused with the documented status and another code.",
        _error((404, "KMS.0210"), (404, "Forbidden.AliasNotFound"), (400, "DisabledException")),
    ),
    *(
        _fault(
            name=f"unknown-key-{operation}-accepted",
            title=f"An unknown key is treated as an existing one ({operation}).",
            requirements=frozenset({as_id(f"unknown-key.{operation}")}),
            decisions=(inventing(_is_id, PENDING if operation == "cancel" else ENABLED, {operation}),),
            why_more=_DELETED_TOO,
        )
        for operation in _OPERATIONS
    ),
    _fault(
        name="unknown-key-is-made",
        title="A request for an unknown key creates the key.",
        requirements=frozenset({as_id(f"unknown-key.{operation}") for operation in _OPERATIONS}),
        decisions=(_Remembered,),
        why_more=_DELETED_TOO,
    ),
    _fault(
        name="unknown-key-means-all-keys",
        title="Cancelling on an unknown key is refused, but cancels the deletion of every key.",
        requirements=frozenset({"unknown-key.cancel", "isolation.other-keys"}),
        why_more="Near misses of ids are unknown keys, too: each check that sends one cancels pending keys of others.",
        families=("unknown_keys", "isolation"),
        decisions=(changing_though_refused({"unknown_key"}, with_(state=State.DISABLED, deletion=None), "cancel"),),
    ),
    *(
        _fault(
            name=f"malformed-key-{operation}-accepted",
            title=f"A malformed key id is treated as an existing key ({operation}).",
            severity="major",
            requirements=frozenset({as_id(f"malformed-key.{operation}")}),
            decisions=(
                _AnyForm,
                inventing(_is_malformed, PENDING if operation == "cancel" else ENABLED, {operation}),
            ),
        )
        for operation in _OPERATIONS
    ),
    _fault(
        name="malformed-key-fails",
        title="A malformed key id causes an internal error.",
        severity="major",
        requirements=frozenset({"reply.no-server-error"}),
        filters=(
            where(_of_malformed, _error((500, "KMS.0105"), (500, "InternalFailure"), (500, "KMSInternalException"))),
        ),
    ),
    _fault(
        name="malformed-key-undocumented-status",
        title="A malformed key id is refused with an undocumented status.",
        severity="minor",
        requirements=frozenset({"reply.status"}),
        filters=(where(_of_malformed, status(422)),),
    ),
    _fault(
        name="missing-key-wrong-code",
        title="A request without a key id is refused with the code for an unknown key.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"schedule.key-id.missing", "cancel.key-id.missing"}),
        families=("schedule", "cancel"),
        decisions=(answering(404, "KMS.0207", "missing_key"),),
    ),
    _fault(
        name="missing-key-wrong-code",
        title="A request without a key id is refused with the code for an unknown key.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.key-id.missing", "cancel.key-id.missing"}),
        families=("schedule", "cancel"),
        decisions=(answering(404, "Forbidden.KeyNotFound", "missing_key"),),
    ),
    _fault(
        name="missing-key-fails",
        title="A request without a key id causes an internal error.",
        severity="major",
        requirements=frozenset({"schedule.key-id.missing", "cancel.key-id.missing", "reply.no-server-error"}),
        families=("schedule", "cancel"),
        filters=(
            on_refusal(
                "missing_key", _error((500, "KMS.0105"), (500, "InternalFailure"), (500, "KMSInternalException"))
            ),
        ),
    ),
    _fault(
        name="unknown-key-nothing-said",
        title="A request for an unknown key is answered with 200 and an empty object.",
        requirements=frozenset({as_id(f"unknown-key.{operation}") for operation in _OPERATIONS}),
        filters=(on_refusal("unknown_key", saying(lambda _: {}), status(200)),),
        why_more="An empty object also breaks the schema of each success reply.",
    ),
    _fault(
        name="missing-key-wrong-code",
        title="A request without a key id is refused with the code for an unknown key.",
        severity="minor",
        dialects=(AWS,),
        requirements=frozenset({"schedule.key-id.missing", "cancel.key-id.missing"}),
        families=("schedule", "cancel"),
        decisions=(answering(400, "NotFoundException", "missing_key"),),
    ),
)
