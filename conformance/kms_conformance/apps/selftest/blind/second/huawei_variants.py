"""The second blind set of variants: conforming behaviours of the Huawei dialect, above all other documented errors.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import answering
from kms_conformance.apps.selftest.blind.second.general_variants import ignoring, variant, with_more
from kms_conformance.apps.selftest.deviation import HUAWEI
from kms_conformance.apps.selftest.reply_mutations import (
    header,
    on,
    on_all,
    saying,
    without,
)
from kms_conformance.emulator import Decisions, Inbound

_huawei = partial(variant, of=(HUAWEI,))

_SIGNING = ("no_credentials", "bad_token", "expired_token", "wrong_project")
_SIGNATURE = ("unknown_access_key", "wrong_signature", "stale_signature")
_WINDOW = ("window_negative", "window_huge", "window_malformed", "window_empty", "window_missing")


class _NumbersRefused(Decisions):
    """A window that is a JSON number is refused, because a text is documented."""

    def window_problem(self, value: object) -> str | None:
        return "window_other_type" if isinstance(value, int) else super().window_problem(value)


class _UnknownFieldsRefused(Decisions):
    """A field that is not documented is refused."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        strict = inbound.operation in {"describe", "schedule", "cancel"}
        known = {"key_id", "sequence", "pending_days"}
        refused = found is None and strict and not set(inbound.parameters) <= known
        return "unknown_field" if refused else super().token_problem(found, inbound)


_DETAILS = {
    "key_rotation_enabled": "false",
    "sys_enterprise_project_id": "0",
    "keystore_id": "0",
    "partition_type": "1",
    "keystore_type": "default",
    "key_label": "",
}
_OPTIONAL = ("key_spec", "key_usage", "expiration_time", "origin")

HUAWEI_VARIANTS = (
    _huawei(
        "huawei-signing-at-gateway",
        "All problems of signing in are 401 APIGW.0301.",
        "recorded replies of Huawei Cloud",
        does=(answering(401, "APIGW.0301", *_SIGNING, *_SIGNATURE),),
    ),
    _huawei(
        "huawei-signing-at-other-gateway",
        "All problems of signing in are 401 APIG.0301.",
        "the vendor's pages of other regions",
        does=(answering(401, "APIG.0301", *_SIGNING, *_SIGNATURE),),
    ),
    _huawei(
        "huawei-signing-at-iam",
        "All problems of signing in come in the form of IAM.",
        "the vendor's pages on IAM",
        does=(answering(401, "401", *_SIGNING, *_SIGNATURE),),
    ),
    _huawei(
        "huawei-signing-403",
        "All problems of signing in are 403 KMS.0302.",
        "the table of error codes",
        does=(answering(403, "KMS.0302", "no_credentials", "bad_token", "expired_token", *_SIGNATURE),),
    ),
    _huawei(
        "huawei-token-to-be-updated",
        "A token that is unknown or has expired is 401 APIGW.0307.",
        "the page on the gateway's errors",
        does=(answering(401, "APIGW.0307", "bad_token", "expired_token", "wrong_project"),),
    ),
    _huawei(
        "huawei-malformed-is-unknown",
        "A malformed id is 404 KMS.0207.",
        "a key of this name does not exist, by the table of codes",
        does=(answering(404, "KMS.0207", "malformed_key"),),
    ),
    _huawei(
        "huawei-malformed-is-invalid-parameter",
        "A malformed id, or one of another type, is KMS.0308.",
        "the table of error codes",
        does=(answering(400, "KMS.0308", "malformed_key", "wrong_key_type"),),
    ),
    _huawei(
        "huawei-bad-window-is-invalid-parameter",
        "A window that is no number, absent or empty is KMS.0308.",
        "the table of error codes",
        does=(answering(400, "KMS.0308", *_WINDOW),),
    ),
    _huawei(
        "huawei-bad-window-is-bad-parameter",
        "A window that is no number or empty is KMS.0204.",
        "the table of error codes",
        does=(answering(400, "KMS.0204", *_WINDOW),),
    ),
    _huawei(
        "huawei-pending-by-operation",
        "On a pending key, enabling is KMS.1201, disabling KMS.1301, and changing names KMS.1402.",
        "the table of error codes, row by row",
        does=(
            answering(400, "KMS.1201", "pending_enable"),
            answering(400, "KMS.1301", "pending_disable"),
            answering(400, "KMS.1402", "pending_update"),
        ),
    ),
    _huawei(
        "huawei-lost-key-is-invalid-ciphertext",
        "A ciphertext of a deleted key is KMS.2201.",
        "the table of error codes",
        does=(answering(400, "KMS.2201", "lost_key"),),
    ),
    _huawei(
        "huawei-no-json-214",
        "A body that is no JSON is KMS.0214, and an empty one KMS.0202.",
        "the table of error codes",
        does=(answering(400, "KMS.0214", "invalid_json"), answering(400, "KMS.0202", "empty_body")),
    ),
    _huawei(
        "huawei-no-such-path",
        "An unknown path is 400 KMS.0201, and a wrong method 404 APIGW.0101.",
        "the table of error codes and the page on the gateway",
        does=(answering(400, "KMS.0201", "unknown_path"), answering(404, "APIGW.0101", "wrong_method")),
    ),
    _huawei(
        "huawei-missing-is-invalid",
        "A missing id is KMS.0205.",
        "the table of error codes",
        does=(answering(400, "KMS.0205", "missing_key"),),
    ),
    _huawei(
        "huawei-sequence-not-checked",
        "A sequence of any length is ignored.",
        "the page does not say that it is checked",
        does=(ignoring("bad_sequence"),),
    ),
    _huawei(
        "huawei-number-refused",
        "A window that is a JSON number is refused.",
        "the table of parameters, which asks for a string",
        does=(_NumbersRefused,),
    ),
    _huawei(
        "huawei-unknown-field-refused",
        "A field that is not documented is refused.",
        "the table of error codes",
        does=(_UnknownFieldsRefused,),
    ),
    _huawei(
        "huawei-recorded-details",
        "The details of keys have the fields of Huawei Cloud.",
        "recorded replies of Huawei Cloud",
        on("describe", with_more("key_info", **_DETAILS)),
        on("list", with_more("key_details", **_DETAILS)),
    ),
    _huawei(
        "huawei-few-details",
        "The details of keys lack the fields that the page's example lacks.",
        "the example of the page on describing a key",
        on("describe", *(without(f"key_info.{name}") for name in _OPTIONAL)),
        on("list", *(without(f"key_details.{name}") for name in _OPTIONAL)),
    ),
    _huawei(
        "huawei-no-request-id",
        "Replies have no X-Request-Id.",
        "the pages do not list it",
        on_all(header("X-Request-Id", None)),
    ),
    _huawei(
        "huawei-charset-in-replies",
        "Replies are declared as application/json;charset=UTF-8.",
        "the vendor's client, which declares its own bodies so",
        on_all(header("Content-Type", "application/json;charset=UTF-8")),
    ),
    _huawei(
        "huawei-list-without-total",
        "Lists have no total.",
        "older models of the vendor's clients",
        on("list", without("total")),
    ),
    _huawei(
        "huawei-acted-on-with-more",
        "The replies to schedule and cancel have further fields.",
        "newer editions of the pages, which add fields",
        on("schedule cancel", saying(lambda value: {**value, "key_label": "", "region_id": "eu-de"})),
    ),
)
