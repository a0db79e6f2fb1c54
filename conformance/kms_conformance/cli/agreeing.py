"""Asks the owners of real accounts whether they agree, at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import click

from kms_conformance.core.tier import Tier
from kms_conformance.preflight.consent import question
from kms_conformance.target import Target


def agreed(targets: Iterable[Target], asked: Callable[[Target], str]) -> bool:
    """Whether the user agrees to what `asked` words, target by target; raises `click.Abort` where he does not.

    Without a terminal nobody is asked, and nothing is agreed to.
    """
    open_ones = [target for target in targets if target.is_real and not target.real_account]
    if not open_ones or not sys.stdin.isatty():
        return False
    for target in open_ones:
        click.confirm(asked(target), abort=True)
    return True


def agreed_to_run(targets: Iterable[Target], tier: Tier) -> bool:
    """The same of a run at this tier."""
    return agreed(targets, lambda target: question(target, tier))
