"""Variants of the Huawei dialect that answer as real clouds do, each under the profile of its cloud."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import Mixin, answering
from kms_conformance.apps.selftest.deviation import HUAWEI, Variant
from kms_conformance.apps.selftest.reply_mutations import on, on_refusal, saying, status, where
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Filter, Inbound, Key, Outbound, Rules

_OTC, _CLOUD, _ENGINE = "otc", "huawei-cloud", "flexible-engine"
# The vendor's page: more bad signatures in a row than this lock an access key, for all who use it.
_MOST_BAD_SIGNATURES = 5
_TOKENS = ("bad_token", "expired_token", "wrong_project")
_SIGN_IN = ("no_credentials", *_TOKENS, "unknown_access_key", "wrong_signature", "stale_signature")


def _invalid(code: str) -> Mixin:
    """Negative windows, windows beyond every integer, and malformed ids are refused with this code."""

    class Invalid(Decisions):
        def window_problem(self, value: object) -> str | None:
            text = str(value)
            odd = text.startswith("-") or (text.isdigit() and len(text) > 9)
            return "invalid_parameter" if odd else super().window_problem(value)

        def parameter_problem(self, found: str, name: str, value: object) -> str | None:
            return "invalid_parameter" if found == "malformed_key" else super().parameter_problem(found, name, value)

    return type("Invalid", (Invalid, answering(400, code, "invalid_parameter")), {})


def _of_others(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Change the details of the keys of others, in a reply to describe or list."""

    def changed(details: dict[str, Any]) -> dict[str, Any]:
        ours = str(details.get("key_alias", "")).startswith(MARKER_PREFIX) or MARKER_PREFIX in details.get(
            "key_description", ""
        )
        return details if ours else change(details)

    return _of_details(changed)


def _of_details(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Change the details of every key, in a reply to describe or list."""

    def changed(value: dict[str, Any]) -> dict[str, Any]:
        if "key_info" in value:
            return {**value, "key_info": change(value["key_info"])}
        return {**value, "key_details": [change(details) for details in value["key_details"]]}

    return changed


def _in_seconds(details: dict[str, Any]) -> dict[str, Any]:
    dates = {name: details[name][:-3] for name in ("creation_date", "scheduled_deletion_date")}
    return {**details, **dates}


def _recorded_fields(details: dict[str, Any]) -> dict[str, Any]:
    more = {"keystore_type": "DEFAULT", "multi_region_key_type": "SINGLE", "key_rotation_enabled": "false"}
    pending = {"pending_days": "8" if details["key_state"] == "4" else "", "keystore_id": "0", "partition_type": "1"}
    return {**details, **more, **pending, "sys_enterprise_project_id": "0", "key_label": ""}


def _takes_alias_of_pending_key() -> Filter:
    """A create with the alias of another key succeeds, and its reply names that key."""
    named: dict[object, Outbound] = {}

    def filter_(inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != "create":
            return outbound
        alias = inbound.parameters.get("key_alias")
        if outbound.refusal is None:
            named[alias] = outbound
        return named.get(alias, outbound) if outbound.refusal == "duplicate_alias" else outbound

    return filter_


class _ActivatedLate(Decisions):
    """A new key is in the state 1, to be activated, for 0.3 s."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._new: dict[str, float] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "create":
            self._new[after.id] = REAL.monotonic() + 0.3
        return super().effects(operation, before, after, keys)

    def is_activated(self, key_id: str) -> bool:
        return REAL.monotonic() >= self._new.get(key_id, 0.0)


def _activating() -> tuple[type[Decisions], Filter]:
    """The decisions and the filter of a service that activates new keys late."""
    served: list[_ActivatedLate] = []

    class Activating(_ActivatedLate):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            served.append(self)

    def shown(value: dict[str, Any]) -> dict[str, Any]:
        info = value["key_info"]
        activated = served[-1].is_activated(info["key_id"])
        return value if activated else {**value, "key_info": {**info, "key_state": "1"}}

    return Activating, on("describe", saying(shown))


def _absent(*operations: str) -> Filter:
    """These operations do not exist: the gateway answers."""
    gone = {"error_msg": "The API does not exist", "error_code": "APIGW.0101", "request_id": "0" * 32}
    return where(
        lambda i, _: i.operation in operations,
        lambda reply: replace(reply, status=404, refusal="unknown_path").with_value(gone),
    )


class _TypeDemanded(Decisions):
    """A POST without Content-Type is refused."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        untyped = inbound.method == "POST" and inbound.header("Content-Type") is None
        return "no_content_type" if untyped else super().token_problem(found, inbound)


class _KeyLocked(Decisions):
    """After more than five bad signatures in a row, no signature of the access key is valid any more."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._bad_in_a_row = 0

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().signature_problem(found, inbound)
        if self._bad_in_a_row > _MOST_BAD_SIGNATURES:
            return problem or "wrong_signature"
        self._bad_in_a_row = 0 if problem is None else self._bad_in_a_row + 1
        return problem


def _cloud(name: str, title: str, profile: str, *decisions: Mixin, filters: tuple[Filter, ...] = ()) -> Variant:
    return Variant(name, title, (HUAWEI,), decisions, filters, profile=profile, about="profile")


_LATE, _LATE_READ = _activating()

HUAWEI_CLOUDS: tuple[Variant, ...] = (
    _cloud(
        "gateway-without-code",
        "The gateway answers an unknown path with a message and a request id alone.",
        _OTC,
        filters=(
            on_refusal(
                "unknown_path",
                saying(lambda _: {"message": "no Route matched", "request_id": "0" * 32}),
                status(404),
            ),
        ),
    ),
    _cloud(
        "gateway-apig",
        "The codes of the gateway begin with APIG.",
        _CLOUD,
        answering(404, "APIG.0101", "unknown_path", "wrong_method"),
        answering(401, "APIG.0301", *_SIGN_IN),
    ),
    _cloud(
        "token-to-be-updated",
        "The gateway asks for a newer token.",
        _CLOUD,
        answering(401, "APIGW.0307", *_TOKENS),
    ),
    *(
        _cloud(
            f"sign-in-form-of-iam-{profile}",
            "Bad credentials are answered in the form of the identity service.",
            profile,
            filters=(
                on_refusal(
                    " ".join(_SIGN_IN),
                    saying(lambda _: {"error": {"code": 401, "message": "x", "title": "Unauthorized"}}),
                    status(401),
                ),
            ),
        )
        for profile in (_OTC, _CLOUD)
    ),
    _cloud(
        "unknown-key-is-invalid",
        "An unknown key is refused as an invalid id.",
        _OTC,
        answering(400, "KMS.0205", "unknown_key", "lost_key"),
    ),
    *(
        _cloud(
            f"invalid-by-{code[-4:]}", f"Malformed ids and odd windows are refused with {code}.", _OTC, _invalid(code)
        )
        for code in ("KMS.0308", "KMS.0202", "KMS.0204")
    ),
    _cloud(
        "keys-of-others-in-unlisted-states",
        "The keys of others are in states that no page lists.",
        _CLOUD,
        filters=(
            on(
                "describe list",
                saying(_of_others(lambda d: {**d, "key_state": "9", "default_key_flag": "2"})),
            ),
        ),
    ),
    _cloud(
        "keys-of-others-frozen",
        "The keys of others are frozen.",
        _CLOUD,
        filters=(on("describe list", saying(_of_others(lambda d: {**d, "key_state": "7"}))),),
    ),
    _cloud(
        "recorded-fields",
        "Keys have the fields of recorded replies.",
        _CLOUD,
        filters=(on("describe list", saying(_of_details(_recorded_fields))),),
    ),
    _cloud(
        "alias-of-another-key",
        "A create with the alias of another key names that key.",
        _OTC,
        filters=(_takes_alias_of_pending_key(),),
    ),
    _cloud(
        "dates-in-seconds",
        "Dates are seconds since 1970.",
        _OTC,
        filters=(on("describe list", saying(_of_details(_in_seconds))),),
    ),
    replace(
        _cloud("access-key-locked", "More than five bad signatures in a row lock the access key.", _CLOUD, _KeyLocked),
        auth="aksk",
    ),
    _cloud("type-demanded", "A request without Content-Type is refused.", _OTC, _TypeDemanded),
    _cloud("activated-late", "A new key is activated late.", _CLOUD, _LATE, filters=(_LATE_READ,)),
    _cloud(
        "no-encryption",
        "The service has data keys, but neither encrypts nor decrypts, and counts no keys.",
        _ENGINE,
        filters=(_absent("encrypt", "decrypt", "quotas", "instances"),),
    ),
)
