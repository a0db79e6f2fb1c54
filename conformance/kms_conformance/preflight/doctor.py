"""The doctor: finds out before a run whether a target can be used, and what stands in the way. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from kms_conformance.auth import SignerFactory, SignInFailed, sabotages
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.lease import LocksDoNotHold
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.target_client import Client
from kms_conformance.client.time_control import reach_of_run, skew
from kms_conformance.core.folders import StorageError, try_ledgers
from kms_conformance.core.text import counted
from kms_conformance.core.tier import TIERS, keys_allowed
from kms_conformance.dialects.base import Owner
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.preflight import account
from kms_conformance.preflight.account import Advice, advise, cost_of
from kms_conformance.preflight.clock_moves import days, moves_of
from kms_conformance.target import Target
from kms_conformance.wire.tls import Unreachable, probe

#: The doctor warns if a TLS certificate has fewer days left than this: it may expire before its operator notices a
#: failing nightly run.
_DAYS_LEFT = 14
# The age in seconds that a request signature may have, if the profile gives none. Both gateways that document a limit
# allow 15 minutes.
_SIGNATURE_SECONDS = 900


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's output.

    - `level`: `bad` if a run could reach no verdict.
    - `next`: the next step for the user, if there is one.
    """

    topic: str
    text: str
    level: Literal["ok", "warn", "bad"] = "ok"
    next: str = ""


def diagnose(target: Target, ledger: Ledger) -> Iterator[Finding]:
    """Yield findings about a target, without secrets; the target is not changed."""
    target_session = TargetSession(target, ledger, keys=0)
    clean = target_session.client.exchange_log.redactor.text
    try:
        for finding in _findings(target, ledger, target_session):
            yield Finding(finding.topic, clean(finding.text), finding.level, clean(finding.next))
    except Inconclusive as error:
        yield Finding("not usable", clean(error.reason), "bad", clean(error.hint))
    finally:
        target_session.client.close()


def _of_this_machine(target: Target, ledger: Ledger) -> Iterator[Finding]:
    """Findings that need no request: whether the ledger's folder can be used, and the secrets of the target file."""
    try:
        try_ledgers(ledger.path.parent)
        ledger.try_locks()
    except (StorageError, LocksDoNotHold) as error:
        what, _, hint = str(error).split("\n")
        yield Finding("ledger", what, "bad", hint)
    if target.ordinary:
        text = (
            f"{len(target.ordinary)} of the target file's secrets are short or ordinary words: these are redacted only "
            "in places of credentials, and not searched for elsewhere"
        )
        yield Finding("secrets", text, "warn", "Use longer, random secrets.")


def _findings(target: Target, ledger: Ledger, target_session: TargetSession) -> Iterator[Finding]:
    yield from _of_this_machine(target, ledger)
    try:
        yield _endpoint(target)
    except Unreachable as error:
        yield Finding("endpoint", error.why, "bad", error.hint)
        return
    client = target_session.client
    try:
        client.sign_in()
    except SignInFailed as error:
        yield Finding("signed in", f"no. {error.what} {error.why}", "bad", error.hint)
        return
    # This request is signed like any other, because it tests the credentials.
    answer = client.send(client.dialect.request("list", {}), client.api["list"], client.signer)
    if answer.front is not None:
        yield Finding("service", f"not reached: {answer.front.text}", "bad", answer.front.next_step)
        return
    now = client.session.endpoint_now()
    ahead = now - client.world.clock.now()
    off = skew(answer.reply.header("Date"), answer.sent_at + ahead, now)
    yield _clock(target, client, off)
    if not answer.accepted:
        yield from _refused(target, client, answer.status, answer.code, answer.summary, off)
        return
    keys = target_session.pool.list_keys()
    owner = client.dialect.owner(answer.value)
    yield _signed_in(target, client, owner)
    whose = client.dialect.scope if owner is None else owner.account
    if whose:
        ledger.belongs_to(whose, whose, note=False)
    problem = account.account_problem(client)
    if problem is not None:
        yield Finding("account", problem, "bad", "Settle this with the vendor: the account cannot use the service.")
    yield _quota(target, account.quota(client, len(keys)))
    yield from _collisions(target_session, ledger, keys)
    yield from _run(target, client)
    yield _waiting_period(target, ledger, target_session, keys)
    if target_session.pool.denied:
        yield _denied(len(target_session.pool.denied), len(keys))
    yield from _left(ledger)


def _waiting_period(target: Target, ledger: Ledger, target_session: TargetSession, keys: tuple[str, ...]) -> Finding:
    if not target_session.time.offered:
        text = "no time_control: requirements on the end of the waiting period stay inconclusive"
        return Finding("waiting period", text)
    reach = {tier: reach_of_run(target_session.client.profile, tier) for tier in TIERS}
    most = ", ".join(f"{days(reach[tier])} at {tier}" for tier in TIERS)
    moved = (
        "all of the server's time, and signs by it,"
        if target_session.time.moves_everything
        else ("the lifetimes of all keys, and no other time,")
    )
    text = f"a run moves {moved} by at most {most}"
    if target.disposable:
        return Finding("waiting period", f"{text}; the target file says that no key here matters (`disposable`)")
    moves = moves_of(target_session, ledger, keys, reach["standard"])
    if moves.harmless:
        return Finding("waiting period", f"{text}; at standard, no key of others ends by that")
    return Finding(
        "waiting period",
        f"{text}; at standard, these keys of others may be gone after that: {', '.join(moves.lines())}",
        "warn",
        "`run` asks before, and ends with exit code 2 where it cannot ask: add --yes if that is right. If no key at "
        "this endpoint matters, write `disposable: true` into the target file.",
    )


def _denied(denied: int, listed: int) -> Finding:
    return Finding(
        "other keys",
        f"{denied} of {counted(listed, 'key')} may not be described with these credentials: only the lists show that a "
        "run leaves them alone",
    )


def _left(ledger: Ledger) -> Iterator[Finding]:
    unfinished = ledger.unfinished()
    if unfinished:
        text = f"earlier runs left {len(unfinished)} key(s) that are not known to be scheduled for deletion"
        yield Finding("left behind", text, "warn", "`kms-conformance sweep --target FILE` schedules them.")
    burdened = [record for record in ledger.burdened() if ledger.belongings.of(str(record.key))]
    if burdened:
        text = f"earlier runs left aliases, tags or the like on {len(burdened)} key(s) of this suite"
        yield Finding("left on keys", text, "warn", "`kms-conformance sweep --target FILE` gives them back.")
    for account_id in sorted({shown for _, shown in ledger.elsewhere()}):
        text = f"the ledger has keys of the account {account_id} that are not scheduled; this is another account"
        hint = "`kms-conformance sweep --target FILE` with credentials of that account schedules them."
        yield Finding("left elsewhere", text, "warn", hint)


def _endpoint(target: Target) -> Finding:
    seen = probe(target.base_url, target.verify, target.limits.timeout_seconds)
    if seen is None:
        return Finding("endpoint", f"{target.shown_url} reached; plain HTTP, no TLS")
    text = f"{target.shown_url} reached; {seen.version}, certificate good for {seen.days_left} days"
    if seen.days_left < _DAYS_LEFT:
        return Finding("endpoint", text, "warn", "The operator of the endpoint should renew its certificate.")
    return Finding("endpoint", text)


def _is_signed(target: Target, client: Client) -> bool:
    return any(found.name == "stale" for found in sabotages(target, SignerFactory(client.session)))


def _clock(target: Target, client: Client, off: float | None) -> Finding:
    if off is None:
        return Finding("clock", "the endpoint sends no Date header, so clocks are not compared")
    text = f"this machine and the endpoint differ by {abs(off):.0f} s"
    tolerance = client.profile.deletion.date_tolerance_seconds
    signatures = client.profile.facts.get("signature_seconds", _SIGNATURE_SECONDS)
    breaks = [] if target.time_control else [f"deletion dates, which may be {tolerance} s off"]
    if abs(off) > signatures and _is_signed(target, client):
        breaks.append(f"signatures, which may be {signatures} s old")
    if abs(off) <= tolerance / 2 or not breaks:
        return Finding("clock", text)
    behind = "behind" if off > 0 else "ahead of"
    return Finding(
        "clock",
        f"{text} (this one is {behind} it); that breaks {' and '.join(breaks)}",
        "bad",
        "Correct this machine's clock (NTP); if it is right, inform the operator of the endpoint.",
    )


def _refused(
    target: Target, client: Client, status: int, code: str | None, summary: str, off: float | None
) -> Iterator[Finding]:
    signatures = client.profile.facts.get("signature_seconds", _SIGNATURE_SECONDS)
    advice = advise(
        client.profile,
        status,
        code,
        signed=_is_signed(target, client),
        clock_is_off=off is not None and abs(off) > signatures / 2,
    ) or (Advice("The profile has no such answer.", "Check base_url, `dialect` and `auth` in the target file."),)
    for possible in advice:
        either = "" if len(advice) == 1 else " (or another of these)"
        yield Finding("signed in", f"no, refused with {summary}. {possible.means}{either}", "bad", possible.next)


def _signed_in(target: Target, client: Client, owner: Owner | None) -> Finding:
    if owner is not None:
        return Finding("signed in", f"by {target.auth.way}; account {owner.account}, region {owner.region}")
    project = f" for the project {client.dialect.scope}" if client.dialect.scope else ""
    return Finding("signed in", f"by {target.auth.way}{project}; the API does not show the account")


def _quota(target: Target, found: account.Quota) -> Finding:
    source = "the endpoint says" if found.reported else "counted; the limit is the documented one"
    text = f"{found.used} of {found.limit} keys used, {found.left} left ({source}); pending keys count"
    needed = keys_allowed("smoke", target.limits.max_keys)
    if found.left >= needed:
        return Finding("quota", text)
    return Finding(
        "quota",
        f"{text}. The quota is exhausted: even a smoke run creates {needed}",
        "bad",
        "Have the quota raised, use another project or account, or wait until scheduled keys are gone.",
    )


def _collisions(target_session: TargetSession, ledger: Ledger, keys: tuple[str, ...]) -> Iterator[Finding]:
    found = [key for key, _ in account.keys_in_use(target_session.pool, ledger, keys)]
    if found:
        shown = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        yield Finding(
            "other runs",
            f"{len(found)} key(s) in use have this suite's marker and are not in the ledger {ledger.path}: {shown}",
            "bad",
            "Wait until their run has ended, or copy its ledger here and run `kms-conformance sweep --target FILE`.",
        )
    if len(keys) > account.MOST_LOOKED_AT:
        text = f"of {len(keys)} keys, {account.MOST_LOOKED_AT} were searched for markers of other runs"
        yield Finding("other runs", text, "warn", "Use an account with fewer keys if possible.")


def _run(target: Target, client: Client) -> Iterator[Finding]:
    needed = {tier: keys_allowed(tier, target.limits.max_keys) for tier in TIERS}
    counts = ", ".join(f"{count} keys at {tier}" for tier, count in needed.items())
    where = "" if target.instance_id is None else f" in the instance {target.instance_id}"
    at_once = " at once, keys that end because it moves the clock not counted" if target.time_control else ""
    yield Finding("a run creates", f"at most {counts}{where}{at_once}; it changes nothing else")
    if client.profile.facts.get("instances", False) and target.is_real and target.instance_id is None:
        text = "no instance_id: keys are created in no instance, which accounts opened since 2022-03-31 cannot do"
        yield Finding(
            "instance", text, "ok", "If the account has a KMS instance, set `instance_id` in the target file."
        )
    measured = client.profile.facts.get("requests")
    pace = target.limits.requests_per_second
    if measured is None:
        yield Finding("a run sends", "number of requests not known for this dialect: see `requests` in verdict.json")
    else:
        per_tier = [f"about {count} requests at {tier}{_taking(count, pace)}" for tier, count in measured.items()]
        rest = [f"not measured at {tier}" for tier in TIERS if tier not in measured]
        yield Finding("a run sends", ", ".join(per_tier + rest))
    late, most = client.profile.settle_seconds, target.limits.wait_minutes
    text = f"a change may show up to {late:g} s late; a run waits at most {most:g} min in all (limits.wait_minutes)"
    yield Finding("late changes", text)
    yield Finding("a run costs", cost_of(client.profile, max(needed.values())))
    days = client.profile.window.minimum
    last = datetime.now(UTC) + timedelta(days=days, seconds=client.profile.deletion.gone_within_seconds)
    text = (
        f"those keys, scheduled for deletion, for {days} days: of a run that ends now, until {last:%Y-%m-%d %H:%M} UTC"
    )
    yield Finding("what remains", text)


def _taking(count: int, pace: float | None) -> str:
    return "" if pace is None else f" ({count / pace / 60:.0f} min at {pace:g} a second)"
