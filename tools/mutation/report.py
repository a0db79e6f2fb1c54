"""Writes docs/mutation.md, the results of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tools.mutation.accepted import Accepted
from tools.mutation.mutant import Mutant

_HEAD = """\
# The tests under mutation

`tox run -e mutation` changes the modules that decide - a comparison, a name, an argument at a time - and runs the tests
that reach the changed function. A change that no test notices is a question: does the behaviour matter? If it does, a
test is missing; if not, the code is too much, or the change makes no difference and is listed below with the reason.
The command fails below {floor} % killed, and for a survivor that
[survivors.yaml](../tools/mutation/survivors.yaml) does not list. It is run by hand before a release and is not part of
CI. `tox run -e mutation -- 'kms_conformance.verdict.decide*'` runs one module; `-- --again` asks only what survived the
run before, once tests were added; `-- --write` writes this page after a run that passed.

The tool is [mutmut](https://pypi.org/project/mutmut/). It reaches functions and methods; decorated ones too, because
`tools/mutation` writes their decorators as calls first. It does not reach what stands outside functions: tables,
patterns, defaults of fields. Killed means that a test failed, or that the change made Python hang or crash. A change
that makes no difference counts as a survivor all the same.
"""


def rate(mutants: Sequence[Mutant]) -> float:
    """The percentage of killed mutants; 100 without mutants."""
    return 100 * sum(mutant.killed for mutant in mutants) / len(mutants) if mutants else 100.0


def table(mutants: Iterable[Mutant]) -> str:
    """Figures by module, as a table in Markdown."""
    by_module: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_module.setdefault(mutant.module, []).append(mutant)
    rows = [_row(f"`{module}`", found) for module, found in by_module.items()]
    total = _row("**together**", [mutant for found in by_module.values() for mutant in found])
    return "\n".join(["| module | mutants | killed | survived | killed, % |", "|---|--:|--:|--:|--:|", *rows, total])


def page(
    mutants: Sequence[Mutant], accepted: Sequence[Accepted], *, seconds: float, floor: float, again: bool = False
) -> str:
    """The page for a run that has just ended; `again`: the run repeated the survivors of an earlier one."""
    repeated = "; what survived at first was asked again when tests had been added or code had changed" if again else ""
    parts = [
        _HEAD.format(floor=f"{floor:g}"),
        f"Measured on {datetime.now(UTC):%Y-%m-%d} in {max(1, round(seconds / 60))} minutes{repeated}:\n",
        table(mutants),
        "\n## Survivors, and why they are accepted\n",
        *(_entry(entry) for entry in accepted),
    ]
    return "\n".join(parts)


def _row(name: str, mutants: Sequence[Mutant]) -> str:
    count = Counter(mutant.killed for mutant in mutants)
    return f"| {name} | {len(mutants)} | {count[True]} | {count[False]} | {rate(mutants):.1f} |"


def _entry(entry: Accepted) -> str:
    many = f" ({len(entry.changes)} changes)" if len(entry.changes) > 1 else ""
    return f"- `{entry.function.removeprefix('kms_conformance.')}`{many}: {entry.reason}"
