"""Faults of authentication: bad credentials are accepted, are refused too late, or are refused with a wrong error."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import (
    PENDING,
    admitting,
    answering,
    changing_though_refused,
    with_,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.emulator import Decisions, Inbound
from kms_conformance.emulator.alibaba import credentials as alibaba
from kms_conformance.emulator.alibaba.authenticate import Nonces, problem_v1
from kms_conformance.emulator.alibaba.parameters import of_query
from kms_conformance.emulator.clock import system_time
from kms_conformance.emulator.huawei import credentials as huawei
from kms_conformance.emulator.huawei.authenticate import signature_problem

_fault = partial(Fault, fault_class="authentication", severity="critical", families=("authentication",))


class _BodyNotCovered(Decisions):
    """The signature does not cover whitespace at the end of the body."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        if found != "wrong_signature" or inbound.body == inbound.body.rstrip():
            return super().signature_problem(found, inbound)
        bare = replace(inbound, body=inbound.body.rstrip())
        return signature_problem(bare, {huawei.ACCESS_KEY_ID: huawei.ACCESS_KEY_SECRET}, system_time())


class _QueryNotCovered(Decisions):
    """The signature does not cover the query."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        if found != "wrong_signature" or not inbound.query:
            return super().signature_problem(found, inbound)
        bare = replace(inbound, target=inbound.target.partition("?")[0])
        return signature_problem(bare, {huawei.ACCESS_KEY_ID: huawei.ACCESS_KEY_SECRET}, system_time())


class _LastParameterNotCovered(Decisions):
    """The signature does not cover the parameter `Tampered`, which no action has."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        if found != "wrong_signature":
            return super().signature_problem(found, inbound)
        kept = tuple(pair for pair in of_query(inbound) if pair[0] != b"Tampered")
        again = problem_v1(inbound.method, kept, alibaba.ACCESS_KEYS, Nonces(), system_time())
        return None if again is None else found


def _unchecked(name: str, title: str, problem: str, dialects: tuple[str, ...], *ids: str, auth: str | None) -> Fault:
    return _fault(
        name=name,
        title=title,
        dialects=dialects,
        requirements=frozenset(as_id(f"auth.{case}") for case in ids),
        decisions=(admitting(problem),),
        auth=auth,
    )


def _too_late(name: str, title: str, problem: str, dialects: tuple[str, ...], case: str, auth: str | None) -> Fault:
    return _fault(
        name=name,
        title=title,
        dialects=dialects,
        requirements=frozenset({as_id(f"auth.{case}")}),
        decisions=(changing_though_refused({problem}, with_(state=PENDING), "schedule"),),
        auth=auth,
    )


_H, _A = (HUAWEI,), (ALIBABA,)

FAULTS = (
    _unchecked(
        "token-absent-accepted", "A request without a token is accepted.", "no_credentials", _H, "missing", auth=None
    ),
    _unchecked("token-garbage-accepted", "Unknown tokens are accepted.", "bad_token", _H, "garbage", auth=None),
    replace(
        _unchecked("token-expired-accepted", "Expired tokens are accepted.", "expired_token", _H, "expired", auth=None),
        exit_code=0,
    ),
    _unchecked(
        "token-of-another-project-accepted",
        "A token is accepted for every project.",
        "wrong_project",
        _H,
        "other-project",
        auth=None,
    ),
    _unchecked(
        "aksk-absent-accepted",
        "A request without a signature is accepted.",
        "no_credentials",
        _H,
        "missing",
        auth="aksk",
    ),
    _unchecked(
        "aksk-secret-unchecked", "Wrong signatures are accepted.", "wrong_signature", _H, "wrong-secret", auth="aksk"
    ),
    _unchecked(
        "aksk-date-unchecked", "Signatures of any date are accepted.", "stale_signature", _H, "stale", auth="aksk"
    ),
    _unchecked(
        "aksk-unknown-key-accepted",
        "Unknown access keys are accepted.",
        "unknown_access_key",
        _H,
        "unknown-access-key",
        auth="aksk",
    ),
    _fault(
        name="aksk-body-not-covered",
        title="A body that was changed after signing is accepted.",
        dialects=_H,
        requirements=frozenset({"auth.tampered"}),
        decisions=(_BodyNotCovered,),
        auth="aksk",
    ),
    _fault(
        name="aksk-query-not-covered",
        title="A query that was added after signing is accepted.",
        dialects=_H,
        requirements=frozenset({"auth.tampered"}),
        decisions=(_QueryNotCovered,),
        auth="aksk",
    ),
    _unchecked(
        "rpc-absent-accepted", "A request without a signature is accepted.", "no_credentials", _A, "missing", auth=None
    ),
    _unchecked(
        "rpc-v1-absent-accepted",
        "A request without a signature is accepted.",
        "no_credentials",
        _A,
        "missing",
        auth="v1",
    ),
    _unchecked(
        "rpc-secret-unchecked", "Wrong signatures are accepted.", "wrong_signature", _A, "wrong-secret", auth=None
    ),
    _unchecked(
        "rpc-v1-secret-unchecked", "Wrong signatures are accepted.", "wrong_signature", _A, "wrong-secret", auth="v1"
    ),
    _unchecked("rpc-date-unchecked", "Signatures of any date are accepted.", "stale_signature", _A, "stale", auth=None),
    _unchecked(
        "rpc-v1-date-unchecked", "Signatures of any date are accepted.", "stale_signature", _A, "stale", auth="v1"
    ),
    _unchecked(
        "rpc-unknown-key-accepted",
        "Unknown access keys are accepted.",
        "unknown_access_key",
        _A,
        "unknown-access-key",
        auth=None,
    ),
    _fault(
        name="rpc-v1-parameters-not-covered",
        title="A parameter that was added after signing is accepted.",
        dialects=_A,
        requirements=frozenset({"auth.tampered"}),
        decisions=(_LastParameterNotCovered,),
        auth="v1",
    ),
    _too_late(
        "token-absent-refused-but-done",
        "A request without a token is refused, but carried out.",
        "no_credentials",
        _H,
        "missing",
        None,
    ),
    _too_late(
        "token-garbage-refused-but-done",
        "A request with a wrong token is refused, but carried out.",
        "bad_token",
        _H,
        "garbage",
        None,
    ),
    _too_late(
        "project-checked-too-late",
        "A request for another project is refused, but carried out.",
        "wrong_project",
        _H,
        "other-project",
        None,
    ),
    _too_late(
        "aksk-refused-but-done",
        "A request with a wrong signature is refused, but carried out.",
        "wrong_signature",
        _H,
        "wrong-secret",
        "aksk",
    ),
    _too_late(
        "rpc-refused-but-done",
        "A request with a wrong signature is refused, but carried out.",
        "wrong_signature",
        _A,
        "wrong-secret",
        None,
    ),
    _too_late(
        "rpc-stale-refused-but-done",
        "A request with a stale signature is refused, but carried out.",
        "stale_signature",
        _A,
        "stale",
        None,
    ),
    _fault(
        name="token-garbage-fails",
        title="A wrong token causes an internal error.",
        severity="major",
        dialects=_H,
        requirements=frozenset({"auth.garbage", "reply.no-server-error"}),
        decisions=(answering(500, "KMS.0105", "bad_token"),),
    ),
    _fault(
        name="token-absent-wrong-status",
        title="A request without a token is refused with 400.",
        severity="minor",
        dialects=_H,
        requirements=frozenset({"auth.missing"}),
        decisions=(answering(400, "KMS.0301", "no_credentials"),),
    ),
    _fault(
        name="rpc-secret-wrong-code",
        title="A wrong signature is refused as an invalid parameter.",
        severity="minor",
        dialects=_A,
        requirements=frozenset({"auth.wrong-secret"}),
        decisions=(answering(400, "InvalidParameter", "wrong_signature"),),
    ),
    _fault(
        name="rpc-replay-wrong-code",
        title="A repeated nonce is refused as a wrong signature.",
        severity="minor",
        dialects=_A,
        requirements=frozenset({"auth.replayed-nonce"}),
        decisions=(answering(400, "SignatureDoesNotMatch", "replayed_nonce"),),
        exit_code=0,
    ),
    *(
        _unchecked(f"sigv4-{name}", title, problem, (AWS,), case, auth=None)
        for name, title, problem, case in (
            ("absent-accepted", "A request without a signature is accepted.", "no_credentials", "missing"),
            (
                "incomplete-accepted",
                "Incomplete signatures are accepted.",
                "incomplete_signature",
                "incomplete",
            ),
            ("secret-unchecked", "Wrong signatures are accepted.", "wrong_signature", "wrong-secret"),
            ("date-unchecked", "Signatures of any date are accepted.", "stale_signature", "stale"),
            ("region-unchecked", "A signature for another region is accepted.", "other_region", "other-region"),
            ("unknown-key-accepted", "Unknown access keys are accepted.", "unknown_access_key", "unknown-access-key"),
        )
    ),
    *(
        _too_late(f"sigv4-{name}", f"The request is refused, but carried out: {name}.", problem, (AWS,), case, None)
        for name, problem, case in (
            ("wrong-refused-but-done", "wrong_signature", "wrong-secret"),
            ("stale-refused-but-done", "stale_signature", "stale"),
        )
    ),
    _fault(
        name="sigv4-secret-wrong-code",
        title="A wrong signature is refused as an invalid request.",
        severity="minor",
        dialects=(AWS,),
        requirements=frozenset({"auth.wrong-secret"}),
        decisions=(answering(400, "ValidationException", "wrong_signature"),),
    ),
)
