"""The fourth blind set: credentials that are not checked, or checked too late."""

from __future__ import annotations

import hmac
import re
from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED
from kms_conformance.apps.selftest.blind.fourth.mixins import NAMED, rows_of
from kms_conformance.apps.selftest.blind.memory import admitting_for, is_pending, refused_but, scheduled
from kms_conformance.apps.selftest.blind.third.mixins import refused_but_stored
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.emulator import Decisions, Inbound
from kms_conformance.emulator.alibaba import authenticate as alibaba
from kms_conformance.emulator.alibaba import credentials as alibaba_credentials

_access = rows_of("access")
_SIGNED = re.compile(r"Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})")
_NOBODY = frozenset({"no_credentials"})
_WRONG = frozenset({"wrong_signature"})


class _DeclaredHash(Decisions):
    """The hash of a body is believed as the request declares it."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        match = _SIGNED.search(inbound.header("authorization") or "")
        declared = inbound.header("x-acs-content-sha256")
        key = alibaba_credentials.ACCESS_KEYS.get(match[1]) if match else None
        if found == "wrong_signature" and match and declared and key is not None:
            canonical = alibaba.canonical_request(inbound, match[2].split(";"), declared)
            if hmac.compare_digest(alibaba.sign_v3(canonical, key.secret), match[3]):
                found = None
        return super().signature_problem(found, inbound)


class _SecondUnchecked(Decisions):
    """Requests with even numbers are accepted with a wrong signature by some operations."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().signature_problem(found, inbound)
        unchecked = inbound.number % 2 == 0 and inbound.operation in {"enable", "disable", "describe"}
        return None if problem in _WRONG and unchecked else problem


class _StaleAfterFirst(Decisions):
    """After one request with a signature of another time was refused, later ones are accepted."""

    _seen = False

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().signature_problem(found, inbound)
        if problem != "stale_signature":
            return problem
        seen, self._seen = self._seen, True
        return None if seen else problem


ACCESS = (
    _access(
        "open-data-keys",
        "critical",
        "Data keys are given without credentials.",
        "auth.missing",
        does=(admitting_for(_NOBODY, {"generate_data_key", "generate_data_key_without_plaintext"}),),
    ),
    _access(
        "open-encrypt",
        "critical",
        "Keys encrypt without credentials.",
        "auth.missing",
        does=(admitting_for(_NOBODY, {"encrypt"}),),
    ),
    _access(
        "open-description-change",
        "critical",
        "Descriptions of keys can be changed without credentials.",
        "auth.missing",
        does=(admitting_for(_NOBODY, {"update_description"}),),
    ),
    _access(
        "enable-before-login",
        "critical",
        "Enabling without credentials is refused, but carried out.",
        "auth.missing",
        does=(
            refused_but_stored(
                "enable", _NOBODY, lambda _, key: replace(key, state=ENABLED) if key.state is DISABLED else key
            ),
        ),
    ),
    _access(
        "open-aliases",
        "critical",
        "Aliases can be made, moved and deleted without credentials.",
        "auth.missing",
        does=(admitting_for(_NOBODY, {"set_alias", "update_alias", "delete_alias"}),),
    ),
    _access(
        "disable-before-signature",
        "critical",
        "Disabling with a wrong signature is refused, but carried out.",
        "auth.wrong-secret",
        "auth.tampered",
        of=NAMED,
        does=(
            refused_but_stored(
                "disable", _WRONG, lambda _, key: replace(key, state=DISABLED) if key.state is ENABLED else key
            ),
        ),
    ),
    _access(
        "schedule-before-signature",
        "critical",
        "Scheduling with a wrong signature is refused, but carried out.",
        "auth.wrong-secret",
        "auth.tampered",
        of=NAMED,
        does=(refused_but("schedule", lambda _, key: not is_pending(_, key), scheduled, _WRONG),),
    ),
    _access(
        "wrong-secret-encrypts",
        "critical",
        "Keys encrypt and decrypt for requests with a wrong signature.",
        "auth.wrong-secret",
        "auth.tampered",
        of=NAMED,
        does=(admitting_for(_WRONG, {"encrypt", "decrypt"}),),
    ),
    _access(
        "unknown-access-key-schedules",
        "critical",
        "A request that an unknown access key signed may schedule and cancel.",
        "auth.unknown-access-key",
        of=NAMED,
        does=(admitting_for({"unknown_access_key"}, {"schedule", "cancel"}),),
    ),
    _access(
        "unknown-access-key-schedules",
        "critical",
        "A request that an unknown access key signed may schedule and cancel.",
        "auth.unknown-access-key",
        of=(HUAWEI,),
        does=(admitting_for({"unknown_access_key"}, {"schedule", "cancel"}),),
        auth="aksk",
    ),
    _access(
        "stale-cancels",
        "critical",
        "Deletions can be cancelled with a signature of another time.",
        "auth.stale",
        "auth.early",
        of=NAMED,
        does=(admitting_for({"stale_signature"}, {"cancel"}),),
    ),
    _access(
        "stale-accepted-on-retry",
        "critical",
        "Only the first signature of another time is refused.",
        "auth.stale",
        "auth.early",
        of=NAMED,
        does=(_StaleAfterFirst,),
    ),
    _access(
        "every-second-signature-unchecked",
        "critical",
        "Every second request that describes, enables or disables a key is accepted with a wrong signature.",
        "auth.wrong-secret",
        "auth.tampered",
        of=NAMED,
        does=(_SecondUnchecked,),
    ),
    _access(
        "declared-hash-believed",
        "critical",
        "The hash of the body that a request declares is believed: a body may be changed after signing.",
        "auth.tampered",
        of=(ALIBABA,),
        does=(_DeclaredHash,),
    ),
    _access(
        "other-region-schedules",
        "critical",
        "A signature for another region schedules keys of this one.",
        "auth.other-region",
        of=(AWS,),
        does=(admitting_for({"other_region"}, {"schedule", "disable"}),),
    ),
    _access(
        "incomplete-cancels",
        "critical",
        "An incomplete Authorization header is enough to schedule and to cancel.",
        "auth.incomplete",
        of=(AWS,),
        does=(admitting_for({"incomplete_signature"}, {"schedule", "cancel"}),),
    ),
    _access(
        "garbage-token-disables",
        "critical",
        "A token that was never issued may disable, enable and encrypt.",
        "auth.garbage",
        of=(HUAWEI,),
        does=(admitting_for({"bad_token"}, {"disable", "enable", "encrypt"}),),
    ),
    _access(
        "garbage-token-schedules",
        "critical",
        "A token that was never issued may schedule.",
        "auth.garbage",
        of=(HUAWEI,),
        does=(admitting_for({"bad_token"}, {"schedule"}),),
    ),
    _access(
        "other-project-lists",
        "critical",
        "A token of another project lists keys and encrypts.",
        "auth.other-project",
        of=(HUAWEI,),
        does=(admitting_for({"wrong_project"}, {"list", "encrypt"}),),
    ),
    _access(
        "other-project-refused-but-disables",
        "critical",
        "Disabling with a token of another project is refused, but carried out.",
        "auth.other-project",
        of=(HUAWEI,),
        does=(
            refused_but_stored(
                "disable",
                {"wrong_project"},
                lambda _, key: replace(key, state=DISABLED) if key.state is ENABLED else key,
            ),
        ),
    ),
)
