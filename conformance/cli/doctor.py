"""`doctor`: preflight; changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import click

from conformance.bench import Bench
from conformance.judge import Inconclusive
from conformance.ledger import Ledger
from conformance.target import Target, load_targets
from conformance.tier import EFFORTS
from conformance.verdict import EXIT_CODES

# Signatures are refused beyond 15 minutes of skew; half of it deserves a word.
_SKEW_SECONDS = 450


@click.command()
@click.option("--target", "targets", multiple=True, required=True, metavar="FILE", help="A target file.")
def doctor(targets: tuple[str, ...]) -> int:
    """Reach each target, sign in, and say what a run would create and what that costs; changes nothing."""
    return max(_examine(target) for target in load_targets([Path(path) for path in targets]))


def _examine(target: Target) -> int:
    click.echo(f"{target.name}: {target.dialect}, profile {target.profile}, {target.base_url}")
    bench = Bench(target, Ledger.of(target), keys=0)
    try:
        bench.enter()
        keys = bench.pool.census()
        answer = bench.client.ask("list")
    except Inconclusive as error:
        click.echo(f"  not usable: {error.reason}", err=True)
        if error.hint:
            click.echo(f"  next: {error.hint}", err=True)
        return EXIT_CODES["inconclusive"]
    finally:
        bench.client.close()
    click.echo("  reached and signed in")
    click.echo(f"  clock: {_skew(answer.reply.header('Date'))}")
    profile = bench.client.profile
    click.echo(f"  keys there: {len(keys)}; quota by the profile: {profile.facts['key_quota']}")
    needed = {tier: min(effort.keys, target.limits.max_keys) for tier, effort in EFFORTS.items()}
    tiers = ", ".join(f"{count} at {tier}" for tier, count in needed.items())
    days = profile.window.minimum
    click.echo(f"  a run would create at most: {tiers} keys")
    click.echo(f"  what remains afterwards: those keys, scheduled for deletion, for {days} days")
    click.echo("  cost: keys count against the quota until they are gone; see the vendor's price list for active keys")
    without = "" if bench.time.offered else "no time_control, so what follows the waiting period stays inconclusive"
    click.echo(f"  waiting period: {without or 'can be moved through by time_control'}")
    unfinished = bench.ledger.unfinished()
    if unfinished:
        click.echo(f"  earlier runs left {len(unfinished)} key(s) unscheduled: `kms-conformance sweep` finishes that")
    return 0


def _skew(date: str | None) -> str:
    if date is None:
        return "the endpoint does not say what time it is"
    try:
        skew = (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return f"the endpoint's Date header cannot be read: {date!r}"
    if abs(skew) > _SKEW_SECONDS:
        return f"the endpoint is {skew:+.0f} s off: signatures may be refused; correct this machine's clock"
    return f"in step with the endpoint ({skew:+.0f} s)"
