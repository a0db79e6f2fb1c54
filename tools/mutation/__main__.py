"""`python -m tools.mutation` mutates the deciding modules, runs their unit tests, and checks the survivors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click

from tools.mutation import accepted, report, stage
from tools.mutation.mutant import Mutant
from tools.mutation.outcome import forget_survivors, mutants

_FLOOR = 90.0
_PAGE = stage.ROOT / "docs" / "mutation.md"


@click.command()
@click.option("--write", is_flag=True, help="Write docs/mutation.md.")
@click.option("--workers", type=int, default=os.cpu_count() or 1, show_default=True)
@click.option(
    "--again", is_flag=True, help="Repeat only mutants that survived the run before, or that no test reached."
)
@click.argument("patterns", nargs=-1)
def main(patterns: tuple[str, ...], workers: int, *, write: bool, again: bool) -> None:
    """Run all mutants, or those whose names match PATTERNS, such as 'kms_conformance.verdict.decide*'."""
    began = time.monotonic()
    if again:
        forget_survivors(stage.STAGE)
    elif not patterns:
        shutil.rmtree(stage.STAGE, ignore_errors=True)
    _run(stage.prepare(), patterns, workers)
    seconds = stage.spend(time.monotonic() - began, anew=not again and not patterns)
    found = mutants(stage.STAGE, patterns)
    survivors = [mutant for mutant in found if not mutant.killed]
    known = accepted.load()
    click.echo(report.table(found))
    problems = [_shown(mutant) for mutant in accepted.unlisted(survivors, known)]
    if not patterns:
        problems += [f"listed, but no survivor any more: {change}" for change in accepted.outdated(survivors, known)]
        if report.rate(found) < _FLOOR:
            problems.append(f"{report.rate(found):.1f} % killed, fewer than {_FLOOR:g} %")
    if write and not patterns and not problems:
        _PAGE.write_text(report.page(found, known, seconds=seconds, floor=_FLOOR, again=again), encoding="utf-8")
    for problem in problems:
        click.echo(f"\n{problem}", err=True)
    sys.exit(1 if problems else 0)


def _run(folder: Path, patterns: tuple[str, ...], workers: int) -> None:
    # Loading all pytest plugins takes longer than the tests of most mutants.
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    program = Path(sys.executable).with_name("mutmut")
    command = [str(program), "run", "--max-children", str(workers), *patterns]
    if subprocess.run(command, cwd=folder, env=environment, check=False).returncode:  # noqa: S603 - our own command
        raise click.ClickException("mutmut did not finish; see its output above.")


def _shown(mutant: Mutant) -> str:
    """A survivor in the form of `survivors.yaml`, without a reason."""
    change = mutant.change
    if change is None or not mutant.decided:
        return f"{mutant.name}: {mutant.status}; the run was cut short"
    return f"{mutant.name} ({mutant.status})\n{change.function}\n- {change.was}\n+ {change.now}"


if __name__ == "__main__":
    main()
