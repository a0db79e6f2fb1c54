"""`sweep`: schedules for deletion the keys that earlier runs left."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.core.errors import refuse_replaced
from kms_conformance.core.folders import try_ledgers
from kms_conformance.core.text import say
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.target import Target, load_targets
from kms_conformance.verdict.decide import EXIT_CODES


@click.command()
@click.option("--target", "targets", multiple=True, required=True, metavar="FILE", help="A target file.")
@click.option("--dry-run", is_flag=True, help="List the keys without changing them.")
def sweep(targets: tuple[str, ...], dry_run: bool) -> int:  # noqa: FBT001 - an option
    """Schedule for deletion the keys that earlier runs created and left.

    What these runs gave to the keys, such as aliases and tags, is given back first. Only keys are changed that this
    suite created, as the ledger proves. The keys of a run in progress are not changed.
    """
    refuse_replaced()
    codes = [sweep_target(target, dry_run=dry_run) for target in load_targets([Path(path) for path in targets])]
    return max(codes)


def sweep_target(target: Target, *, dry_run: bool) -> int:
    """Schedule the keys that earlier runs left at one target, and give back what these have; returns the exit code."""
    ledger = Ledger.of(target)
    if not dry_run:
        try_ledgers(ledger.path.parent)
    target_session = TargetSession(target, ledger, keys=0)
    try:
        target_session.open()
        found = target_session.pool.recover(write=not dry_run)
        say(f"{target.name}: {len(found.undone)} key(s) of ours to schedule for deletion, by the ledger {ledger.path}.")
        for key in found.undone:
            say(f"  {key}")
        for key in found.burdened:
            say(f"{target.name}: {key} may have {_told(ledger, key)} of a run, to be given back.")
        for key in found.unrecorded:
            say(f"{target.name}: {key} has the description of a key of ours, but is not in this ledger: not changed.")
        left = () if dry_run else target_session.pool.release()
    except Inconclusive as error:
        say(f"{target.name}: {error}", err=True)
        return EXIT_CODES["inconclusive"]
    finally:
        target_session.close()
    for record in ledger.unfinished() if not dry_run else ():
        reason = record.facts.get("reason", "the reason is not known")
        say(f"{target.name}: {record.named} could not be scheduled for deletion: {reason}.", err=True)
    kept = () if dry_run else target_session.pool.give_back.kept
    for each in kept:
        say(f"{target.name}: the {each.kind} of the key {each.key} could not be given back: {each.reason}.", err=True)
    for record, shown in ledger.elsewhere():
        say(f"{target.name}: {record.named} belongs to another account ({shown}): use its credentials to sweep it.")
    if left or kept or (not dry_run and ledger.unfinished()):
        say(f"{target.name}: repair the cause, then run sweep again.", err=True)
        return EXIT_CODES["inconclusive"]
    return 0


def _told(ledger: Ledger, key: str) -> str:
    return ", ".join(ledger.belongings.of(key)) or "something"
