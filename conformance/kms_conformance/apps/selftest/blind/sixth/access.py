"""Faults of access: signatures that do not cover what is read, times, routes without a check, and other projects."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from kms_conformance.apps.selftest.blind.sixth.mixins import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Inbound
from kms_conformance.emulator.alibaba import authenticate as alibaba
from kms_conformance.emulator.alibaba import credentials as alibaba_credentials
from kms_conformance.emulator.alibaba import parameters
from kms_conformance.emulator.aws import authenticate as aws
from kms_conformance.emulator.aws import credentials as aws_credentials
from kms_conformance.emulator.huawei import authenticate as huawei
from kms_conformance.emulator.huawei import credentials as huawei_credentials

_row = rows_of("access")
_EAST = timedelta(hours=8)
# For each dialect, the route that was added last.
_NEW_ROUTES = {HUAWEI: "update_description", ALIBABA: "delete_alias", AWS: "revoke_grant"}


class Claim(NamedTuple):
    """What an `Authorization` of AWS claims."""

    scope: aws.Scope
    secret: str
    signed: list[str]
    signature: str


def claim_of(inbound: Inbound) -> Claim | None:
    """What a request claims; None for an unknown access key or another form."""
    text = (inbound.header("authorization") or "").removeprefix(aws.ALGORITHM)
    parts = dict(part.strip().partition("=")[::2] for part in text.split(","))
    access_key_id, *scope = parts.get("Credential", "").split("/")
    key = aws_credentials.ACCESS_KEYS.get(access_key_id)
    if key is None or len(scope) != 4:
        return None
    signed = parts.get("SignedHeaders", "").split(";")
    return Claim(aws.Scope(*scope[:3]), key.secret, signed, parts.get("Signature", ""))


def expected_of(claim: Claim, inbound: Inbound, canonical: str) -> str:
    """The right signature of a canonical request."""
    return aws.sign(canonical, inbound.header("x-amz-date") or "", claim.scope, claim.secret)


def _signs(claim: Claim, inbound: Inbound, canonical: str) -> bool:
    return hmac.compare_digest(expected_of(claim, inbound, canonical).encode(), claim.signature.encode())


class DeclaredHashCounts(Decisions):
    """The hash of the body is taken from a header; report of a user of ExtendDB, and of one of fakecloud."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().signature_problem(found, inbound)
        declared, claim = inbound.header("x-amz-content-sha256"), claim_of(inbound)
        if problem != "wrong_signature" or declared is None or claim is None:
            return problem
        canonical = aws.canonical_request(inbound, claim.signed).rpartition("\n")[0]
        return None if _signs(claim, inbound, f"{canonical}\n{declared}") else problem


class UnsignedHeadersCount(Decisions):
    """Headers that the signature does not cover are read; report of a user of MinIO."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem, claim = super().signature_problem(found, inbound), claim_of(inbound)
        if problem != "wrong_signature" or claim is None:
            return problem
        return None if _signs(claim, inbound, aws.canonical_request(inbound, claim.signed)) else problem


class ScopeOfAnyDay(Decisions):
    """The day of the scope is not compared with the date; report of a user of Chimera."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem, claim = super().signature_problem(found, inbound), claim_of(inbound)
        stamp = _moment(inbound.header("x-amz-date"), "%Y%m%dT%H%M%SZ")
        near = stamp is not None and abs(REAL.now() - stamp) <= aws.SKEW
        if problem != "stale_signature" or not near or claim is None:
            return problem
        return None if _signs(claim, inbound, aws.canonical_request(inbound, claim.signed)) else problem


def _moment(text: str | None, form: str) -> datetime | None:
    try:
        return datetime.strptime(text or "", form).replace(tzinfo=UTC)
    except ValueError:
        return None


class EarlyByItsZone(Decisions):
    """The clock that signatures are compared with may be that of Beijing, which is eight hours ahead."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().signature_problem(found, inbound)
        stamp = self._stamp(inbound)
        if problem != "stale_signature" or stamp is None or not timedelta() < stamp - REAL.now() < _EAST:
            return problem
        return self._problem_at(inbound, stamp)

    @staticmethod
    def _stamp(inbound: Inbound) -> datetime | None:
        values = parameters.first_values(parameters.of_query(inbound) + parameters.of_form(inbound))
        compact, plain = "%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%SZ"
        return (
            _moment(inbound.header("x-amz-date") or inbound.header("x-sdk-date"), compact)
            or _moment(inbound.header("x-acs-date"), plain)
            or _moment(values.get("Timestamp"), plain)
        )

    def _problem_at(self, inbound: Inbound, moment: datetime) -> str | None:
        if self.rules.dialect == AWS:
            here = (aws_credentials.REGION, "kms")
            return aws.signature_problem(inbound, aws_credentials.ACCESS_KEYS, here, moment)
        if self.rules.dialect == HUAWEI:
            keys = {huawei_credentials.ACCESS_KEY_ID: huawei_credentials.ACCESS_KEY_SECRET}
            return huawei.signature_problem(inbound, keys, moment)
        known = alibaba_credentials.ACCESS_KEYS
        if (inbound.header("authorization") or "").startswith(alibaba.ALGORITHM):
            return alibaba.problem_v3(inbound, known, alibaba.Nonces(), moment)
        pairs = parameters.of_query(inbound) + parameters.of_form(inbound)
        found = alibaba.problem_v1(inbound.method, pairs, known, alibaba.Nonces(), moment)
        return None if found is None else found.refusal


class NewRouteIsOpen(Decisions):
    """The route that was added last lacks the check of credentials."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        is_open = inbound.operation == _NEW_ROUTES[self.rules.dialect]
        return None if is_open else super().token_problem(found, inbound)

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        is_open = inbound.operation == _NEW_ROUTES[self.rules.dialect]
        return None if is_open else super().signature_problem(found, inbound)


class OtherProjectMayCancel(Decisions):
    """Cancelling is added to the routes that a token of any project may use, beside those of IAM."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().token_problem(found, inbound)
        return None if problem == "wrong_project" and inbound.operation == "cancel" else problem


class FormIsUnsigned(Decisions):
    """The signature of version 1 is computed from the query alone, and parameters are read from the form too."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().signature_problem(found, inbound)
        query = parameters.of_query(inbound)
        values = parameters.first_values(query)
        key = alibaba_credentials.ACCESS_KEYS.get(values.get("AccessKeyId", ""))
        if problem != "wrong_signature" or key is None or inbound.header("authorization"):
            return problem
        expected = alibaba.sign_v1(alibaba.string_to_sign(inbound.method, query), key.secret)
        return None if hmac.compare_digest(expected.encode(), values.get("Signature", "").encode()) else problem


ACCESS = (
    _row(
        "declared-hash-counts",
        "critical",
        "A body that was changed after it was signed is accepted if a signed header has the hash of the old one.",
        "auth.tampered",
        of=[AWS],
        does=[DeclaredHashCounts],
    ),
    _row(
        "unsigned-headers-count",
        "critical",
        "The header that names the operation need not be signed, so that a signed request can be sent to another.",
        "auth.tampered",
        of=[AWS],
        does=[UnsignedHeadersCount],
    ),
    _row(
        "scope-of-any-day",
        "critical",
        "A signature whose scope has another day than its date is accepted.",
        "auth.other-scope",
        of=[AWS],
        does=[ScopeOfAnyDay],
    ),
    _row(
        "early-by-its-zone",
        "critical",
        "A signature whose time is up to eight hours ahead is accepted.",
        "auth.early",
        of=[ALIBABA, AWS],
        does=[EarlyByItsZone],
    ),
    _row(
        "early-by-its-zone-of-keys",
        "critical",
        "A signature by access key whose time is up to eight hours ahead is accepted.",
        "auth.early",
        of=[HUAWEI],
        does=[EarlyByItsZone],
        auth="aksk",
    ),
    _row(
        "new-route-is-open",
        "critical",
        "One operation is carried out for callers without credentials.",
        "auth.missing",
        "auth.garbage",
        "auth.wrong-secret",
        does=[NewRouteIsOpen],
    ),
    _row(
        "other-project-may-cancel",
        "critical",
        "A token of another project cancels the deletion of a key.",
        "auth.other-project",
        of=[HUAWEI],
        does=[OtherProjectMayCancel],
    ),
    _row(
        "form-is-unsigned",
        "critical",
        "Parameters in the form body are read, and need not be signed.",
        "auth.tampered",
        of=[ALIBABA],
        does=[FormIsUnsigned],
        # At the first look it was tried with signatures of version 3, to which it makes no difference.
        auth="v1",
    ),
)
