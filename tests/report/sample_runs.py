"""Runs that never were, as their reports would hold them; `python sample_runs.py DIR` writes them out, to look at."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from kms_conformance.auth import RpcAuth, TokenAuth
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.judge import Judgement
from kms_conformance.target import Target
from kms_conformance.verdict.decide import Run, decide
from kms_conformance.verdict.model import Verdict
from kms_conformance.verdict.results import CheckResult
from kms_conformance.verdict.waivers import Waiver
from kms_conformance.wire.exchange_log import Body, ExchangeRecord

STARTED = datetime(2026, 1, 15, 9, 30, 12, tzinfo=UTC)
RUN = Run("standard", 20260115, STARTED, 83.4)
KEY = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
OTC = Target("otc-eu-de", "huawei", "https://kms.eu-de.otc.example.com", TokenAuth("t" * 20, "0" * 32), profile="otc")
ALI = Target("ali-hangzhou", "alibaba", "https://kms.cn-hangzhou.example.com", RpcAuth("id" * 10, "secret" * 5))

# Of the requirements that several answers satisfy.
_OPEN = ("malformed-key.schedule", "malformed-key.cancel")

Decided = tuple[Verdict, list[CheckResult]]


def record(number: int, status: int | None = 200, reply: str = "", request: str = "", **changes: Any) -> dict[str, Any]:
    """One stored exchange."""
    headers = (("Content-Type", "application/json"), ("X-Request-Id", f"4c2f9a01{number:04}"), ("Server", "api"))
    made = ExchangeRecord(
        number=number,
        operation="CancelKeyDeletion",
        started="2026-01-15T09:30:15.123+00:00",
        seconds=0.0123,
        method="POST",
        url="https://kms.eu-de.otc.example.com/v1.0/00000000000000000000000000000000/kms/cancel-key-deletion",
        request_headers=(
            ("Host", "kms.eu-de.otc.example.com"),
            ("Content-Type", "application/json"),
            ("X-Auth-Token", "[redacted:OTC_TOKEN]"),
        ),
        request_body=Body(request or f'{{"key_id": "{KEY}"}}'),
        status=status,
        reason="OK" if status == 200 else "Bad Request",
        reply_headers=headers,
        reply_body=Body(reply),
        failure=None,
        failure_text=None,
    )
    if status is None:
        made = replace(made, seconds=None, reason=None, reply_headers=(), reply_body=None, failure="timeout")
        made = replace(made, failure_text="no whole reply in time")
    return replace(made, **changes).as_json()


def check(target: Target, name: str, **fields: Any) -> CheckResult:
    """The result of one check: passed unless the fields say otherwise."""
    family, _, function = name.partition("::")
    title = function.removeprefix("test_").replace("_", " ")
    defaults: dict[str, Any] = {"title": title, "outcome": "passed", "seconds": 0.2, "requests": 5, "keys_created": 0}
    return CheckResult(target=target.name, family=family, check=name, **(defaults | fields))


def passing(target: Target, besides: Sequence[str] = (), prefixes: Sequence[str] = ()) -> list[CheckResult]:
    """One check for each requirement that applies to a target, but for `besides`, which passes it."""
    profile = Profile.load(target.dialect, target.profile)
    applicable = [
        r.id for r in Catalogue.load(target.dialect) if not r.not_applicable_because(profile, target.auth.way)
    ]
    return [
        check(
            target,
            f"{name.partition('.')[0]}::test_{name.replace('.', '_')}",
            declared=(name,),
            passes={name: 3},
            productive={name: 2},
            evidence={name: (7,)},
            asked={7: "CancelKeyDeletion → 200"},
            exchanges=(record(7, reply=f'{{"key_id": "{KEY}", "key_state": "3"}}'),),
            **({"observed": {name: ("400 KMS.0205",)}, "refusals": {name: "malformed_key"}} if name in _OPEN else {}),
        )
        for name in applicable
        if name not in besides and (not prefixes or name.startswith(tuple(prefixes)))
    ]


def failing(target: Target, requirement: str, **fields: Any) -> CheckResult:
    """A check that found one requirement broken."""
    reply = f'{{"key_id": "{KEY}", "key_state": "3"}}'
    records = (record(14, reply=reply), record(15, reply=reply, operation="DescribeKey"))
    judgement = Judgement(requirement, False, "400 KMS.1501", f"200 {reply}", (14,))
    found = {"failures": (judgement,), "exchanges": records, "outcome": "failed", "declared": (requirement,)}
    name = fields.pop("name", f"sample::test_{requirement.replace('.', '_')}_fails")
    return check(target, name, **(found | fields))


@cache
def conformant(target: Target = OTC) -> Decided:
    """A run in which everything holds."""
    return decided(target, passing(target))


def decided(target: Target, checks: list[CheckResult], waivers: Sequence[Waiver] = ()) -> Decided:
    """The verdict that these checks lead to, and the checks."""
    planned = {result.check: result.declared for result in checks}
    return decide(target, checks, RUN, planned, waivers), checks


def waiver(requirement: str, reason: str) -> Waiver:
    """A waiver that counts in all samples."""
    return Waiver(requirement, reason, "storage team", date(2026, 3, 31), "https://tracker.example.com/42")


@cache
def nonconformant(target: Target = OTC) -> Decided:
    """A run with five failures: a code, a date, a reply that is no JSON, a missing field, and a SHOULD."""
    date = Judgement(
        "schedule.window.start",
        False,
        "a deletion date of 2026-01-22T09:30:15Z",
        "2026-01-23T00:00:00Z",
        (21, 22),
        "Days are 24 hours, counted from the request, in UTC.",
    )
    encoding = Judgement("reply.encoding", False, "one well-formed document", "line 1, column 1: no JSON value", (31,))
    shape = Judgement("error.shape", False, "a field error", "none", (41,))
    cleared = Judgement("cancel.date-cleared", False, "no deletion date", "2026-01-22T09:30:15Z", (51,))
    page = (
        "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
    )
    names = (
        "cancel.not-pending.enabled",
        "schedule.window.start",
        "reply.encoding",
        "error.shape",
        "cancel.date-cleared",
    )
    checks = [
        *passing(target, names),
        failing(target, "cancel.not-pending.enabled"),
        failing(
            target,
            "schedule.window.start",
            failures=(date,),
            exchanges=(
                record(21, request=f'{{"key_id": "{KEY}", "pending_days": "7"}}', operation="ScheduleKeyDeletion"),
                record(22, reply=_DESCRIBED, operation="DescribeKey"),
            ),
        ),
        failing(
            target,
            "reply.encoding",
            failures=(encoding,),
            exchanges=(record(31, 400, page, reply_headers=(("Content-Type", "text/html"),)),),
        ),
        *(
            failing(
                target,
                "error.shape",
                name=f"protocol::test_case_{number}",
                failures=(shape,),
                exchanges=(record(41, 400, '{"error_code": "KMS.0204", "error_msg": "missing"}'),),
            )
            for number in range(4)
        ),
        failing(
            target, "cancel.date-cleared", failures=(cleared,), exchanges=(record(51, reply=_DESCRIBED),), requests=7
        ),
    ]
    return decided(target, checks)


_DESCRIBED = (
    f'{{"key_info": {{"key_id": "{KEY}", "domain_id": "0", "key_alias": "kms-conformance-1a2b-0", "realm": "eu-de", '
    '"key_description": "", "creation_date": "1768469415000", "scheduled_deletion_date": "1769126400000", '
    '"key_state": "4", "default_key_flag": "0", "key_type": "1", "expiration_time": ""}}'
)


@cache
def three(target: Target = OTC) -> Decided:
    """A run with three deviations, one of which is waived, beside another that was waived and is mended."""
    names = ["cancel.not-pending.enabled", "schedule.window.below-minimum", "cancel.date-cleared", "cancel.uri"]
    short = Judgement("schedule.window.below-minimum", False, "400 KMS.1401", f'200 {{"key_id": "{KEY}"}}', (14,))
    checks = [
        *passing(target, names),
        failing(target, names[0]),
        failing(target, names[1], failures=(short,)),
        failing(target, names[2]),
        failing(target, names[3]),
    ]
    return decided(target, checks, [waiver("cancel.uri", "Mended in release 7.2, which is rolled out in February.")])


@cache
def inconclusive(target: Target = OTC) -> Decided:
    """A run at an endpoint that does not answer."""
    checks = [
        replace(
            result,
            outcome="inconclusive",
            passes={},
            productive={},
            evidence={},
            inconclusive=result.declared,
            reason="No reply (refused): no connection (Connection refused)",
            hint="Is the endpoint running, and is base_url right?",
            requests=1,
        )
        for result in passing(target)
    ]
    return decided(target, checks)


@cache
def mixed(target: Target = OTC) -> Decided:
    """A run of everything: a waived failure, two reasons for open questions, and checks that did not run."""
    expiry = "The waiting period cannot be skipped: the target offers no time_control."
    hint = "An emulator can offer one (see the target file's format); on a cloud this stays open."
    names = [
        "cancel.bad-sequence",
        "cancel.date-cleared",
        "cancel.effect",
        "lifecycle.sequence",
        "isolation.other-keys",
    ]
    checks = passing(target, names)
    checks = [
        replace(
            c,
            outcome="inconclusive",
            passes={},
            productive={},
            evidence={},
            inconclusive=c.declared,
            reason=expiry,
            hint=hint,
        )
        if c.family == "expiry"
        else c
        for c in checks
    ]
    checks += [failing(target, "cancel.date-cleared"), failing(target, "cancel.effect")]
    planned = {result.check: result.declared for result in checks} | {
        "lifecycle::test_walks_as_predicted": ("lifecycle.sequence",)
    }
    accepted = waiver("cancel.effect", "Mended in release 7.2, which is rolled out in February.")
    return decide(target, checks, RUN, planned, [accepted]), checks


def runs() -> dict[str, list[Decided]]:
    """All samples, as runs by name."""
    return {
        "conformant": [conformant()],
        "nonconformant": [nonconformant()],
        "inconclusive": [inconclusive()],
        "several": [mixed(), conformant(ALI)],
    }


def main(directory: Path) -> None:
    """Write each sample as a run would."""
    from kms_conformance.report.store import write  # noqa: PLC0415 - samples are also used without it

    for name, results in runs().items():
        write(directory / name, results)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
