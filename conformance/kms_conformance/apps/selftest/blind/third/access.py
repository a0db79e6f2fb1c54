"""The third blind set: signing in."""

from __future__ import annotations

from kms_conformance.apps.selftest.blind.memory import admitting_for, cancelled, refused_but
from kms_conformance.apps.selftest.blind.second.mixins import pending
from kms_conformance.apps.selftest.blind.third.mixins import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.emulator import Decisions, Inbound, Rules

_access = rows_of("signing in")
_SIGNED = (ALIBABA, AWS)
# What differs between two equal requests of Alibaba's signature version 1.
_VARYING = frozenset({"Signature", "SignatureNonce", "Timestamp"})


class _ContextOfRequestBefore(Decisions):
    """Every third request with bad credentials is carried out with the credentials of the request before it."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._bad = 0

    def _problem(self, found: str | None) -> str | None:
        if found is None:
            return None
        self._bad += 1
        return found if self._bad % 3 else None

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return self._problem(super().token_problem(found, inbound))

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return self._problem(super().signature_problem(found, inbound))


class _VerdictFromCache(Decisions):
    """A wrong signature is accepted for a request that was sent with a right one before."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._good: set[str] = set()

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().signature_problem(found, inbound)
        stable = sorted((name, str(value)) for name, value in inbound.parameters.items() if name not in _VARYING)
        request = f"{inbound.method} {inbound.operation} {stable}"
        if problem is None:
            self._good.add(request)
        return None if problem == "wrong_signature" and request in self._good else problem


class _GetUnsigned(Decisions):
    """The signature of a GET is not compared."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        open_ = found == "wrong_signature" and inbound.method == "GET"
        return None if open_ else super().signature_problem(found, inbound)


class _EmptyToken(Decisions):
    """An empty token is accepted."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        open_ = found == "no_credentials" and inbound.header("x-auth-token") == ""
        return None if open_ else super().token_problem(found, inbound)


class _TokenOfSameLength(Decisions):
    """Of a token, only the length and the first letter are compared."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._valid: set[tuple[int, str]] = set()

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        token = inbound.header("x-auth-token") or ""
        form = (len(token), token[:1])
        problem = super().token_problem(found, inbound)
        if problem is None:
            self._valid.add(form)
        return None if problem == "bad_token" and form in self._valid else problem


class _AnyTemporaryToken(Decisions):
    """A temporary access key is accepted with whatever security token."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return super().signature_problem(None if found == "bad_token" else found, inbound)


ACCESS = (
    _access(
        "context-of-request-before",
        "critical",
        "Every third request with bad credentials is carried out with the credentials of the request before it.",
        "auth.missing",
        "auth.garbage",
        "auth.wrong-secret",
        "auth.unknown-access-key",
        does=(_ContextOfRequestBefore,),
    ),
    _access(
        "verdict-from-cache",
        "critical",
        "A request with a wrong signature is carried out if it was sent with a right one before.",
        "auth.wrong-secret",
        "auth.tampered",
        of=_SIGNED,
        does=(_VerdictFromCache,),
    ),
    _access(
        "get-unsigned",
        "critical",
        "The signature of a GET is not compared.",
        "auth.wrong-secret",
        "auth.tampered",
        of=(ALIBABA,),
        does=(_GetUnsigned,),
    ),
    _access(
        "empty-token-accepted",
        "critical",
        "An empty token is accepted.",
        "auth.missing",
        "auth.garbage",
        of=(HUAWEI,),
        does=(_EmptyToken,),
    ),
    _access(
        "token-by-length",
        "critical",
        "Of a token, only the length and the first letter are compared with those of valid ones.",
        "auth.garbage",
        of=(HUAWEI,),
        does=(_TokenOfSameLength,),
    ),
    _access(
        "other-project-schedules",
        "critical",
        "A token of another project may schedule.",
        "auth.other-project",
        of=(HUAWEI,),
        does=(admitting_for({"wrong_project"}, {"schedule"}),),
    ),
    _access(
        "other-project-refused-but-cancels",
        "critical",
        "Cancelling with a token of another project is refused, but carried out.",
        "auth.other-project",
        of=(HUAWEI,),
        does=(refused_but("cancel", lambda _, key: pending(key), cancelled, {"wrong_project"}),),
    ),
    _access(
        "expired-token-cancels",
        "critical",
        "Deletions can be cancelled with an expired token.",
        "auth.expired",
        of=(HUAWEI,),
        does=(admitting_for({"expired_token"}, {"cancel"}),),
    ),
    _access(
        "any-temporary-token",
        "critical",
        "A temporary access key is accepted with whatever security token.",
        "auth.tampered",
        "auth.unknown-access-key",
        of=_SIGNED,
        does=(_AnyTemporaryToken,),
        auth="sts",
    ),
    _access(
        "lists-with-stale-signature",
        "major",
        "Keys can be listed, and ciphertexts decrypted, with a signature of whatever time.",
        "auth.stale",
        of=_SIGNED,
        does=(admitting_for({"stale_signature"}, {"list", "decrypt"}),),
    ),
)
