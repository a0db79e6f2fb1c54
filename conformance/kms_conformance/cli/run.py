"""`run`: certify targets, or the built-in emulator where none is given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import click

from kms_conformance import suite
from kms_conformance.apps.sdk.registry import at, names
from kms_conformance.catalogue.frozen import load_frozen
from kms_conformance.cli._common import agreed, agreed_to_run, exit_code, stamp
from kms_conformance.cli.shards import ShardOptions, shard_options
from kms_conformance.core import specs
from kms_conformance.core.errors import refuse_replaced
from kms_conformance.core.signals import Interrupts
from kms_conformance.core.tier import TIERS, Tier
from kms_conformance.preflight.consent import question_of_clients
from kms_conformance.run.isolated_pytest import run_pytest
from kms_conformance.target import Target, load_targets
from kms_conformance.verdict.decide import USAGE_ERROR
from kms_conformance.verdict.waivers import load_waivers


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--target", "targets", multiple=True, metavar="FILE", help="A target file; may be repeated.")
@click.option("--reports", default="reports/latest", show_default=True, metavar="DIR", help="Where results go.")
@click.option("--tier", type=click.Choice(TIERS), default="standard", show_default=True, help="How much is asked.")
@click.option("--seed", type=int, default=None, help="Repeat a run's generated requests.")
@click.option("--waivers", default=None, metavar="FILE", help="Requirements whose failure is accepted, with reasons.")
@click.option(
    "--requirements",
    default=None,
    metavar="RELEASE|FILE",
    help="Let the requirements of an earlier release decide; newer ones are shown.",
)
@click.option("--plant", is_flag=True, help="Leave one key pending on purpose: later runs watch it go.")
@click.option("--observe", "--watch", "watch", is_flag=True, help="Only read planted keys; create nothing.")
@click.option("--rescue", is_flag=True, help="On its last day, cancel what was planted, and plant it anew.")
@click.option("--yes", is_flag=True, help="Create keys in accounts that are not on this machine, without asking.")
@click.option(
    "--via",
    type=click.Choice(["wire", "sdk", *names()]),
    default="wire",
    show_default=True,
    help="Ask by our own requests, or through the vendors' own clients: all of the dialect, or one.",
)
@shard_options
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST ARGS]")
def run(  # noqa: PLR0913, PLR0917 - an option each
    targets: tuple[str, ...],
    reports: str,
    tier: str,
    seed: int | None,
    waivers: str | None,
    requirements: str | None,
    yes: bool,  # noqa: FBT001 - an option
    via: str,
    pytest_args: tuple[str, ...],
    **further: Any,  # noqa: ANN401 - what `shard_options` gives, and the three options on planted keys
) -> int:
    """Certify each target, and leave a verdict and a report.

    With no target, the built-in emulator is certified in every dialect. One shard alone is never conformant: `merge`
    gives the exit code of the whole.
    """
    refuse_replaced()
    asked: ShardOptions = further.pop("shards")
    part = asked.part_of(targets, Path(reports).resolve())
    targets, directory = part.targets, part.directory
    loaded = load_targets([Path(target) for target in targets])
    if via != "wire":
        from kms_conformance.cli.via import run_via  # noqa: PLC0415 - most runs need no client

        _refuse_unused(click.get_current_context())
        only = None if via == "sdk" else via
        consent = yes or agreed(loaded, lambda target: question_of_clients(target, len(at(target, only))))
        return run_via(targets, directory, only, consent=consent)
    consent = yes or agreed_to_run(loaded, cast("Tier", tier))
    # What is wrong with the file is told before pytest begins.
    load_waivers(waivers)
    frozen = None if requirements is None else _frozen(requirements, loaded)
    options = [f"--target={Path(target).resolve()}" for target in targets]
    options += [f"--reports={directory}", f"--tier={tier}"]
    options += ["--kms-yes"] if consent else []
    options += part.options(seed)
    options += [] if seed is None else [f"--seed={seed}"]
    options += [f"--{name}" for name, on in further.items() if on]
    options += [] if waivers is None else [f"--waivers={Path(waivers).resolve()}"]
    options += [] if frozen is None else [f"--requirements={frozen}"]
    before = stamp(directory)
    arguments = [*_FIXED, *options, *_outputs(directory), *pytest_args, str(suite.FOLDER)]
    interrupts = Interrupts()
    interrupts.watch()
    status = run_pytest(arguments, plugins=[interrupts])
    code = interrupts.exit_code or exit_code(directory, before, status)
    if part.shard is None:
        from kms_conformance.cli.report import after_run  # noqa: PLC0415 - most of it is needed only now

        after_run(directory, before)
        code = interrupts.exit_code or code
    elif code != USAGE_ERROR:
        part.explain()
    return code


def _frozen(name: str, targets: Iterable[Target]) -> str:
    """The name of a release, or the whole path of a file; raises `FrozenError` for what cannot be used."""
    for dialect in {target.dialect for target in targets} or specs.dialects():
        load_frozen(name, dialect)
    return str(Path(name).resolve()) if Path(name).is_file() else name


def _refuse_unused(context: click.Context) -> None:
    """Raise `UsageError` for what the vendors' clients would not heed."""
    for name in ("tier", "seed", "waivers", "requirements", "shard", "shards", "pytest_args"):
        given = context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        # Before 8.3, click says of arguments that were left out that they stood on the command line.
        if given and context.params.get(name) != ():
            said = "what stands after --" if name == "pytest_args" else f"--{name}"
            raise click.UsageError(
                f"With --via, {said} has no meaning: the steps are the same in every run. Leave it out."
            )


def _outputs(directory: Path) -> list[str]:
    return ["-o", f"cache_dir={directory / '.pytest_cache'}"]


# The progress bar stands in for pytest's dots.
_FIXED = (*suite.CONFINED, "--kms-progress")
