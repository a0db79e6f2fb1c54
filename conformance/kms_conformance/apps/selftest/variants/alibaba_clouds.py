"""Variants of Alibaba Cloud and its private installations: answers that their pages, recordings and users report."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import Mixin, answering
from kms_conformance.apps.selftest.deviation import ALIBABA, Variant
from kms_conformance.apps.selftest.reply_mutations import saying, where
from kms_conformance.emulator import Decisions, Inbound, Outbound

_PUBLIC, _PRIVATE = "alibaba-cloud", "apsara-stack"
_WITHOUT_A_PAGE = frozenset(
    {
        "tag",
        "list_tags",
        "set_deletion_protection",
        "regions",
        "account_status",
        "generate_data_key_without_plaintext",
    }
)


def _without(operations: Collection[str]) -> Mixin:
    """The installation does not have these operations."""

    class Without(Decisions):
        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return "unknown_action" if inbound.operation in operations else super().signature_problem(found, inbound)

    return Without


class _GatewayCodes(Decisions):
    """The gateway refuses parameters, and puts their names into its codes."""

    def answer(self, refusal: str) -> Any:  # noqa: ANN401 - a `RefusalAnswer`
        codes = {
            "missing_key": "MissingKeyId",
            "window_missing": "MissingPendingWindowInDays",
            "window_empty": "MissingPendingWindowInDays",
            "window_out_of_range": "InvalidPendingWindowInDays",
            "window_huge": "InvalidPendingWindowInDays",
            "window_malformed": "InvalidPendingWindowInDays",
        }
        answer = super().answer(refusal)
        return replace(answer, status=400, code=codes[refusal]) if refusal in codes else answer


class _InInstancesOnly(Decisions):
    """Keys are created in an instance only."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        outside = inbound.operation == "create" and not inbound.parameters.get("DKMSInstanceId")
        return "instance_needed" if outside else super().signature_problem(found, inbound)


class _NamesServed(Decisions):
    """An alias or an ARN names a key wherever an id does."""

    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        served = found in {"alias_as_key", "arn_as_key"}
        return None if served else super().parameter_problem(found, name, value)


def _of_others(inbound: Inbound, outbound: Outbound) -> bool:
    described = outbound.value.get("KeyMetadata", {}) if isinstance(outbound.value, dict) else {}
    return inbound.operation == "describe" and described.get("Description") == "Not yours."


def _unusual(value: dict[str, Any]) -> dict[str, Any]:
    """A key of a kind that the pages of the lifecycle do not describe."""
    further = {"KeyState": "Unavailable", "AutomaticRotation": "Unsupported", "DeletionProtection": "Unsupported"}
    return {**value, "KeyMetadata": {**value["KeyMetadata"], **further, "KeyStorageMechanism": "HsmInternal"}}


def _in_xml(inbound: Inbound, _: Outbound) -> bool:
    return str(inbound.parameters.get("Format", "")).upper() == "XML"


def _as_json(reply: Outbound) -> Outbound:
    changed = replace(reply, body=json.dumps(reply.value).encode())
    return changed.with_header("Content-Type", "application/json;charset=utf-8")


def _variant(name: str, title: str, profile: str, **further: Any) -> Variant:  # noqa: ANN401 - fields of a variant
    return Variant(name, title, (ALIBABA,), profile=profile, about="profile", alone=True, **further)


ALIBABA_CLOUDS: tuple[Variant, ...] = (
    _variant("gateway-codes", "The gateway names parameters in its codes.", _PUBLIC, decisions=(_GatewayCodes,)),
    _variant(
        "resource-not-found",
        "An unknown key is an unknown resource.",
        _PUBLIC,
        decisions=(answering(404, "Forbidden.ResourceNotFound", "unknown_key", "malformed_key", "lost_key"),),
    ),
    _variant(
        "methods-refused-by-the-gateway",
        "The gateway refuses other methods with 400.",
        _PUBLIC,
        decisions=(answering(400, "UnsupportedHTTPMethod", "wrong_method"),),
    ),
    *(
        _variant(
            f"token-mismatch-{status}",
            f"A security token beside another access key is refused with {status}.",
            _PUBLIC,
            auth="sts",
            decisions=(answering(status, "InvalidSecurityToken.MismatchWithAccessKey", "unknown_access_key"),),
        )
        for status in (400, 403)
    ),
    _variant(
        "unusual-other-keys",
        "Keys of others are of a kind that the pages do not describe.",
        _PUBLIC,
        filters=(where(_of_others, saying(_unusual)),),
    ),
    _variant("json-only", "Replies are JSON, whatever Format says.", _PUBLIC, filters=(where(_in_xml, _as_json),)),
    _variant(
        "alias-unsupported",
        "An alias in place of the id is refused with a code of its own.",
        _PUBLIC,
        decisions=(answering(400, "Unsupported.Alias", "alias_as_key"),),
    ),
    _variant("every-name-served", "An alias or an ARN names a key as its id does.", _PUBLIC, decisions=(_NamesServed,)),
    _variant(
        "keys-in-an-instance",
        "Keys are created in an instance only, which the target file names.",
        _PUBLIC,
        decisions=(_InInstancesOnly,),
        further={"instance_id": "kst-emu0123456789abcdef"},
    ),
    _variant(
        "action-refused-otherwise",
        "An unknown or missing action is refused with a code that no page has.",
        _PUBLIC,
        decisions=(answering(400, "InvalidAction", "unknown_action", "missing_action"),),
    ),
    _variant(
        "protection-refused-otherwise",
        "A protected key is refused with a code that no page has.",
        _PUBLIC,
        decisions=(answering(409, "Rejected.KeyProtected", "deletion_protected"),),
    ),
    *(
        _variant(
            f"only-what-has-a-page-{profile}",
            "The installation lacks what the normative document does not speak of.",
            profile,
            decisions=(_without(_WITHOUT_A_PAGE),),
        )
        for profile in ("documents", _PUBLIC)
    ),
    _variant(
        "private-installation",
        "A private installation lacks aliases, descriptions and more.",
        _PRIVATE,
        decisions=(_without(_WITHOUT_A_PAGE | {"update_description", "set_alias", "delete_alias"}),),
    ),
)
