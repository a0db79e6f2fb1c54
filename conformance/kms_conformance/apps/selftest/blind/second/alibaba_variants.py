"""The second blind set of variants: conforming behaviours of the Alibaba dialect, above all other documented errors.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, answering
from kms_conformance.apps.selftest.blind.memory import Memory
from kms_conformance.apps.selftest.blind.second.general_variants import ignoring, variant, with_more
from kms_conformance.apps.selftest.deviation import ALIBABA
from kms_conformance.apps.selftest.reply_mutations import (
    body,
    field,
    header,
    on,
    on_all,
    on_errors,
    saying,
    where,
    without,
)
from kms_conformance.emulator import ABSENT, Decisions, Inbound, Key, Outbound, Rules, State

_alibaba = partial(variant, of=(ALIBABA,))


class _WindowNotRequired(Decisions):
    """Without a window, a key waits for 30 days."""

    def window_problem(self, value: object) -> str | None:
        return None if value is ABSENT else super().window_problem(value)

    def window_days(self, value: object) -> int:
        return 30 if value is ABSENT else super().window_days(value)


class _DisabledStaysDisabled(Memory):
    """A key that was disabled when it was scheduled is disabled after a cancellation."""

    def state_after_cancel(self, key: Key) -> State:
        return DISABLED if self.was_disabled(key) else super().state_after_cancel(key)


class _NoncesForgotten(Decisions):
    """Nonces are not remembered."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return super().signature_problem(None if found == "replayed_nonce" else found, inbound)


def _roots(success: str, error: str) -> type[Decisions]:
    class Roots(Decisions):
        def __init__(self, rules: Rules) -> None:
            super().__init__(replace(rules, xml_success_root=success, xml_error_root=error))

    return Roots


def _xml(change: Callable[[bytes], bytes]) -> Callable[[Inbound, Outbound], Outbound]:
    return where(lambda _, reply: reply.body.startswith(b"<"), body(change))


def _small_id(reply: Outbound) -> Outbound:
    number = str(reply.value.get("RequestId", "")).lower()
    return reply.with_value({**reply.value, "RequestId": number}).with_header("x-acs-request-id", number)


def _empty_date(value: Any) -> Any:  # noqa: ANN401 - JSON
    return {"DeleteDate": "", **value}


_GATEWAY_FIELDS = {"HostId": "kms.cn-hangzhou.aliyuncs.com", "Recommend": "https://api.alibabacloud.com/troubleshoot"}

ALIBABA_VARIANTS = (
    _alibaba(
        "alibaba-names-in-codes",
        "Codes of parameters have the parameter's name: MissingKeyId, InvalidPendingWindowInDays.",
        "the gateway's table of errors",
        does=(
            answering(400, "MissingKeyId", "missing_key"),
            answering(400, "MissingPendingWindowInDays", "window_missing", "window_empty"),
            answering(
                400,
                "InvalidPendingWindowInDays",
                *("window_out_of_range", "window_negative", "window_huge", "window_malformed"),
            ),
        ),
    ),
    _alibaba(
        "alibaba-format-of-parameter",
        "A window that is no number is InvalidParameter.Format.",
        "the gateway's table of errors",
        does=(answering(400, "InvalidParameter.Format", "window_malformed", "window_huge", "window_empty"),),
    ),
    _alibaba(
        "alibaba-all-invalid-parameter",
        "Absent parameters are InvalidParameter.",
        "recorded replies of 2019",
        does=(answering(400, "InvalidParameter", "missing_key", "window_missing", "window_empty", "missing_action"),),
    ),
    _alibaba(
        "alibaba-window-not-required",
        "Without a window, a key waits for 30 days.",
        "the normative document's table and sample request",
        does=(_WindowNotRequired,),
    ),
    _alibaba(
        "alibaba-malformed-is-invalid",
        "A malformed id is InvalidParameter, and an alias or ARN for an id InvalidKeyId.",
        "the gateway's table of errors",
        does=(
            answering(400, "InvalidParameter", "malformed_key"),
            answering(400, "InvalidKeyId", "alias_as_key", "arn_as_key"),
        ),
    ),
    _alibaba(
        "alibaba-alias-unsupported",
        "An alias for an id is Unsupported.Alias.",
        "the vendor's API Error Center",
        does=(answering(400, "Unsupported.Alias", "alias_as_key", "arn_as_key"),),
    ),
    _alibaba(
        "alibaba-arn-accepted",
        "Scheduling and cancelling take the key's ARN.",
        "newer pages, on which a key id may be an ARN",
        does=(ignoring("arn_as_key"),),
    ),
    _alibaba(
        "alibaba-signature-403",
        "A wrong signature is 403, and one of another time IllegalTimestamp.",
        "the pages of other products of the vendor, and the service's own list",
        does=(
            answering(403, "SignatureDoesNotMatch", "wrong_signature"),
            answering(400, "IllegalTimestamp", "stale_signature"),
        ),
    ),
    _alibaba(
        "alibaba-incomplete-signature",
        "A request without credentials, or with a wrong signature, is IncompleteSignature.",
        "the service's list of errors",
        does=(answering(400, "IncompleteSignature", "no_credentials", "wrong_signature"),),
    ),
    _alibaba(
        "alibaba-inactive-access-key",
        "An unknown access key is 400 InvalidAccessKeyId.NotFound.",
        "the gateway's table of errors",
        does=(answering(400, "InvalidAccessKeyId.NotFound", "unknown_access_key", "no_credentials"),),
    ),
    _alibaba(
        "alibaba-no-such-api",
        "An unknown action or version is InvalidApi.NotFound.",
        "the gateway's table of errors",
        does=(answering(404, "InvalidApi.NotFound", "unknown_action", "missing_action", "unknown_version"),),
    ),
    _alibaba(
        "alibaba-method-400",
        "Another method is 400 UnsupportedHTTPMethod.",
        "the service's list of errors",
        does=(answering(400, "UnsupportedHTTPMethod", "wrong_method"),),
    ),
    _alibaba(
        "alibaba-gateway-errors",
        "Errors have HostId and Recommend, and no HttpStatus.",
        "recorded replies of the gateway",
        on_errors(saying(lambda value: {**value, **_GATEWAY_FIELDS}), without("HttpStatus")),
    ),
    _alibaba(
        "alibaba-protected-403",
        "Deletion protection refuses with 403 Forbidden.NoPermission.",
        "the service's list of errors",
        does=(answering(403, "Forbidden.NoPermission", "deletion_protected"),),
    ),
    _alibaba(
        "alibaba-lost-key-is-invalid",
        "A ciphertext of a deleted key is InvalidParameter.",
        "the page on Decrypt",
        does=(answering(400, "InvalidParameter", "lost_key"),),
    ),
    _alibaba(
        "alibaba-id-in-body-only",
        "The request id is in the body only.",
        "the normative document, which knows no header",
        on_all(header("x-acs-request-id", None)),
    ),
    _alibaba(
        "alibaba-small-request-ids",
        "Request ids are in small letters.",
        "the normative document's sample",
        on_all(_small_id),
    ),
    _alibaba(
        "alibaba-trace-headers",
        "Replies have the headers of the gateway, such as x-acs-trace-id.",
        "recorded replies of the gateway",
        on_all(
            header("x-acs-trace-id", "0f1b3a6ad3d8a1e7"),
            header("Access-Control-Allow-Origin", "*"),
            header("ETag", "1w"),
        ),
    ),
    _alibaba(
        "alibaba-no-charset",
        "JSON is declared without a charset.",
        "the vendor's samples",
        where(lambda _, reply: reply.body.startswith(b"{"), header("Content-Type", "application/json")),
    ),
    _alibaba(
        "alibaba-xml-roots-of-actions",
        "The root of XML is named after the action, or Error.",
        "newer pages, and the official client's reading of errors",
        does=(_roots("{action}Response", "Error"),),
    ),
    _alibaba(
        "alibaba-xml-without-declaration",
        "XML has no declaration.",
        "the normative document's sample",
        _xml(lambda text: re.sub(rb"^<\?xml[^>]*>", b"", text)),
    ),
    _alibaba(
        "alibaba-xml-indented",
        "XML is indented.",
        "the normative document's sample",
        _xml(lambda text: re.sub(rb">(?=<(?![/?]))", b">\n      ", text) + b"\n"),
    ),
    _alibaba(
        "alibaba-empty-delete-date",
        "A key that is not pending has an empty DeleteDate.",
        "older samples of DescribeKey",
        on("describe", field("KeyMetadata", _empty_date)),
    ),
    _alibaba(
        "alibaba-more-metadata",
        "The metadata of keys have RotationInterval, NextRotationDate and KeyStorageMechanism.",
        "the page on DescribeKey and the newest official client",
        on(
            "describe create",
            with_more(
                "KeyMetadata",
                RotationInterval="31536000s",
                NextRotationDate="2027-11-30T08:00:00Z",
                KeyStorageMechanism="HsmInternal",
            ),
        ),
    ),
    _alibaba(
        "alibaba-disabled-stays-disabled",
        "After a cancellation, a key that was disabled before is disabled.",
        "the pages leave the case open",
        does=(_DisabledStaysDisabled,),
    ),
    _alibaba(
        "alibaba-nonces-forgotten",
        "Nonces are not remembered.",
        "the service's common parameters lack them",
        does=(_NoncesForgotten,),
    ),
)
