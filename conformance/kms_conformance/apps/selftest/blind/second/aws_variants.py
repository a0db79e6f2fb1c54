"""The second blind set of variants: conforming behaviours of the AWS dialect, above all other documented errors.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, answering, reading_windows
from kms_conformance.apps.selftest.blind.second.general_variants import variant, with_more
from kms_conformance.apps.selftest.deviation import AWS
from kms_conformance.apps.selftest.reply_mutations import (
    body,
    field,
    on,
    on_all,
    on_errors,
    renamed,
    saying,
    without,
)
from kms_conformance.emulator import Decisions, Inbound, Key, Outbound, Rules, State

_aws = partial(variant, of=(AWS,))


def _as_number(value: object, rules: Rules) -> int | None:
    known = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4
    return int(value) if known and rules.window_minimum <= int(value) <= rules.window_maximum else None  # type: ignore[call-overload]


class _ImportedDisabled(Decisions):
    """A key without material is disabled after a cancellation."""

    def state_after_cancel(self, key: Key) -> State:
        return DISABLED


_DATES = rb'("(?:CreationDate|DeletionDate|LastUpdatedDate)": )(\d+)\.0'


def _with_fraction(text: bytes) -> bytes:
    return re.sub(_DATES, rb"\1\2.686", text)


def _with_exponent(text: bytes) -> bytes:
    return re.sub(_DATES, lambda found: found[1] + found[2][:1] + b"." + found[2][1:] + b"E9", text)


def _typed(change: Callable[[str], str]) -> Sequence[Callable[[Inbound, Outbound], Outbound]]:
    return (on_errors(field("__type", change)),)


def _also_in_header(reply: Outbound) -> Outbound:
    return reply.with_header("x-amzn-ErrorType", str(reply.value.get("__type", "")))


def _rotation(value: Any) -> Any:  # noqa: ANN401 - JSON
    more = {"RotationPeriodInDays": 365, "NextRotationDate": 1827600000.0}
    return {**value, **more} if value["KeyRotationEnabled"] else value


AWS_VARIANTS = (
    _aws(
        "aws-pending-use-is-disabled",
        "The use of a pending key is DisabledException.",
        "the table of key states, which allows either",
        does=(answering(400, "DisabledException", "pending_use"),),
    ),
    _aws(
        "aws-signing-403",
        "Problems of signing in have the status 403.",
        "the page on common errors",
        does=(
            answering(403, "MissingAuthenticationToken", "no_credentials"),
            answering(403, "IncompleteSignature", "incomplete_signature"),
            answering(403, "InvalidClientTokenId", "unknown_access_key"),
            answering(403, "SignatureDoesNotMatch", "wrong_signature", "other_region"),
            answering(403, "RequestExpired", "stale_signature"),
        ),
    ),
    _aws(
        "aws-validation-error",
        "Bad parameters are ValidationError.",
        "the page on common errors",
        does=(
            answering(400, "ValidationError", "missing_key", "wrong_key_type", "invalid_parameter"),
            answering(
                400, "ValidationError", "window_out_of_range", "window_negative", "window_huge", "window_malformed"
            ),
        ),
    ),
    _aws(
        "aws-serialization",
        "Windows and ids of another type are SerializationException.",
        "recorded replies of the service",
        does=(
            answering(400, "SerializationException", "window_malformed", "window_huge", "wrong_key_type", "empty_body"),
        ),
    ),
    _aws(
        "aws-malformed-is-validation",
        "A malformed id, or an alias for an id, is ValidationException.",
        "replies of an independent implementation, and the page on common errors",
        does=(answering(400, "ValidationException", "malformed_key", "alias_as_key"),),
    ),
    _aws(
        "aws-alias-is-no-arn",
        "An alias for an id is InvalidArnException.",
        "the declared errors of the operations",
        does=(answering(400, "InvalidArnException", "alias_as_key", "malformed_key"),),
    ),
    _aws(
        "aws-lost-key-is-denied",
        "A ciphertext of a deleted key is AccessDeniedException.",
        "the page on policies: what cannot be seen is denied",
        does=(answering(400, "AccessDeniedException", "lost_key"),),
    ),
    _aws(
        "aws-lost-key-is-invalid",
        "A ciphertext of a deleted key is InvalidCiphertextException.",
        "the page on Decrypt",
        does=(answering(400, "InvalidCiphertextException", "lost_key"),),
    ),
    _aws(
        "aws-managed-key-not-authorized",
        "Changes of a key that AWS manages are NotAuthorizedException.",
        "a user's report, with the reply",
        does=(answering(400, "NotAuthorizedException", "default_key"),),
    ),
    _aws(
        "aws-unknown-operation-404",
        "An unknown operation is 404 UnknownOperationException.",
        "the page on common errors",
        does=(answering(404, "UnknownOperationException", "unknown_action", "missing_action"),),
    ),
    _aws(
        "aws-types-with-namespace",
        "Types of errors have a namespace.",
        "the page on the JSON protocol",
        *_typed(lambda kind: f"com.amazonaws.kms#{kind}"),
    ),
    _aws(
        "aws-message-in-capitals",
        "Errors have `Message`.",
        "recorded replies of the service",
        on_errors(renamed("message", "Message")),
    ),
    _aws(
        "aws-no-messages", "Errors have no message.", "the service model: it is optional", on_errors(without("message"))
    ),
    _aws(
        "aws-type-in-header-too",
        "Types of errors are in a header as well.",
        "the page on the JSON protocol",
        on_errors(_also_in_header),
    ),
    _aws(
        "aws-dates-with-fraction",
        "Dates have milliseconds.",
        "a reply in a user's report to an auditing tool",
        on_all(body(_with_fraction)),
    ),
    _aws(
        "aws-dates-with-exponent",
        "Dates have an exponent.",
        "RFC 8259: a number may have one",
        on_all(body(_with_exponent)),
    ),
    _aws(
        "aws-more-of-rotation",
        "The rotation status has the period and the next date.",
        "the page on GetKeyRotationStatus",
        on("rotation_status", saying(_rotation)),
    ),
    _aws(
        "aws-more-of-aliases",
        "Aliases have the dates of their creation and last change.",
        "the page on ListAliases",
        on("list_aliases", with_more("Aliases", CreationDate=1577836800.0, LastUpdatedDate=1577836800.0)),
    ),
    _aws(
        "aws-more-of-grants",
        "Grants have a name and a retiring principal.",
        "the page on ListGrants",
        on("list_grants", with_more("Grants", Name="", RetiringPrincipal="arn:aws:iam::111122223333:role/retiring")),
    ),
    _aws(
        "aws-more-metadata",
        "The metadata of keys have CurrentKeyMaterialId.",
        "the page on DescribeKey",
        on("describe create", with_more("KeyMetadata", CurrentKeyMaterialId="0" * 64)),
    ),
    _aws(
        "aws-window-as-text",
        "A window that is sent as text counts as its number.",
        "replies of independent implementations, where no page speaks of it",
        does=(reading_windows(_as_number),),
    ),
    _aws(
        "aws-imported-is-disabled",
        "A key without material is disabled after a cancellation.",
        "the page on CancelKeyDeletion",
        does=(_ImportedDisabled,),
    ),
    _aws(
        "aws-bad-alias-is-validation",
        "A bad name of an alias is ValidationException.",
        "a user's report, with the reply",
        does=(answering(400, "ValidationException", "invalid_alias"),),
    ),
)
