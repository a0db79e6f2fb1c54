"""The commands by which a run, and each of its failures, is seen again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kms_conformance.report.model import TargetReport


@dataclass(frozen=True)
class Command:
    """A command to type, and what it does."""

    title: str
    line: str


def commands(target: TargetReport) -> tuple[Command, ...]:
    """How to repeat the run on one target, and its failed checks alone where there are some."""
    return tuple(_commands(target))


def _commands(target: TargetReport) -> Iterator[Command]:
    verdict = target.verdict
    file = shlex.quote(f"{verdict.name}.yaml")
    run = f"kms-conformance run --target {file} --tier {verdict.tier} --seed {verdict.seed}"
    yield Command("What the run would send and cost; changes nothing", f"kms-conformance doctor --target {file}")
    yield Command("The run, whole", run)
    failed = [check for check in target.checks if check.failures]
    if failed:
        functions = dict.fromkeys(check.check.partition("::")[2].partition("[")[0] for check in failed)
        families = dict.fromkeys(f"test_{check.family}.py" for check in failed)
        few = functions if len(functions) <= _MOST_NAMED else families
        wanted = " or ".join(["test_entry.py", *few])
        yield Command("Only the checks that failed", f"{run} -- -k {shlex.quote(wanted)}")


# More names than this, and the line is better read with the files that hold them.
_MOST_NAMED = 5
