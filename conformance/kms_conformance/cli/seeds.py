"""The options of `run` that decide which requests are generated: `--seed`, and `--examples` for those that failed."""

from __future__ import annotations

from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

import click

from kms_conformance.core.text import counted, say
from kms_conformance.core.tier import DEFAULT_SEED
from kms_conformance.run.settings import RANDOM_SEED, chosen_seed

_DREW = "kms_conformance.drew_seed"


def _seed(context: click.Context, _: click.Parameter, value: str) -> int:
    try:
        seed = chosen_seed(value)
    except ArgumentTypeError as error:
        raise click.BadParameter(str(error)) from error
    if value == RANDOM_SEED:
        context.meta[_DREW] = True
        # Printed before the first request, so that a run that is killed can be repeated too.
        say(f"seed {seed}, drawn for this run: --seed {seed} repeats its requests.", err=True)
    return seed


seed_option = click.option(
    "--seed",
    default=str(DEFAULT_SEED),
    show_default=True,
    metavar=f"N|{RANDOM_SEED}",
    callback=_seed,
    help=f"Generate the requests of this seed; `{RANDOM_SEED}` draws one and prints it.",
)


def drew_seed() -> bool:
    """Whether the present command has drawn its seed itself."""
    return bool(click.get_current_context().meta.get(_DREW))


@dataclass(frozen=True)
class KeptExamples:
    """The folder of kept examples of a run, None if it has none, and the names of its files before the run."""

    folder: Path | None
    before: frozenset[str] = frozenset()

    @classmethod
    def beside(cls, waivers: str | None, given: str | None) -> KeptExamples:
        """The folder that was given, else `examples/` beside the waivers file."""
        folder = Path(given) if given is not None else None if waivers is None else Path(waivers).parent / "examples"
        return cls(folder, _names(folder))

    @property
    def options(self) -> list[str]:
        """The options for our pytest plugin."""
        return [] if self.folder is None else [f"--examples={self.folder.resolve()}"]

    def tell_new(self) -> None:
        """Print which examples the run has added."""
        new = sorted(_names(self.folder) - self.before)
        if new:
            say(f"Kept in {self.folder}, to be asked first by later runs: {counted(len(new), 'example')}", err=True)
        for name in new:
            say(f"  {name}", err=True)


def _names(folder: Path | None) -> frozenset[str]:
    return frozenset() if folder is None else frozenset(path.name for path in folder.glob("*.json"))
