"""`run`: certify targets, or the built-in emulator where none is given."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import click
import pytest

from conformance import suite
from conformance.consent import question
from conformance.target import Target, load_targets
from conformance.tier import TIERS, Tier
from conformance.verdict import USAGE_ERROR

_SUITE = Path(suite.__file__).parent


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--target", "targets", multiple=True, metavar="FILE", help="A target file; may be repeated.")
@click.option("--reports", default="reports/latest", show_default=True, metavar="DIR", help="Where results go.")
@click.option("--tier", type=click.Choice(TIERS), default="standard", show_default=True, help="How much is asked.")
@click.option("--seed", type=int, default=None, help="Repeat a run's generated requests.")
@click.option("--waivers", default=None, metavar="FILE", help="Requirements whose failure is accepted, with reasons.")
@click.option("--yes", is_flag=True, help="Create keys in accounts that are not on this machine, without asking.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST ARGS]")
def run(
    targets: tuple[str, ...],
    reports: str,
    tier: str,
    seed: int | None,
    waivers: str | None,
    yes: bool,  # noqa: FBT001 - an option
    pytest_args: tuple[str, ...],
) -> int:
    """Certify each target, and leave a verdict and a report.

    With no target, the built-in emulator is certified in every dialect. Exit code: 0 conformant, 1 nonconformant,
    2 usage or target-file error, 3 inconclusive.
    """
    directory = Path(reports).resolve()
    consent = yes or _asked(load_targets([Path(target) for target in targets]), cast("Tier", tier))
    options = [f"--target={Path(target).resolve()}" for target in targets]
    options += [f"--reports={directory}", f"--tier={tier}"]
    options += ["--kms-yes"] if consent else []
    options += [] if seed is None else [f"--seed={seed}"]
    options += [] if waivers is None else [f"--waivers={Path(waivers).resolve()}"]
    code = int(pytest.main([*_FIXED, *options, *_outputs(directory), *pytest_args, str(_SUITE)]))
    return USAGE_ERROR if code == pytest.ExitCode.USAGE_ERROR else code


def _asked(targets: Iterable[Target], tier: Tier) -> bool:
    """Whether the user agrees, target by target; without a terminal nobody is asked, and nothing is agreed to."""
    open_ones = [target for target in targets if target.is_real and not target.real_account]
    if not open_ones or not sys.stdin.isatty():
        return False
    for target in open_ones:
        click.confirm(question(target, tier), abort=True)
    return True


def _outputs(directory: Path) -> list[str]:
    return [
        f"--junitxml={directory / 'junit.xml'}",
        f"--alluredir={directory / 'allure-results'}",
        "--clean-alluredir",
        "-o",
        f"cache_dir={directory / '.pytest_cache'}",
    ]


# The caller's own pytest configuration must not change a verdict; the progress bar stands in for pytest's dots.
_FIXED = [
    f"--config-file={_SUITE / 'pytest.ini'}",
    f"--rootdir={_SUITE}",
    "--kms-progress",
]
