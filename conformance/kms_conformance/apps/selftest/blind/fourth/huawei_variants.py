"""The fourth blind set of variants: conforming behaviours of the Huawei dialect.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import answering
from kms_conformance.apps.selftest.blind.fourth.general_variants import variant
from kms_conformance.apps.selftest.deviation import HUAWEI
from kms_conformance.apps.selftest.reply_mutations import field, on
from kms_conformance.emulator import Decisions, Key

_huawei = partial(variant, of=(HUAWEI,))
_TABLE = "the table of error codes"


class _DefaultKeysLast(Decisions):
    """Lists end with the default keys."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return sorted(super().listed(keys), key=lambda key: key.default)


def _with_milliseconds(date: str) -> str:
    return date[:-3] + "437" if date.endswith("000") else date


def _in_seconds(date: str) -> str:
    return date[:-3] if len(date) == 13 else date


HUAWEI_VARIANTS = (
    _huawei(
        "huawei-realm-of-example",
        "The realm of every key is `aaaa`.",
        "the example of the page on describe-key",
        on("describe", field("key_info.realm", lambda _: "aaaa")),
        on("list", field("key_details.realm", lambda _: "aaaa")),
    ),
    _huawei(
        "huawei-dates-with-milliseconds",
        "Dates have milliseconds that are not zero.",
        "the example of the page on describe-key, whose dates have 13 digits",
        on(
            "describe",
            field("key_info.creation_date", _with_milliseconds),
            field("key_info.scheduled_deletion_date", _with_milliseconds),
        ),
        on(
            "list",
            field("key_details.creation_date", _with_milliseconds),
            field("key_details.scheduled_deletion_date", _with_milliseconds),
        ),
    ),
    _huawei(
        "huawei-dates-in-seconds",
        "Dates are in seconds.",
        "the prose of the pages of Open Telekom Cloud",
        on(
            "describe",
            field("key_info.creation_date", _in_seconds),
            field("key_info.scheduled_deletion_date", _in_seconds),
        ),
        on(
            "list",
            field("key_details.creation_date", _in_seconds),
            field("key_details.scheduled_deletion_date", _in_seconds),
        ),
        profile="otc",
    ),
    _huawei(
        "huawei-no-window-is-bad-request-body",
        "A window that is no number or empty is KMS.0214.",
        _TABLE,
        does=(answering(400, "KMS.0214", "window_malformed", "window_empty"),),
    ),
    _huawei(
        "huawei-missing-window-is-bad-window",
        "An absent or empty window is KMS.1401.",
        _TABLE,
        does=(answering(400, "KMS.1401", "window_missing", "window_empty"),),
    ),
    _huawei(
        "huawei-unreadable-number-is-invalid-parameter",
        "A window that is negative or beyond every integer is KMS.0308.",
        _TABLE,
        does=(answering(400, "KMS.0308", "window_negative", "window_huge"),),
    ),
    _huawei(
        "huawei-lost-key-is-bad-id",
        "A ciphertext of a deleted key is KMS.0205.",
        _TABLE,
        does=(answering(400, "KMS.0205", "lost_key"),),
    ),
    _huawei(
        "huawei-other-type-is-bad-body",
        "A key id that is no text is KMS.0214, and an empty body KMS.0205.",
        _TABLE,
        does=(answering(400, "KMS.0214", "wrong_key_type"), answering(400, "KMS.0205", "empty_body")),
    ),
    _huawei(
        "huawei-no-token-0303",
        "A request without a token is 401 APIGW.0303, and a token of another project 403 KMS.0307.",
        "the page of the gateway's error codes, and the table of error codes",
        does=(answering(401, "APIGW.0303", "no_credentials"), answering(403, "KMS.0307", "wrong_project")),
    ),
    _huawei(
        "huawei-default-keys-last",
        "Lists end with the default keys.",
        "a recorded list, which is in no order",
        does=(_DefaultKeysLast,),
    ),
    _huawei(
        "huawei-cloud-by-access-key",
        "The public cloud's facts, with requests that an access key signs.",
        "the vendor's recommendation for its clients",
        profile="huawei-cloud",
        auth="aksk",
    ),
    _huawei(
        "huawei-cloud-stack",
        "The facts of a private installation, with tokens from IAM.",
        "the vendor's provider for private installations",
        profile="huawei-cloud-stack",
        auth="password",
    ),
)
