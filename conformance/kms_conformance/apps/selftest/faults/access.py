"""Faults of credentials that are nearly right, and of requests that are refused but carried out in some state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING, Change, Mixin, with_
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.request_mutations import Seeing
from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Inbound, Key, State
from kms_conformance.emulator.alibaba import authenticate as alibaba
from kms_conformance.emulator.alibaba import credentials as alibaba_keys
from kms_conformance.emulator.alibaba.parameters import of_form, of_query
from kms_conformance.emulator.aws import authenticate as aws
from kms_conformance.emulator.aws import credentials as aws_keys
from kms_conformance.emulator.huawei import authenticate as huawei
from kms_conformance.emulator.huawei import credentials as huawei_keys

_fault = partial(Fault, fault_class="authentication", severity="critical", families=("authentication",))
_SIGNED = (ALIBABA, AWS)
_CREDENTIALS = ("no_credentials", "bad_token", "wrong_signature", "unknown_access_key", "stale_signature")


# --- signatures -------------------------------------------------------------------------------------------------------


def _problem(inbound: Inbound) -> str | None:
    """The problem of a signature in the dialect whose signature this is."""
    now = REAL.now()
    if inbound.header("x-amz-date"):
        return aws.signature_problem(inbound, aws_keys.ACCESS_KEYS, (aws_keys.REGION, "kms"), now)
    if inbound.header("x-sdk-date"):
        return huawei.signature_problem(inbound, {huawei_keys.ACCESS_KEY_ID: huawei_keys.ACCESS_KEY_SECRET}, now)
    if inbound.header("x-acs-date"):
        return alibaba.problem_v3(inbound, alibaba_keys.ACCESS_KEYS, alibaba.Nonces(), now)
    pairs = (*of_query(inbound), *of_form(inbound))
    found = alibaba.problem_v1(inbound.method, pairs, alibaba_keys.ACCESS_KEYS, alibaba.Nonces(), now)
    return None if found is None else found.refusal


def _not_covering(others: Callable[[Inbound], Iterable[Inbound]]) -> Mixin:
    """A signature is accepted if it is right for one of the other requests that `others` makes of the request."""

    class NotCovering(Decisions):
        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            admitted = found == "wrong_signature" and any(_problem(other) is None for other in others(inbound))
            return None if admitted else super().signature_problem(found, inbound)

    return NotCovering


def _methods(inbound: Inbound) -> Iterable[Inbound]:
    return (replace(inbound, method=method) for method in ("GET", "POST", "PUT", "DELETE"))


def _operations(inbound: Inbound) -> Iterable[Inbound]:
    """The request as one for the operations describe, list and schedule."""
    last = inbound.path.rpartition("/")[2]
    for path in ("describe-key", "list-keys", "schedule-key-deletion"):
        yield replace(inbound, target=inbound.target.replace(last, path, 1) if last else inbound.target)
    for action in ("DescribeKey", "ListKeys", "ScheduleKeyDeletion"):
        headers = tuple((name, _with_action(name, value, action)) for name, value in inbound.headers)
        target = "&".join(_with_action(piece.partition("=")[0], piece, action) for piece in inbound.target.split("&"))
        yield replace(inbound, headers=headers, target=target)


def _with_action(name: str, text: str, action: str) -> str:
    changed = {"x-acs-action": action, "x-amz-target": f"TrentService.{action}"}
    if name.lower() in changed:
        return changed[name.lower()]
    return f"{name}={action}" if name.rpartition("?")[2] == "Action" else text


def _age(inbound: Inbound) -> timedelta:
    """How long ago a request was signed; negative for a time to come."""
    for text, form in (
        (inbound.header("x-amz-date"), "%Y%m%dT%H%M%SZ"),
        (inbound.header("x-sdk-date"), "%Y%m%dT%H%M%SZ"),
        (inbound.header("x-acs-date"), "%Y-%m-%dT%H:%M:%SZ"),
        (inbound.parameters.get("Timestamp"), "%Y-%m-%dT%H:%M:%SZ"),
    ):
        if text:
            return REAL.now() - datetime.strptime(str(text), form).replace(tzinfo=UTC)
    return timedelta(days=999)


def _admitting(problem: str, when: Callable[[Inbound], bool]) -> Mixin:
    class Admitting(Decisions):
        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return None if found == problem and when(inbound) else super().signature_problem(found, inbound)

        def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return None if found == problem and when(inbound) else super().token_problem(found, inbound)

    return Admitting


def _scope(inbound: Inbound) -> list[str]:
    """Day, region and service in the scope of a signature."""
    credential = (inbound.header("authorization") or "").partition("Credential=")[2].partition(",")[0]
    return credential.split("/")[1:4]


def _token(inbound: Inbound) -> str:
    return inbound.header("x-auth-token") or ""


def _is_longer(inbound: Inbound) -> bool:
    return _token(inbound).startswith(huawei_keys.TOKEN)


def _is_half(inbound: Inbound) -> bool:
    token = _token(inbound)
    return len(token) * 2 >= len(huawei_keys.TOKEN) and huawei_keys.TOKEN.startswith(token)


def _is_in_another_case(inbound: Inbound) -> bool:
    return _token(inbound).lower() == huawei_keys.TOKEN.lower()


def _is_temporary(inbound: Inbound) -> bool:
    signed = (inbound.header("authorization") or "") + str(inbound.parameters.get("AccessKeyId", ""))
    return aws_keys.STS_ACCESS_KEY_ID in signed or alibaba_keys.STS_ACCESS_KEY_ID in signed


def _of_each(name: str, title: str, requirement: str, does: Mixin) -> tuple[Fault, ...]:
    """One row for dialects whose default credentials sign, and one for the access key of Huawei."""
    row = _fault(
        name=name,
        title=title,
        dialects=_SIGNED,
        requirements=frozenset({as_id(requirement)}),
        decisions=(does,),
    )
    return row, replace(row, dialects=(HUAWEI,), auth="aksk")


# --- refused, but carried out -----------------------------------------------------------------------------------------


def _done(operation: str, states: Collection[State], change: Change, refusals: Collection[str]) -> Mixin:
    """A refused request changes the key that it names, if the key is in one of these states."""

    class Done(Decisions):
        def effects_of_refusal(
            self, operation_asked: str | None, refusal: str, key: Key | None, keys: Collection[Key]
        ) -> Iterable[Key]:
            meant = operation_asked == operation and refusal in refusals and key is not None and key.state in states
            return (change(key),) if meant and key is not None and not key.default else ()

    return Done


def _though_refused(name: str, operation: str, state: State, change: Change, dialects: tuple[str, ...] = ()) -> Fault:
    words = state.value.replace("_", " ")
    row = _fault(
        name=f"refused-caller-{name}",
        title=f"On a key that is {words}, {operation} is refused for bad credentials, but carried out.",
        requirements=frozenset(
            as_id(f"auth.{case}") for case in ("missing", "garbage", "wrong-secret", "unknown-access-key", "stale")
        ),
        decisions=(_done(operation, (state,), change, _CREDENTIALS),),
        why_more="Each bad credential has a requirement of its own.",
    )
    return replace(row, dialects=dialects) if dialects else row


class _AliasGiven(Seeing):
    """An alias is given although the credentials of the request are bad."""

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation != "set_alias" or refusal not in _CREDENTIALS or key is None or self.inbound is None:
            return ()
        sent = self.inbound.parameters
        return (replace(key, aliases=(str(sent.get("AliasName", sent.get("key_alias"))),)),)


def _waiting(key: Key) -> Key:
    return replace(key, state=PENDING, deletion=REAL.now() + timedelta(days=7), window_days=7)


def _later(key: Key) -> datetime:
    return (key.deletion or REAL.now()) + timedelta(days=2)


FAULTS = (
    *(
        replace(row, dialects=(dialect,), exit_code=exit_code)
        for row in _of_each(
            "signature-early-accepted",
            "A signature is accepted however far ahead its time lies.",
            "auth.early",
            _admitting("stale_signature", when=lambda inbound: _age(inbound) < timedelta()),
        )
        for dialect in row.dialects
        for exit_code in ((0,) if dialect == ALIBABA else (1,))
    ),
    *_of_each(
        "signature-without-method",
        "The signature does not cover the method of the request.",
        "auth.tampered",
        _not_covering(_methods),
    ),
    *_of_each(
        "signature-without-operation",
        "The signature does not cover the operation of the request.",
        "auth.tampered",
        _not_covering(_operations),
    ),
    _fault(
        name="sigv4-service-unchecked",
        title="A signature for another service is accepted.",
        dialects=(AWS,),
        requirements=frozenset({"auth.other-scope"}),
        decisions=(_admitting("other_region", lambda inbound: _scope(inbound)[1:2] == [aws_keys.REGION]),),
    ),
    _fault(
        name="sigv4-day-unchecked",
        title="A signature is accepted whose scope names another day than its date.",
        dialects=(AWS,),
        requirements=frozenset({"auth.other-scope"}),
        decisions=(_admitting("stale_signature", lambda inbound: abs(_age(inbound)) < timedelta(minutes=15)),),
    ),
    *(
        _fault(
            name=f"token-{name}",
            title=title,
            dialects=(HUAWEI,),
            requirements=frozenset({"auth.altered-token"}),
            decisions=(_admitting("bad_token", when),),
            exit_code=0,
        )
        for name, title, when in (
            ("longer-accepted", "A token is accepted if it begins with a valid one.", _is_longer),
            ("half-accepted", "The first half of a token is accepted.", _is_half),
            ("case-ignored", "Tokens are compared without regard to case.", _is_in_another_case),
        )
    ),
    *(
        _fault(
            name=f"sts-token-{name}",
            title=title,
            dialects=_SIGNED,
            requirements=frozenset({"auth.unknown-access-key"}),
            decisions=(_admitting(problem, _is_temporary),),
            auth="sts",
        )
        for name, title, problem in (
            ("absent-accepted", "A temporary access key is accepted without its token.", "unknown_access_key"),
            ("unchecked", "A temporary access key is accepted with any token.", "bad_token"),
        )
    ),
    _though_refused("enables-disabled", "enable", DISABLED, with_(state=ENABLED)),
    _though_refused("schedules-disabled", "schedule", DISABLED, _waiting),
    _though_refused("enables-pending", "enable", PENDING, with_(state=ENABLED, deletion=None, window_days=None)),
    _though_refused("disables-pending", "disable", PENDING, with_(state=DISABLED, deletion=None, window_days=None)),
    _though_refused("reschedules-pending", "schedule", PENDING, lambda key: replace(key, deletion=_later(key))),
    _though_refused("describes-pending", "update_description", PENDING, with_(description="changed")),
    _though_refused("tags", "tag", ENABLED, with_(tags=(("kms-conformance", "refused"),)), _SIGNED),
    replace(_though_refused("gives-alias", "set_alias", ENABLED, with_()), decisions=(_AliasGiven,)),
    _though_refused("grants", "put_policy", ENABLED, with_(policy="{}"), (AWS,)),
    _though_refused("rotates", "enable_rotation", ENABLED, with_(rotated=True), (AWS,)),
)
