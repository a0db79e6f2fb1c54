"""Writes the generated requests that the package contains: those of the default seed at the tiers smoke and standard.

    python -m tools.draws             # generates what is missing, removes what nobody needs any more
    python -m tools.draws --check     # exit code 1 if that would change anything

Run this command after a change of an operation in `specs/`, of a file in `suite/fuzz/` that generates requests, or of
the versions of Hypothesis and Schemathesis. A run with other versions, another seed or an operation that was changed
generates its requests itself, so a missing file costs time and nothing else. Files of other releases of Python stay:
run the command once with each of them.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import click

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.core import specs
from kms_conformance.core.tier import DEFAULT_SEED, EFFORTS, Tier
from kms_conformance.suite import walk_steps
from kms_conformance.suite.draw_cache import SHIPPED, SUFFIX, DrawCache, inputs_digest, versions, versions_digest
from kms_conformance.suite.fuzz import chain_steps
from kms_conformance.suite.fuzz.generator import Generator
from kms_conformance.suite.fuzz.operations import draw, is_thorough
from kms_conformance.suite.test_fuzzing import NORMATIVE

#: A nightly run has four times the files of a standard run, and keeps its own.
TIERS: tuple[Tier, ...] = ("smoke", "standard")


def wanted() -> dict[str, str]:
    """The digests of the inputs of all entries that the package needs, each with a text that says of what they are."""
    found: dict[str, str] = {}
    for tier in TIERS:
        effort = EFFORTS[tier]
        steps = walk_steps.draw_inputs(effort.walks, effort.steps, DEFAULT_SEED)
        found[inputs_digest(steps)] = f"walks at {tier}"
        for dialect, api, generator in dialects():
            if effort.fuzz_coverage:
                chains = chain_steps.draw_inputs(generator, effort.chains, DEFAULT_SEED)
                found[inputs_digest(chains)] = f"chains of {dialect} at {tier}"
            for name in _operations(api, tier):
                operation = api[name]
                thorough = is_thorough(operation, effort)
                inputs = generator.draw_inputs(operation.id, effort.fuzz_examples, DEFAULT_SEED, thorough=thorough)
                found.setdefault(inputs_digest(inputs), f"{name} of {dialect} at {tier}")
    return found


def write(folder: Path) -> None:
    """Generate the entries that this installation needs and the folder lacks; existing entries stay as they are."""
    keeping = DrawCache(folder, shipped=None)
    for tier in TIERS:
        effort = EFFORTS[tier]
        walk_steps.drawn_steps(effort.walks, effort.steps, DEFAULT_SEED, keeping)
        for _, api, generator in dialects():
            # Smoke runs no chains.
            if effort.fuzz_coverage:
                chain_steps.drawn_chains(generator, effort.chains, DEFAULT_SEED, keeping)
            for name in _operations(api, tier):
                draw(generator, api[name], effort, DEFAULT_SEED, keeping)


def present(folder: Path) -> dict[str, dict[str, str]]:
    """The names of the entries of a folder, each with the versions that generated it."""
    return {path.name: _versions_of(path) for path in sorted(folder.glob(f"*{SUFFIX}"))}


def outdated(folder: Path) -> list[str]:
    """The names of the entries that no run of this code reads: other inputs, or other packages for this Python."""
    digests, python = wanted(), versions()["python"]
    return [
        name
        for name, made_by in present(folder).items()
        if name.partition("-")[0] not in digests
        or (made_by["python"] == python and not name.endswith(f"-{versions_digest()}{SUFFIX}"))
    ]


def dialects() -> Iterator[tuple[str, Api, Generator]]:
    """The built-in dialects with the profile `documents`; other profiles share most of its requests."""
    for dialect in (name for name in specs.dialects() if (specs.SPECS / name).is_dir()):
        yield dialect, Api.load(Profile.load(dialect)), Generator.of(dialect, "documents")


def _operations(api: Api, tier: Tier) -> tuple[str, ...]:
    return tuple(api.operations) if tier != "smoke" else NORMATIVE


def _versions_of(path: Path) -> dict[str, str]:
    packed = path.read_bytes().split(b"\n", 2)[2]
    found: dict[str, str] = json.loads(zlib.decompress(packed))["versions"]
    return found


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if the files are not those of this code.")
def main(*, check: bool) -> None:
    """Write the generated requests that the package contains."""
    if not check:
        write(SHIPPED)
    old = outdated(SHIPPED)
    missing = wanted().keys() - {name.partition("-")[0] for name in present(SHIPPED)}
    if check and (old or missing):
        click.echo(f"{len(missing)} missing, {len(old)} not needed: run python -m tools.draws", err=True)
        sys.exit(1)
    for name in old:
        (SHIPPED / name).unlink()
    size = sum(path.stat().st_size for path in SHIPPED.iterdir())
    click.echo(f"{len(present(SHIPPED))} files, {size} bytes")


if __name__ == "__main__":
    main()
