"""The third blind set of variants: conforming behaviours of the AWS dialect.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import answering, reading_windows
from kms_conformance.apps.selftest.blind.third.general_variants import refusing_each, variant
from kms_conformance.apps.selftest.blind.third.mixins import misreading
from kms_conformance.apps.selftest.deviation import AWS
from kms_conformance.apps.selftest.lag import flapping
from kms_conformance.apps.selftest.reply_mutations import field, on, on_all, on_errors, saying, without
from kms_conformance.emulator import Outbound, Rules

_aws = partial(variant, of=(AWS,))
_MARK = "AAAAAAAAAAk"
_PAGED = ("list", "list_aliases", "list_tags", "list_grants", "list_policies")


def _whole(value: object, rules: Rules) -> int | None:
    known = isinstance(value, float) and rules.window_minimum <= value <= rules.window_maximum
    return int(value) if known and isinstance(value, float) else None


def _null_is_text(sent: dict[str, Any]) -> Mapping[str, Any]:
    null = sent.get("PendingWindowInDays", 7) is None
    return {**sent, "PendingWindowInDays": "null"} if null else sent


def _marked(marker: str) -> str:
    return base64.b64encode(f"{_MARK}{marker}".encode()).decode()


def _unmarked(sent: dict[str, Any]) -> Mapping[str, Any]:
    marker = sent.get("Marker")
    try:
        plain = base64.b64decode(str(marker), validate=True).decode()
    except ValueError:
        return sent
    known = isinstance(marker, str) and plain.startswith(_MARK)
    return {**sent, "Marker": plain.removeprefix(_MARK)} if known else sent


def _bare(reply: Outbound) -> Outbound:
    return reply if reply.body else reply.with_header("Content-Type", None)


AWS_VARIANTS = (
    _aws(
        "aws-types-with-url",
        "Types of errors have a namespace before them and a URL behind them.",
        "the specification of the JSON protocol",
        on_errors(
            field("__type", lambda kind: f"com.amazonaws.kms#{kind}:http://internal.amazon.com/coral/com.amazon/")
        ),
    ),
    _aws(
        "aws-code-too",
        "Errors have their type in `code` as well.",
        "the specification of the JSON protocol",
        on_errors(saying(lambda value: {**value, "code": value["__type"]})),
    ),
    _aws(
        "aws-fraction-cut",
        "A window with a fraction counts as the whole days in it.",
        "replies of independent implementations, where no page speaks of it",
        does=(reading_windows(_whole),),
    ),
    _aws(
        "aws-null-window-refused",
        "A window that is null is refused.",
        "no page speaks of it",
        does=(misreading({"schedule"}, _null_is_text),),
    ),
    _aws(
        "aws-no-deprecated-field",
        "The metadata of keys lack CustomerMasterKeySpec.",
        "the page on KeyMetadata, which calls the field deprecated",
        on("describe create", without("KeyMetadata.CustomerMasterKeySpec")),
    ),
    _aws(
        "aws-belongings-backwards",
        "Aliases and grants are listed in reverse order on each page.",
        "the pages promise no order",
        on("list_aliases", field("Aliases", lambda aliases: aliases[::-1])),
        on("list_grants", field("Grants", lambda grants: grants[::-1])),
    ),
    _aws(
        "aws-operations-sorted",
        "The operations of a grant are sorted.",
        "the pages promise no order",
        on("list_grants", field("Grants.Operations", sorted)),
    ),
    _aws(
        "aws-policy-indented",
        "The policy of a key reads back with other white space.",
        "recorded replies of the service",
        on("get_policy", field("Policy", lambda policy: json.dumps(json.loads(policy), indent=2))),
    ),
    _aws(
        "aws-opaque-markers",
        "Markers are long texts that tell nothing.",
        "recorded replies of the service",
        on(" ".join(_PAGED), field("NextMarker", _marked)),
        does=(misreading(_PAGED, _unmarked),),
    ),
    _aws("aws-empty-without-type", "Empty replies have no Content-Type.", "RFC 9110", on_all(_bare)),
    _aws(
        "aws-dependency-timeout-now-and-then",
        "One of 220 requests is answered with DependencyTimeoutException.",
        "the declared errors of the operations, which can be retried",
        does=(refusing_each("internal_error", 220), answering(500, "DependencyTimeoutException", "internal_error")),
    ),
    _aws(
        "aws-unavailable-now-and-then",
        "One of 220 requests is answered with 503 ServiceUnavailable.",
        "the page on common errors",
        does=(refusing_each("internal_error", 220), answering(503, "ServiceUnavailable", "internal_error")),
    ),
    _aws(
        "aws-reads-flap",
        "Every second read is a second behind.",
        "the page on eventual consistency, and waits of a well-known client",
        does=(flapping(1.0),),
        profile="aws-kms",
    ),
    _aws(
        "aws-throttled-429",
        "One of 150 requests is refused by the throttle, with status 429.",
        "gateways in front of endpoints",
        does=(refusing_each("throttled", 150), answering(429, "ThrottlingException", "throttled")),
    ),
    _aws(
        "aws-temporary-key-and-others",
        "The account has eight keys of other users, and requests have a temporary key.",
        "ordinary accounts",
        foreign_keys=8,
        auth="sts",
    ),
)
