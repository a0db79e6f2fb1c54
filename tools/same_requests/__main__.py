"""`python -m tools.same_requests` compares the requests and verdicts of runs before and after a refactoring."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence

import click

from tools.same_requests.normal import digest, first_difference
from tools.same_requests.versions import Endpoint, Run, Version

_DIALECTS = ("alibaba", "aws", "huawei")
_CONTEXT = 2


@click.command()
@click.option("--before", required=True, metavar="PYTHON[:MODULE]", help="The interpreter of the earlier version.")
@click.option("--after", required=True, metavar="PYTHON[:MODULE]", help="The interpreter of the later version.")
@click.option("--dialect", "dialects", multiple=True, type=click.Choice(_DIALECTS), help="Default: all of them.")
@click.option("--way", "ways", multiple=True, help="DIALECT:WAY, a way to sign in; adds a target.")
@click.option("--variant", "variants", multiple=True, help="DIALECT:NAME, a variant of the emulator; adds a target.")
@click.option("--tier", default="smoke", show_default=True, type=click.Choice(("smoke", "standard")))
@click.option("--seed", default=1, show_default=True)
@click.option("--after-seed", type=int, help="Another seed for the later version: shows that a difference is found.")
@click.option(
    "--emulator",
    default="own",
    show_default=True,
    type=click.Choice(("own", "before", "after")),
    help="The emulator that serves: each version's own, or one for both.",
)
def main(  # noqa: PLR0913, PLR0917 - an option of a command is an argument of its function
    before: str,
    after: str,
    dialects: tuple[str, ...],
    ways: tuple[str, ...],
    variants: tuple[str, ...],
    tier: str,
    seed: int,
    after_seed: int | None,
    emulator: str,
) -> None:
    """Compare two versions of the suite by the requests that they send and the verdicts that they give.

    MODULE is the name of the import package: `conformance` of a version before its renaming, else `kms_conformance`.
    Exit code 0: all targets are equal. 1: at least one differs.
    """
    versions = (Version.parse(before, "kms_conformance"), Version.parse(after, "kms_conformance"))
    servers = {"own": versions, "before": (versions[0],) * 2, "after": (versions[1],) * 2}[emulator]
    seeds = (seed, seed if after_seed is None else after_seed)
    endpoints = [Endpoint(dialect) for dialect in dialects or (() if ways or variants else _DIALECTS)]
    endpoints += [Endpoint(dialect, way=way) for dialect, way in map(_pair, ways)]
    endpoints += [Endpoint(dialect, variant=name) for dialect, name in map(_pair, variants)]
    equal = True
    for endpoint in endpoints:
        runs = [
            version.run(endpoint, server, tier=tier, seed=number)
            for version, server, number in zip(versions, servers, seeds, strict=True)
        ]
        lines = differences(*runs)
        equal = equal and not lines
        click.echo(f"{endpoint}, {tier}, seed {seed}: {'DIFFERENT' if lines else 'the same'}")
        for name, run in zip(("before", "after"), runs, strict=True):
            click.echo(f"  {name:6} {summary(run)}")
        for line in lines:
            click.echo(f"  {line}")
    sys.exit(0 if equal else 1)


def _pair(text: str) -> tuple[str, str]:
    dialect, _, name = text.partition(":")
    if dialect not in _DIALECTS or not name:
        raise click.UsageError(f"{text!r} is not DIALECT:NAME with one of the dialects {', '.join(_DIALECTS)}.")
    return dialect, name


def summary(run: Run) -> str:
    """Figures of one run: requests, their digest, result, requirements by verdict."""
    given = list(run.verdicts.values())
    counted = ", ".join(f"{given.count(verdict)} {verdict}" for verdict in sorted(set(given)))
    return f"{len(run.requests)} requests, sha256 {digest(run.requests)}, {run.verdict.get('result')}: {counted}"


def differences(before: Run, after: Run) -> Sequence[str]:
    """Lines with the first differing request, the requests before it, and all differing verdicts."""
    lines: list[str] = []
    index = first_difference(before.requests, after.requests)
    if index is not None:
        lines.append(f"request {index + 1} is the first that differs")
        alike = range(max(0, index - _CONTEXT), index)
        lines += [f"  both, {number + 1}: {before.requests[number].splitlines()[0]}" for number in alike]
        sides = [run.requests[index].splitlines() if index < len(run.requests) else [] for run in (before, after)]
        lines += [f"  {line}" for line in difflib.unified_diff(*sides, "before", "after", n=99, lineterm="")]
    for each in sorted(before.verdicts.keys() | after.verdicts.keys()):
        was, now = (run.verdicts.get(each, "missing") for run in (before, after))
        if was != now:
            lines.append(f"requirement {each}: {was} before, {now} after")
    if before.exit_code != after.exit_code:
        lines.append(f"exit code {before.exit_code} before, {after.exit_code} after")
    return lines


if __name__ == "__main__":
    main()
