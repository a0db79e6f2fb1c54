"""Reads the results of a mutmut run from its folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_module_from_key, orig_function_and_class_names_from_key

from tools.mutation.mutant import SURVIVED, Change, Mutant


def mutants(stage: Path, patterns: tuple[str, ...] = ()) -> tuple[Mutant, ...]:
    """All mutants in the order of their modules, or those whose names match a pattern."""
    # mutmut looks for its files in the current folder.
    with contextlib.chdir(stage):
        return tuple(
            _mutant(name, module, code)
            for module, codes in _exit_codes()
            for name, code in codes.items()
            if not patterns or any(fnmatch(name, pattern) for pattern in patterns)
        )


def forget_survivors(stage: Path) -> None:
    """Make the next run repeat the mutants that survived, timed out or were not reached.

    Killed mutants stay killed, because added tests cannot change that. Time-outs are repeated because the machine may
    have been busy. mutmut itself repeats all mutants of a function that has changed.
    """
    with contextlib.chdir(stage):
        # mutmut measures once which functions a test reaches. A changed test may reach others.
        (Path("mutants") / "mutmut-stats.json").unlink(missing_ok=True)
        for module, _ in _exit_codes():
            path = _results_of(module)
            results = json.loads(path.read_text())
            codes = results["exit_code_by_key"]
            results["exit_code_by_key"] = {
                name: code if status_by_exit_code[code] == "killed" else None for name, code in codes.items()
            }
            path.write_text(json.dumps(results))


def _results_of(module: str) -> Path:
    return Path("mutants") / f"{module}.meta"


def _exit_codes() -> Iterator[tuple[str, dict[str, int | None]]]:
    folder = Path("mutants")
    for path in sorted(folder.rglob("*.py.meta")):
        module = path.relative_to(folder).as_posix().removesuffix(".meta")
        yield module, json.loads(path.read_text())["exit_code_by_key"]


def _mutant(name: str, module: str, code: int | None) -> Mutant:
    status = status_by_exit_code[code]
    return Mutant(name, module, status, _change(name, module) if status in SURVIVED else None)


def _change(name: str, module: str) -> Change:
    lines = get_diff_for_mutant(name, path=module).splitlines()[2:]
    was, now = ("\n".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    function, owner = orig_function_and_class_names_from_key(name)
    parts = (get_module_from_key(name), owner, function)
    return Change(".".join(part for part in parts if part), was, now)
