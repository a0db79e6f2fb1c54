"""The second blind set: reading of requests, names of keys, and signing in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_to_bytes

from kms_conformance.apps.selftest.blind.memory import admitting_for, cancelled, naming, refused_but, scheduled
from kms_conformance.apps.selftest.blind.second.mixins import BROKEN, RequestMemory, lost_if, pending, rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import status, where
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Inbound, Outbound
from kms_conformance.emulator.aws.credentials import REGION
from kms_conformance.emulator.huawei.credentials import TOKEN

_request = rows_of("requests")
_name = rows_of("names of keys")
_access = rows_of("signing in")
_SIGNED = (ALIBABA, AWS)

# The documented parameters of the operations describe, schedule and cancel, in all dialects.
_KNOWN = frozenset(
    {"key_id", "sequence", "pending_days", "KeyId", "GrantTokens", "PendingWindowInDays", "Action", "Version", "Format"}
    | {"AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "SignatureType"}
    | {"Timestamp", "SecurityToken", "RegionId"}
)
_READS = frozenset({"describe", "list"})
_CREDENTIALS = frozenset({"no_credentials", "bad_token", "wrong_signature", "unknown_access_key", "stale_signature"})


def _unknown_field(inbound: Inbound, outbound: Outbound) -> bool:
    acting = inbound.operation in {"describe", "schedule", "cancel"} and outbound.refusal is None
    return acting and not set(inbound.parameters) <= _KNOWN


def _array(inbound: Inbound, outbound: Outbound) -> bool:
    return outbound.refusal == "invalid_json" and inbound.body.lstrip()[:1] in {b"[", b'"', b"1", b"n", b"t"}


def _invalid_utf8(inbound: Inbound, _: Outbound) -> bool:
    query = unquote_to_bytes(inbound.query.encode("latin-1", "replace"))
    form = unquote_to_bytes(inbound.body)
    return any(_undecodable(part) for part in (query, inbound.body, form))


def _undecodable(part: bytes) -> bool:
    try:
        part.decode()
    except UnicodeDecodeError:
        return True
    return False


def _sequence_as_id(inbound: Inbound, outbound: Outbound) -> Outbound:
    if inbound.operation != "cancel" or outbound.refusal is not None or "sequence" not in inbound.parameters:
        return outbound
    return outbound.with_value({**outbound.value, "key_id": inbound.parameters["sequence"]})


class _FormWindowLost(RequestMemory):
    """A window in a form body is not read: the waiting period is the largest one."""

    def window_days(self, value: object) -> int:
        found = super().window_days(value)
        form = (self.asked.header("content-type") or "").startswith("application/x-www-form-urlencoded")
        return self.rules.window_maximum if form and b"PendingWindowInDays" in self.asked.body else found


REQUESTS = (
    _request(
        "schedule-by-get-in-vain",
        "major",
        "A GET that schedules succeeds without an effect, because a GET must change nothing.",
        "schedule.by-get",
        "protocol.get",
        of=(ALIBABA,),
        does=(lost_if("schedule", lambda decisions: decisions.asked.method == "GET"),),
    ),
    _request(
        "cancel-by-get-in-vain",
        "critical",
        "A GET that cancels succeeds without an effect, because a GET must change nothing.",
        "protocol.get",
        "cancel.effect",
        of=(ALIBABA,),
        does=(lost_if("cancel", lambda decisions: decisions.asked.method == "GET"),),
    ),
    _request(
        "window-in-form-lost",
        "major",
        "A window in a form body is not read: the key waits for the largest window.",
        "schedule.window.start",
        "protocol.form",
        of=(ALIBABA,),
        does=(_FormWindowLost,),
    ),
    _request(
        "sequence-returned-as-id",
        "minor",
        "The reply to a cancellation with a sequence has the sequence as its key id.",
        "cancel.reply.key-id",
        "cancel.sequence",
        of=(HUAWEI,),
        says=(_sequence_as_id,),
    ),
    _request(
        "cancel-with-sequence-in-vain",
        "critical",
        "A cancellation with a sequence succeeds without an effect.",
        "cancel.sequence",
        "cancel.effect",
        of=(HUAWEI,),
        does=(lost_if("cancel", lambda decisions: "sequence" in decisions.asked.parameters),),
    ),
    _request(
        "schedule-with-sequence-in-vain",
        "major",
        "A scheduling with a sequence succeeds without an effect.",
        "schedule.state-after",
        of=(HUAWEI,),
        does=(lost_if("schedule", lambda decisions: "sequence" in decisions.asked.parameters),),
    ),
    _request(
        "unknown-field-breaks",
        "minor",
        "A parameter that is not documented is answered with an internal error.",
        "reply.no-server-error",
        "protocol.unknown-field",
        says=(where(_unknown_field, BROKEN, status(500)),),
    ),
    _request(
        "array-breaks",
        "minor",
        "A body that is JSON, but no object, is answered with an internal error.",
        "reply.no-server-error",
        "protocol.malformed-json",
        of=(HUAWEI, AWS),
        says=(where(_array, BROKEN, status(500)),),
    ),
    _request(
        "invalid-utf8-breaks",
        "minor",
        "A request that is not UTF-8 is answered with an internal error.",
        "reply.no-server-error",
        says=(where(_invalid_utf8, BROKEN, status(500)),),
    ),
    _request(
        "wrong-method-carried-out",
        "critical",
        "A request with a wrong method is refused, but its body is carried out.",
        "refused.changes-nothing",
        "protocol.wrong-method",
        of=(HUAWEI,),
        does=(
            refused_but("cancel", lambda _, key: pending(key), cancelled, {"wrong_method"}),
            refused_but("schedule", lambda _, key: not pending(key), scheduled, {"wrong_method"}),
        ),
    ),
)

NAMES = (
    _name(
        "ids-behind-key",
        "minor",
        "A name such as `key/` and the id names the key.",
        "malformed-key.cancel",
        "malformed-key.describe",
        "malformed-key.schedule",
        does=(naming(lambda name, key_id: name == f"key/{key_id}"),),
    ),
    _name(
        "ids-in-braces",
        "minor",
        "An id in braces or behind `urn:uuid:` names the key, as a library for UUIDs reads it.",
        "malformed-key.cancel",
        "malformed-key.describe",
        "malformed-key.schedule",
        does=(naming(lambda name, key_id: name in {f"{{{key_id}}}", f"urn:uuid:{key_id}"}),),
    ),
    _name(
        "ids-with-line-end",
        "minor",
        "An id with a line feed behind it names the key, because the pattern's `$` allows one.",
        "malformed-key.cancel",
        "malformed-key.describe",
        "malformed-key.schedule",
        does=(naming(lambda name, key_id: name == f"{key_id}\n"),),
    ),
)


def _admitting_token(accepted: Callable[[str], bool]) -> type[Decisions]:
    class AdmittingToken(Decisions):
        def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
            open_ = found == "bad_token" and accepted(inbound.header("x-auth-token") or "")
            return None if open_ else super().token_problem(found, inbound)

    return AdmittingToken


def _admitting_signature(problem: str, accepted: Callable[[Inbound], bool]) -> type[Decisions]:
    class AdmittingSignature(Decisions):
        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return None if found == problem and accepted(inbound) else super().signature_problem(found, inbound)

    return AdmittingSignature


def _age(inbound: Inbound) -> timedelta | None:
    """How long ago a request was signed; negative for a time to come, None without a readable time."""
    for text, form in (
        (inbound.header("x-amz-date"), "%Y%m%dT%H%M%SZ"),
        (inbound.header("x-acs-date"), "%Y-%m-%dT%H:%M:%SZ"),
        (inbound.parameters.get("Timestamp"), "%Y-%m-%dT%H:%M:%SZ"),
    ):
        try:
            return REAL.now() - datetime.strptime(str(text), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _is_hours_old(inbound: Inbound) -> bool:
    age = _age(inbound)
    return age is not None and timedelta() < age < timedelta(hours=24)


def _is_to_come(inbound: Inbound) -> bool:
    age = _age(inbound)
    return age is not None and age < timedelta()


def _is_for_another_service(inbound: Inbound) -> bool:
    return f"/{REGION}/" in (inbound.header("authorization") or "")


def _is_temporary_without_token(inbound: Inbound) -> bool:
    signer = (inbound.header("authorization") or "") + str(inbound.parameters.get("AccessKeyId", ""))
    tokens = (inbound.header("x-amz-security-token"), inbound.header("x-acs-security-token"))
    sent = any(tokens) or "SecurityToken" in inbound.parameters
    return ("=ASIA" in signer or "STS." in signer) and not sent


_ACCESS_OF_TOKENS = (
    _access(
        "token-by-its-beginning",
        "critical",
        "A token is accepted if it begins with a valid one.",
        "auth.garbage",
        of=(HUAWEI,),
        does=(_admitting_token(lambda token: token.startswith(TOKEN)),),
    ),
    _access(
        "token-without-case",
        "critical",
        "Tokens are compared without regard to capital and small letters.",
        "auth.garbage",
        of=(HUAWEI,),
        does=(_admitting_token(lambda token: token.lower() == TOKEN.lower()),),
    ),
    _access(
        "other-project-cancels",
        "critical",
        "A token of another project may cancel.",
        "auth.other-project",
        of=(HUAWEI,),
        does=(admitting_for({"wrong_project"}, {"cancel"}),),
    ),
    _access(
        "reads-with-wrong-access-key",
        "critical",
        "The signatures of reading requests are not checked.",
        "auth.wrong-secret",
        "auth.tampered",
        of=(HUAWEI,),
        does=(admitting_for({"wrong_signature"}, _READS),),
        auth="aksk",
    ),
)

ACCESS = (
    *_ACCESS_OF_TOKENS,
    _access(
        "reads-without-credentials",
        "critical",
        "Keys can be described and listed without credentials.",
        "auth.missing",
        does=(admitting_for({"no_credentials"}, _READS),),
    ),
    _access(
        "reads-with-wrong-signature",
        "critical",
        "The signatures of reading requests are not checked.",
        "auth.wrong-secret",
        "auth.tampered",
        of=_SIGNED,
        does=(admitting_for({"wrong_signature"}, _READS),),
    ),
    _access(
        "refused-caller-cancels",
        "critical",
        "A cancellation without valid credentials is refused, but carried out.",
        "auth.missing",
        "auth.garbage",
        "auth.wrong-secret",
        "auth.unknown-access-key",
        does=(refused_but("cancel", lambda _, key: pending(key), cancelled, _CREDENTIALS),),
    ),
    _access(
        "signature-of-a-day",
        "major",
        "A signature is accepted for 24 hours.",
        "auth.stale",
        of=_SIGNED,
        does=(_admitting_signature("stale_signature", _is_hours_old),),
    ),
    _access(
        "signature-to-come",
        "major",
        "A signature is accepted however far in the future its time lies.",
        "auth.stale",
        of=_SIGNED,
        does=(_admitting_signature("stale_signature", _is_to_come),),
    ),
    _access(
        "signature-for-another-service",
        "major",
        "A signature for another service of the region is accepted.",
        "auth.other-region",
        of=(AWS,),
        does=(_admitting_signature("other_region", _is_for_another_service),),
    ),
    _access(
        "temporary-key-without-token",
        "critical",
        "A temporary access key is accepted without its security token.",
        "auth.tampered",
        "auth.unknown-access-key",
        of=_SIGNED,
        does=(_admitting_signature("unknown_access_key", _is_temporary_without_token),),
        auth="sts",
    ),
)
