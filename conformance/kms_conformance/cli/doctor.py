"""`doctor`: checks whether a run on a target is possible, and changes nothing there."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.client.ledger import Ledger
from kms_conformance.core import specs
from kms_conformance.core.errors import refuse_replaced
from kms_conformance.core.text import say
from kms_conformance.preflight.doctor import Finding, diagnose
from kms_conformance.target import Target, load_targets
from kms_conformance.verdict.decide import EXIT_CODES

_MARKS = {"ok": " ", "warn": "!", "bad": "x"}


@click.command()
@click.option("--target", "targets", multiple=True, required=True, metavar="FILE", help="A target file.")
def doctor(targets: tuple[str, ...]) -> int:
    """Connect to each target, sign in, and show how many keys a run would create and their cost; changes nothing."""
    refuse_replaced()
    return max(_diagnose(target) for target in load_targets([Path(path) for path in targets]))


def _diagnose(target: Target) -> int:
    say(f"{target.name}: {target.dialect}, profile {target.profile}")
    if specs.is_own(target.profile):
        say("  The profile is your own: answers that only this profile accepts are your claim.")
    worst = 0
    for finding in diagnose(target, Ledger.of(target)):
        _show(finding)
        worst = max(worst, EXIT_CODES["inconclusive"] if finding.level == "bad" else 0)
    return worst


def _show(finding: Finding) -> None:
    say(f"{_MARKS[finding.level]} {finding.topic}: {finding.text}")
    if finding.next:
        say(f"    next: {finding.next}")
