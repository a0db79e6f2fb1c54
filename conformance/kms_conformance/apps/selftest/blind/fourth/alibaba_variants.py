"""The fourth blind set of variants: conforming behaviours of the Alibaba dialect.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import answering, reading_windows
from kms_conformance.apps.selftest.blind.fourth.general_variants import variant
from kms_conformance.apps.selftest.deviation import ALIBABA
from kms_conformance.apps.selftest.reply_mutations import body, field, on, on_all, on_errors, saying, without
from kms_conformance.emulator import ABSENT

_alibaba = partial(variant, of=(ALIBABA,))
_GATEWAY = "the vendor's table of gateway codes"


def _in_cdata(raw: bytes) -> bytes:
    if not raw.startswith(b"<"):
        return raw
    return re.sub(rb"<RequestId>([^<]*)</RequestId>", rb"<RequestId><![CDATA[\1]]></RequestId>", raw)


def _with_references(raw: bytes) -> bytes:
    return re.sub(rb"<(RequestId|Code)>([A-Z])", _reference, raw) if raw.startswith(b"<") else raw


def _reference(match: re.Match[bytes]) -> bytes:
    return b"<" + match[1] + b">&#" + str(match[2][0]).encode() + b";"


def _denied_detail(value: Any) -> Any:  # noqa: ANN401 - JSON
    detail = {"AuthAction": "kms:DescribeKey", "NoPermissionType": "ImplicitDeny", "AuthPrincipalType": "SubUser"}
    return {**value, "AccessDeniedDetail": detail}


ALIBABA_VARIANTS = (
    _alibaba(
        "alibaba-window-of-a-week",
        "Without a window, a key waits for 7 days.",
        "the table of the normative document, where the window is optional",
        does=(reading_windows(lambda value, rules: rules.window_minimum if value is ABSENT else None),),
    ),
    _alibaba(
        "alibaba-empty-window-is-absent",
        "With an empty or absent window, a key waits for 30 days.",
        "the table of the normative document, where the window is optional",
        does=(reading_windows(lambda value, rules: rules.window_maximum if value in {ABSENT, ""} else None),),
    ),
    _alibaba(
        "alibaba-creator-is-a-user",
        "The creator of keys is the number of a user, not that of the account.",
        "recorded replies of the service",
        on("describe create", field("KeyMetadata.Creator", lambda _: "281234567890123456")),
    ),
    _alibaba(
        "alibaba-no-reason-of-protection",
        "The metadata of keys have neither a reason for their protection nor a date of the last rotation.",
        "samples of the page on DescribeKey",
        on(
            "describe create",
            without("KeyMetadata.DeletionProtectionDescription"),
            without("KeyMetadata.LastRotationDate"),
        ),
    ),
    _alibaba(
        "alibaba-xml-cdata",
        "In XML, request ids are in CDATA sections.",
        "the XML recommendation",
        on_all(body(_in_cdata)),
    ),
    _alibaba(
        "alibaba-xml-references",
        "In XML, request ids and codes begin with a reference to a letter.",
        "the XML recommendation",
        on_all(body(_with_references)),
    ),
    _alibaba(
        "alibaba-malformed-is-denied",
        "An id that no key can have is 403 Forbidden.NoPermission.",
        "callers whose policy names keys",
        does=(answering(403, "Forbidden.NoPermission", "malformed_key"),),
    ),
    _alibaba(
        "alibaba-missing-id-is-invalid",
        "An absent or empty id is InvalidKeyId.",
        _GATEWAY,
        does=(answering(400, "InvalidKeyId", "missing_key"),),
    ),
    _alibaba(
        "alibaba-huge-window-not-parsed",
        "A window beyond every integer, or with a fraction, is ParseRequestParameterException.",
        _GATEWAY,
        does=(answering(400, "ParseRequestParameterException", "window_huge", "window_malformed"),),
    ),
    _alibaba(
        "alibaba-protected-by-own-code",
        "Deletion protection refuses with a code of its own, and status 409.",
        "the pages name no code",
        does=(answering(409, "Rejected.ProtectedKey", "deletion_protected"),),
    ),
    _alibaba(
        "alibaba-method-405",
        "Another method is 405 UnsupportedHTTPMethod, and another version 404 InvalidVersion.",
        _GATEWAY,
        does=(
            answering(405, "UnsupportedHTTPMethod", "wrong_method"),
            answering(404, "InvalidVersion", "unknown_version"),
        ),
    ),
    _alibaba(
        "alibaba-signing-403",
        "A signature of another time is 403, and an unknown access key 403 Forbidden.AccessKey.",
        _GATEWAY,
        does=(
            answering(403, "InvalidTimeStamp.Expired", "stale_signature"),
            answering(403, "Forbidden.AccessKey", "unknown_access_key"),
            answering(400, "MissingAccessKeyId", "no_credentials"),
        ),
    ),
    _alibaba(
        "alibaba-denial-explained",
        "Errors have an object with the details of a denial.",
        "the vendor's client for Java",
        on_errors(saying(_denied_detail)),
    ),
    _alibaba(
        "alibaba-cloud-by-temporary-key",
        "The public cloud's range of windows, with requests that a temporary key signs.",
        "the vendor's pages on roles",
        profile="alibaba-cloud",
        auth="sts",
    ),
)
