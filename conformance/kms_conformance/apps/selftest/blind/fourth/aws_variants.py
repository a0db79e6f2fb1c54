"""The fourth blind set of variants: conforming behaviours of the AWS dialect.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import admitting, answering, dating
from kms_conformance.apps.selftest.blind.fourth.general_variants import variant
from kms_conformance.apps.selftest.blind.third.general_variants import rewritten_json
from kms_conformance.apps.selftest.deviation import AWS
from kms_conformance.apps.selftest.reply_mutations import on_all
from kms_conformance.emulator import Decisions
from kms_conformance.emulator.messages import encode_json

_aws = partial(variant, of=(AWS,))


class _OneKeyPages(Decisions):
    """A page has one key."""

    def page_size(self, requested: int) -> int:
        return min(1, super().page_size(requested))


def _whole_numbers(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: _whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


AWS_VARIANTS = (
    _aws(
        "aws-date-20-hours-later",
        "Deletion dates are 20 hours after the end of the window.",
        "the page on deletion: the waiting period may be up to 24 hours longer than the one that was scheduled",
        does=(dating(lambda now, days: now + timedelta(days=days, hours=20)),),
    ),
    _aws(
        "aws-pages-of-one-key",
        "A page of a list has one key.",
        "the page on ListKeys, which promises no number",
        does=(_OneKeyPages,),
    ),
    _aws(
        "aws-dates-as-integers",
        "Dates have no decimal point.",
        "the specification of the JSON protocol, and replies of independent implementations",
        on_all(rewritten_json(lambda value: encode_json(_whole_numbers(value)).decode())),
    ),
    _aws(
        "aws-signing-by-query-names",
        "Problems of signing in have the names of the query protocol.",
        "the page on common errors",
        does=(
            answering(403, "MissingAuthenticationToken", "no_credentials"),
            answering(403, "InvalidClientTokenId", "unknown_access_key", "bad_token"),
            answering(403, "SignatureDoesNotMatch", "wrong_signature", "other_region"),
            answering(400, "RequestExpired", "stale_signature"),
            answering(400, "IncompleteSignature", "incomplete_signature"),
        ),
    ),
    _aws(
        "aws-malformed-is-no-arn",
        "A malformed id is InvalidArnException, and one of another type NotFoundException.",
        "the declared errors of the operations",
        does=(
            answering(400, "InvalidArnException", "malformed_key"),
            answering(400, "NotFoundException", "wrong_key_type"),
        ),
    ),
    _aws(
        "aws-body-errors-swapped",
        "A body that is no JSON is ValidationException, and an empty one SerializationException.",
        "no page names the code",
        does=(
            answering(400, "ValidationException", "invalid_json"),
            answering(400, "SerializationException", "empty_body"),
        ),
    ),
    _aws(
        "aws-unknown-operation-is-invalid-action",
        "An unknown or missing operation is InvalidAction.",
        "the page on common errors",
        does=(answering(400, "InvalidAction", "unknown_action", "missing_action"),),
    ),
    _aws(
        "aws-managed-key-unsupported",
        "Changes of an AWS managed key are UnsupportedOperationException; bad aliases are NotAuthorizedException.",
        "the declared errors of the operations",
        does=(
            answering(400, "UnsupportedOperationException", "default_key"),
            answering(400, "NotAuthorizedException", "invalid_alias"),
        ),
    ),
    _aws(
        "aws-local-emulator",
        "Every request is served, whatever its signature.",
        "emulators for local use",
        does=(
            admitting(
                *("no_credentials", "incomplete_signature", "unknown_access_key", "bad_token"),
                *("wrong_signature", "stale_signature", "other_region"),
            ),
        ),
        profile="local-emulator",
    ),
)
