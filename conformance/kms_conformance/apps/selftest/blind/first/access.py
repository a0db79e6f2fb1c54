"""Blind faults about access: credentials that are not checked, or are checked too late."""

from __future__ import annotations

import hmac
from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING
from kms_conformance.apps.selftest.blind.memory import (
    Memory,
    admitting_for,
    cancelled,
    in_state_of,
    refused_but,
    scheduled,
)
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault, Severity
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.emulator import Decisions, Inbound
from kms_conformance.emulator.huawei import credentials

_access = rows_of("access")
_READS = ("describe", "list", "list_tags", "list_aliases", "list_grants", "get_policy", "rotation_status")
_SIGNATURES = ("wrong_signature",)


class _TokenByBeginning(Decisions):
    """Of a token, only the first eight characters are compared."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        begins = (inbound.header("x-auth-token") or "").startswith(credentials.TOKEN[:8])
        return None if found == "bad_token" and begins else super().token_problem(found, inbound)


class _TokenWithoutCase(Decisions):
    """Tokens are compared without regard to case and to surrounding quotation marks."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        sent = (inbound.header("x-auth-token") or "").strip('"').upper()
        same = hmac.compare_digest(sent.encode(), credentials.TOKEN.upper().encode())
        return None if found == "bad_token" and same else super().token_problem(found, inbound)


class _SecondTryAdmitted(Memory):
    """A wrong signature is refused once; from then on, wrong signatures are accepted."""

    _seen = 0

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        if found in _SIGNATURES:
            self._seen += 1
        return None if found in _SIGNATURES and self._seen > 1 else super().signature_problem(found, inbound)


def _signed(
    name: str, severity: Severity, title: str, requirement: RequirementId, does: type[Decisions]
) -> tuple[Fault, ...]:
    """One row for dialects whose default credentials sign, and one for Huawei, where the access key must be chosen."""
    row = _access(name, severity, title, requirement, of=(ALIBABA, AWS), does=(does,))
    return row, replace(row, dialects=(HUAWEI,), auth="aksk")


ACCESS: tuple[Fault, ...] = (
    # --- without credentials ------------------------------------------------------------------------------------------
    _access(
        "open-describe",
        "critical",
        "Keys can be described without credentials.",
        "auth.missing",
        does=(admitting_for(("no_credentials",), ("describe",)),),
    ),
    _access(
        "open-list",
        "critical",
        "Keys can be listed without credentials.",
        "auth.missing",
        does=(admitting_for(("no_credentials",), ("list",)),),
    ),
    _access(
        "open-decrypt",
        "critical",
        "Ciphertexts are decrypted without credentials.",
        "auth.missing",
        does=(admitting_for(("no_credentials",), ("decrypt",)),),
    ),
    _access(
        "open-enable",
        "critical",
        "Keys can be enabled without credentials.",
        "auth.missing",
        does=(admitting_for(("no_credentials",), ("enable",)),),
    ),
    _access(
        "open-cancel",
        "critical",
        "Deletions can be cancelled without credentials.",
        "auth.missing",
        does=(admitting_for(("no_credentials",), ("cancel",)),),
    ),
    _access(
        "open-schedule",
        "critical",
        "Keys can be scheduled for deletion without credentials.",
        "auth.missing",
        does=(admitting_for(("no_credentials",), ("schedule",)),),
    ),
    _access(
        "schedule-before-login",
        "critical",
        "Scheduling without credentials is refused, but carried out.",
        "auth.missing",
        does=(refused_but("schedule", lambda _, k: k.state is not PENDING, scheduled, ("no_credentials",)),),
    ),
    _access(
        "cancel-before-login",
        "critical",
        "Cancelling without credentials is refused, but carried out.",
        "auth.missing",
        does=(refused_but("cancel", lambda _, k: k.state is PENDING, cancelled, ("no_credentials",)),),
    ),
    _access(
        "disable-before-login",
        "critical",
        "Disabling without credentials is refused, but carried out.",
        "auth.missing",
        does=(
            refused_but(
                "disable",
                lambda _, k: k.state is ENABLED,
                lambda _, k: in_state_of(k, enabled=False),
                ("no_credentials",),
            ),
        ),
    ),
    # --- tokens -------------------------------------------------------------------------------------------------------
    _access(
        "token-by-beginning",
        "critical",
        "Of a token, only the first eight characters are compared.",
        "auth.garbage",
        of=(HUAWEI,),
        does=(_TokenByBeginning,),
    ),
    _access(
        "token-without-case",
        "minor",
        "Tokens are compared without regard to case.",
        "auth.garbage",
        of=(HUAWEI,),
        does=(_TokenWithoutCase,),
    ),
    _access(
        "garbage-token-describes",
        "critical",
        "Keys can be described with a token that was never issued.",
        "auth.garbage",
        of=(HUAWEI,),
        does=(admitting_for(("bad_token",), ("describe", "list")),),
    ),
    _access(
        "garbage-token-cancels",
        "critical",
        "Deletions can be cancelled with a token that was never issued.",
        "auth.garbage",
        of=(HUAWEI,),
        does=(admitting_for(("bad_token",), ("cancel",)),),
    ),
    _access(
        "expired-token-reads",
        "critical",
        "An expired token still reads.",
        "auth.expired",
        of=(HUAWEI,),
        does=(admitting_for(("expired_token",), _READS),),
    ),
    _access(
        "expired-token-schedules",
        "critical",
        "Scheduling with an expired token is refused, but carried out.",
        "auth.expired",
        of=(HUAWEI,),
        does=(refused_but("schedule", lambda _, k: k.state is not PENDING, scheduled, ("expired_token",)),),
    ),
    _access(
        "other-project-reads",
        "critical",
        "A token of one project reads the keys of another.",
        "auth.other-project",
        of=(HUAWEI,),
        does=(admitting_for(("wrong_project",), _READS),),
    ),
    _access(
        "other-project-enables",
        "critical",
        "A token of one project enables the keys of another.",
        "auth.other-project",
        of=(HUAWEI,),
        does=(admitting_for(("wrong_project",), ("enable", "disable")),),
    ),
    # --- signatures ---------------------------------------------------------------------------------------------------
    *_signed(
        "wrong-secret-describes",
        "critical",
        "Keys can be described with a wrong signature.",
        "auth.wrong-secret",
        admitting_for(_SIGNATURES, ("describe",)),
    ),
    *_signed(
        "wrong-secret-lists",
        "critical",
        "Keys can be listed with a wrong signature.",
        "auth.wrong-secret",
        admitting_for(_SIGNATURES, ("list",)),
    ),
    *_signed(
        "wrong-secret-enables",
        "critical",
        "Keys can be enabled and disabled with a wrong signature.",
        "auth.wrong-secret",
        admitting_for(_SIGNATURES, ("enable", "disable")),
    ),
    *_signed(
        "second-wrong-secret-admitted",
        "critical",
        "Only the first wrong signature is refused.",
        "auth.wrong-secret",
        _SecondTryAdmitted,
    ),
    *_signed(
        "cancel-before-signature",
        "critical",
        "Cancelling with a wrong signature is refused, but carried out.",
        "auth.wrong-secret",
        refused_but("cancel", lambda _, k: k.state is PENDING, cancelled, _SIGNATURES),
    ),
    *_signed(
        "unknown-access-key-reads",
        "critical",
        "A request that an unknown access key signed reads keys.",
        "auth.unknown-access-key",
        admitting_for(("unknown_access_key",), _READS),
    ),
    *_signed(
        "stale-reads",
        "critical",
        "A request that was signed long ago reads keys.",
        "auth.stale",
        admitting_for(("stale_signature",), _READS),
    ),
    *_signed(
        "stale-schedules",
        "critical",
        "Scheduling with an old signature is refused, but carried out.",
        "auth.stale",
        refused_but("schedule", lambda _, k: k.state is not PENDING, scheduled, ("stale_signature",)),
    ),
    _access(
        "other-region-reads",
        "critical",
        "A signature for another region reads the keys of this one.",
        "auth.other-region",
        of=(AWS,),
        does=(admitting_for(("other_region",), _READS),),
    ),
    _access(
        "other-region-cancels",
        "critical",
        "A signature for another region cancels deletions in this one.",
        "auth.other-region",
        of=(AWS,),
        does=(admitting_for(("other_region",), ("cancel",)),),
    ),
    _access(
        "incomplete-reads",
        "critical",
        "An incomplete Authorization header is enough to read.",
        "auth.incomplete",
        of=(AWS,),
        does=(admitting_for(("incomplete_signature",), _READS),),
    ),
    _access(
        "incomplete-enables",
        "critical",
        "Enabling with an incomplete Authorization header is refused, but carried out.",
        "auth.incomplete",
        of=(AWS,),
        does=(
            refused_but(
                "enable",
                lambda _, k: k.state is DISABLED,
                lambda _, k: in_state_of(k, enabled=True),
                ("incomplete_signature",),
            ),
        ),
    ),
)
