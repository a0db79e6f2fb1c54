"""Options of `run` for those who repair a server: `--failed`, `--only` and `--until-fixed`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from kms_conformance.cli._option_group import option_group
from kms_conformance.core.disk import relative_path
from kms_conformance.core.text import counted, say
from kms_conformance.run.first_checks import FirstChecks


@dataclass(frozen=True)
class LoopOptions:
    """Values of the options.

    - `failed`: the reports folder whose failed and open checks come first.
    - `only`: true if the run stops after them.
    - `until_fixed`: true if what is red is asked again after each restart of the server.
    """

    failed: Path | None
    only: bool
    until_fixed: bool

    def refuse_together(self, **others: object) -> None:
        """Raise `UsageError` for options that cannot be used together with these.

        `others`: by name, the values of options that need one run in the usual order, and the targets.
        """
        if self.only and self.failed is None:
            raise click.UsageError("--only stops after the checks of --failed. Add --failed DIR, or leave out --only.")
        name = "--until-fixed" if self.until_fixed else "--failed" if self.failed is not None else ""
        if self.until_fixed and not others["target"]:
            raise click.UsageError(
                "--until-fixed waits for your server. The built-in emulator ends with the run: name your server with "
                "--target FILE."
            )
        given = [f"--{other.replace('_', '-')}" for other, value in others.items() if value and other != "target"]
        given = given if self.until_fixed else [other for other in given if other == "--shard"]
        if name and given:
            raise click.UsageError(f"With {name}, {', '.join(given)} cannot be used. Leave out one of them.")

    def first(self) -> FirstChecks:
        """The checks that come first; says how many. Raises `ReportError` if the folder cannot be used."""
        if self.failed is None:
            return FirstChecks()
        found = FirstChecks.of_reports(self.failed, only=self.only)
        number = sum(map(len, found.checks.values()))
        if not number:
            say(f"No check failed or was open in {relative_path(self.failed)}: the checks keep their order")
            return found
        rest = "; the run stops after them and is partial" if self.only else ""
        say(f"{counted(number, 'check')} failed or open in {relative_path(self.failed)}: asked first{rest}")
        return found


_OPTIONS = (
    click.option(
        "--until-fixed",
        is_flag=True,
        help="After the run, wait for each restart of the server and ask again what is red, until all is green; then "
        "run the whole once more.",
    ),
    click.option(
        "--only", is_flag=True, help="With --failed: stop after these checks. The verdict is partial, never conformant."
    ),
    click.option(
        "--failed",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="First ask what failed or was open in the reports folder DIR, then the rest.",
    ),
)

#: Adds the options to a command, which receives them as one argument, `loop` (`LoopOptions`).
loop_options = option_group("loop", LoopOptions, _OPTIONS)
