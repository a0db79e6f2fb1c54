"""What became of each mutant of a run, as mutmut leaves it in its folder."""

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
    """All mutants in the order of their modules, or those whose names match one of the patterns."""
    # mutmut finds its files from where it stands.
    with contextlib.chdir(stage):
        return tuple(
            _mutant(name, module, code)
            for module, codes in _exit_codes()
            for name, code in codes.items()
            if not patterns or any(fnmatch(name, pattern) for pattern in patterns)
        )


def forget_survivors(stage: Path) -> None:
    """Make the next run ask again what no test has noticed so far, by whatever tests there are then.

    What failed a test stays killed: where nothing but tests were added it would again. What took too long is asked too,
    for the machine may have been busy. Of a function that changed since mutmut asks every mutant anew by itself.
    """
    with contextlib.chdir(stage):
        # Which test reaches what is measured once a test: an old one may have learnt to reach more.
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
