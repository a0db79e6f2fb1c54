"""The third blind set of variants: conforming behaviours of the Alibaba dialect.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import answering
from kms_conformance.apps.selftest.blind.third.general_variants import refusing_each, variant
from kms_conformance.apps.selftest.deviation import ALIBABA
from kms_conformance.apps.selftest.reply_mutations import body, field, on, on_all, on_refusal, where, without
from kms_conformance.emulator import Decisions, Inbound, Outbound, Refused

_alibaba = partial(variant, of=(ALIBABA,))
_UUID = re.compile(rb"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})")
_NEW_ID = re.compile(r"key-([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")


class _NewIds(Decisions):
    """Keys have ids such as `key-` and 32 letters and digits."""

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        named = {"KeyId", "ProtectedResourceArn"}
        old = super().parameters(operation, sent)
        return {n: _NEW_ID.sub(r"\1-\2-\3-\4-\5", v) if n in named else v for n, v in old.items()}


class _FewActions(Decisions):
    """Regions and the status of the account cannot be asked for."""

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        if operation in {"regions", "account_status"}:
            raise Refused("lacking_operation")
        return super().parameters(operation, sent)


def _xml(change: Callable[[bytes], bytes]) -> Callable[[Inbound, Outbound], Outbound]:
    return where(lambda _, reply: reply.body.startswith(b"<"), body(change))


_OLDER = ("MaterialExpireTime", "LastRotationDate", "DeletionProtectionDescription", "AutomaticRotation")

ALIBABA_VARIANTS = (
    _alibaba(
        "alibaba-quota-429",
        "One of 130 requests is refused by the quota: 429 Rejected.Throttling.",
        "the page on limits",
        does=(refusing_each("throttled", 130), answering(429, "Rejected.Throttling", "throttled")),
    ),
    _alibaba(
        "alibaba-throttled-by-user",
        "One of 130 requests is refused by the gateway: 400 Throttling.User.",
        "the gateway's table of errors",
        does=(refusing_each("throttled", 130), answering(400, "Throttling.User", "throttled")),
    ),
    _alibaba(
        "alibaba-unavailable-now-and-then",
        "One of 220 requests is answered with 503 ServiceUnavailableTemporary.",
        "the service's list of errors",
        does=(refusing_each("internal_error", 220), answering(503, "ServiceUnavailableTemporary", "internal_error")),
    ),
    _alibaba(
        "alibaba-key-ids-of-today",
        "Keys have ids that begin with `key-` and have no form of a UUID.",
        "newer pages of the service",
        on_all(body(lambda content: _UUID.sub(rb"key-\1\2\3\4\5", content))),
        does=(_NewIds,),
    ),
    _alibaba(
        "alibaba-protected-400",
        "Deletion protection refuses with 400 UnsupportedOperation.",
        "the pages publish no code",
        does=(answering(400, "UnsupportedOperation", "deletion_protected"),),
    ),
    _alibaba(
        "alibaba-token-of-other-key",
        "A wrong security token is InvalidSecurityToken.MismatchWithAccessKey, and requests have a temporary key.",
        "the gateway's table of errors",
        does=(answering(400, "InvalidSecurityToken.MismatchWithAccessKey", "bad_token"),),
        auth="sts",
    ),
    _alibaba(
        "alibaba-missing-action",
        "A request without an action is MissingAction, and one with another version NoSuchVersion.",
        "the vendor's gateway for other products",
        does=(answering(400, "MissingAction", "missing_action"), answering(400, "NoSuchVersion", "unknown_version")),
    ),
    _alibaba(
        "alibaba-unknown-action-400",
        "An unknown action is 400 InvalidParameter.",
        "the vendor's gateway for other products",
        does=(answering(400, "InvalidParameter", "unknown_action"),),
    ),
    _alibaba(
        "alibaba-older-metadata",
        "The metadata of keys lack what older editions lack.",
        "older samples of DescribeKey",
        on("describe create", *(without(f"KeyMetadata.{name}") for name in _OLDER)),
    ),
    _alibaba(
        "alibaba-xml-double-quotes",
        "The declaration of XML has double quotes, and a comment follows it.",
        "XML 1.0",
        _xml(
            lambda content: re.sub(
                rb"^<\?xml[^>]*>", b'<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<!-- kms -->\n', content
            )
        ),
    ),
    _alibaba(
        "alibaba-xml-empty-elements",
        "Empty elements of XML have the short form.",
        "XML 1.0",
        _xml(lambda content: re.sub(rb"<(\w+)></\1>", rb"<\1/>", content)),
    ),
    _alibaba(
        "alibaba-no-regions-no-status",
        "Regions and the status of the account cannot be asked for.",
        "a recorded reply of a private installation; the normative document lacks both",
        does=(_FewActions,),
        profile="apsara-stack",
    ),
    _alibaba(
        "alibaba-recorded-message",
        "The message of a missing parameter is the recorded one.",
        "a user's report of 2019, with the reply",
        on_refusal(
            "missing_key missing_parameter", field("Message", lambda _: "The parameter  KeyId  needed but no provided.")
        ),
    ),
    _alibaba(
        "alibaba-cloud-by-version-1",
        "The public cloud's range of windows, with signatures of version 1.",
        "today's page of ScheduleKeyDeletion",
        auth="v1",
        profile="alibaba-cloud",
    ),
)
