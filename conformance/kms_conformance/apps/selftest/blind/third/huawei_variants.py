"""The third blind set of variants: conforming behaviours of the Huawei dialect.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import answering
from kms_conformance.apps.selftest.blind.third.general_variants import refusing_each, variant
from kms_conformance.apps.selftest.deviation import HUAWEI
from kms_conformance.apps.selftest.reply_mutations import field, on, on_errors, saying, status, text, where
from kms_conformance.emulator import Decisions, Inbound, Outbound, RefusalAnswer

_huawei = partial(variant, of=(HUAWEI,))
_SIGNING = ("no_credentials", "bad_token", "expired_token", "wrong_project", "wrong_signature", "unknown_access_key")


class _PathWithoutCode(Decisions):
    """An unknown path is answered without an error code."""

    def answer(self, refusal: str) -> RefusalAnswer:
        return RefusalAnswer(404, None) if refusal == "unknown_path" else super().answer(refusal)


class _ContentTypeNeeded(Decisions):
    """A POST without a Content-Type is refused."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().token_problem(found, inbound)
        missing = inbound.method == "POST" and not inbound.header("content-type")
        return "no_content_type" if problem is None and missing else problem


def _message_first(value: Any) -> Any:  # noqa: ANN401 - JSON
    error = value.get("error")
    if not isinstance(error, dict) or "error_msg" not in error:
        return value
    return {"error": {"error_msg": error["error_msg"], **error}}


def _with_days(info: Any) -> Any:  # noqa: ANN401 - JSON
    def counted(one: dict[str, Any]) -> dict[str, Any]:
        days = "7" if one["key_state"] == "4" else ""
        return {**one, "pending_days": days, "keystore_type": "DEFAULT", "multi_region_key_type": "SINGLE"}

    return [counted(one) for one in info] if isinstance(info, list) else counted(info)


def _echoed(inbound: Inbound, outbound: Outbound) -> Outbound:
    if outbound.refusal is not None or "sequence" not in inbound.parameters or not isinstance(outbound.value, dict):
        return outbound
    return outbound.with_value({**outbound.value, "sequence": inbound.parameters["sequence"]})


def _hostile(inbound: Inbound, _: Outbound) -> bool:
    try:
        inbound.body.decode()
    except UnicodeDecodeError:
        return True
    return b"\0" in inbound.body


HUAWEI_VARIANTS = (
    _huawei(
        "huawei-message-first",
        "In errors, the message stands before the code.",
        "a user's report, with the reply",
        on_errors(saying(_message_first)),
    ),
    _huawei(
        "huawei-huge-window-is-bad-json",
        "A window that is negative or beyond every integer is KMS.0202.",
        "the table of error codes",
        does=(answering(400, "KMS.0202", "window_negative", "window_huge"),),
    ),
    _huawei(
        "huawei-malformed-is-missing",
        "A malformed id is KMS.0204.",
        "the table of error codes",
        does=(answering(400, "KMS.0204", "malformed_key"),),
    ),
    _huawei(
        "huawei-malformed-is-bad-json",
        "A malformed id is KMS.0202.",
        "the table of error codes",
        does=(answering(400, "KMS.0202", "malformed_key"),),
    ),
    _huawei(
        "huawei-other-project-0305",
        "A token of another project is KMS.0305, and an unknown one KMS.0301.",
        "the table of error codes",
        does=(answering(403, "KMS.0305", "wrong_project"), answering(403, "KMS.0301", "bad_token")),
    ),
    _huawei(
        "huawei-signing-401-of-the-service",
        "All problems of signing in are 401, in the service's own form.",
        "the pages of operations, which list 401 with this form",
        does=(answering(401, "KMS.0301", *_SIGNING),),
    ),
    _huawei(
        "huawei-lost-key-2202",
        "A ciphertext of a deleted key is KMS.2202.",
        "the table of error codes",
        does=(answering(400, "KMS.2202", "lost_key"),),
    ),
    _huawei(
        "huawei-days-told",
        "The details of keys have pending_days, keystore_type and multi_region_key_type.",
        "recorded replies of Huawei Cloud",
        on("describe", field("key_info", _with_days)),
        on("list", field("key_details", _with_days)),
        profile="huawei-cloud",
    ),
    _huawei(
        "huawei-sequence-echoed",
        "A reply repeats the sequence of its request.",
        "the document calls it the number of the message, and does not say whether it is repeated",
        _echoed,
    ),
    _huawei(
        "huawei-content-type-needed",
        "A request without Content-Type is refused.",
        "the normative document, table 2",
        does=(_ContentTypeNeeded,),
    ),
    _huawei(
        "huawei-firewall",
        "A body that is not UTF-8, or has a zero byte, is answered by a firewall: 418, in HTML.",
        "a recorded reply of Open Telekom Cloud",
        where(_hostile, text("<html><body>Blocked</body></html>", "text/html"), status(418)),
        profile="otc",
    ),
    _huawei(
        "huawei-unavailable-now-and-then",
        "One of 220 requests is answered with 503 KMS.0104.",
        "the table of error codes, and the FAQ that asks clients to try again",
        does=(refusing_each("internal_error", 220), answering(503, "KMS.0104", "internal_error")),
    ),
    _huawei(
        "huawei-path-without-code",
        "An unknown path is 404, with a message and a request id alone.",
        "a recorded reply of Open Telekom Cloud",
        does=(_PathWithoutCode,),
        profile="otc",
    ),
    _huawei(
        "huawei-swiss",
        "An unknown id is 400 KMS.0205.",
        "the table of error codes of the Swiss region",
        does=(answering(400, "KMS.0205", "unknown_key", "lost_key"),),
        profile="otc-swiss",
    ),
    _huawei(
        "huawei-flexible-engine",
        "The cloud has neither encryption nor quotas.",
        "the cloud's own client",
        profile="flexible-engine",
    ),
)
