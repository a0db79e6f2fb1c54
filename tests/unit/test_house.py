"""The shape of the package: few modules at its top, few layers, one name for one class, files of one idea."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "conformance" / "kms_conformance"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]

MOST_MODULES_AT_THE_TOP = 8
MOST_LAYERS = 12
MOST_LINES = 400
FEWEST_LINES = 50
# Files that may be short: entries of registries, each found by a loop over its folder, and files that Python demands.
SHORT: Mapping[str, str] = {
    "**/__init__.py": "says what a package is",
    "__main__.py": "`python -m kms_conformance`",
    "cli/*.py": "a command, named like its file",
    "apps/selftest/faults/*.py": "the faults of one class",
    "apps/selftest/blind/*/*.py": "the blind faults of one subject",
    "suite/test_*.py": "the checks of one family",
}


def modules() -> Iterator[Path]:
    """Every module of the package, relative to it."""
    return (path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))


def lines(path: Path) -> int:
    """The number of lines of a module."""
    return len((PACKAGE / path).read_text(encoding="utf-8").splitlines())


def test_few_modules_stand_at_the_top() -> None:
    top = [path.name for path in modules() if len(path.parts) == 1]
    assert len(top) <= MOST_MODULES_AT_THE_TOP, top


def test_the_import_rule_has_few_layers_which_are_packages() -> None:
    layered = [contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"]
    assert len(layered) == 1
    assert len(layered[0]) <= MOST_LAYERS
    named = [name for layer in layered[0] for name in re.split(r" *[|:] *", layer)]
    missing = [name for name in named if not (PACKAGE.parent / name.replace(".", "/")).is_dir()]
    assert not missing, f"no packages: {missing}"
    packages = {path.parts[0] for path in modules() if len(path.parts) > 1}
    assert packages == {name.removeprefix("kms_conformance.") for name in named}


def test_no_contract_of_the_import_rule_names_a_module_twice() -> None:
    twice = {contract["name"]: doubled for contract in CONTRACTS if (doubled := _doubled(contract))}
    assert not twice


def test_no_list_of_the_import_rule_is_written_twice() -> None:
    """Two contracts may share a name or two; a list of three or more that both have is one list too many."""
    named = [(contract["name"], set(_names(contract))) for contract in CONTRACTS]
    alike = [
        (one, other, sorted(shared))
        for index, (one, first) in enumerate(named)
        for other, second in named[index + 1 :]
        if len(shared := first & second) > 2
    ]
    assert not alike


def _names(contract: Mapping[str, Any]) -> list[str]:
    """All modules that a contract names, in its order."""
    lists = [value for value in contract.values() if isinstance(value, list)]
    return [name for each in lists for text in each for name in re.split(r" *[|:] *| *-> *", text)]


def _doubled(contract: Mapping[str, Any]) -> list[str]:
    # An exception names two modules that the lists name as well.
    names = _names({key: value for key, value in contract.items() if key != "ignore_imports"})
    return sorted({name for name in names if names.count(name) > 1})


def test_no_two_public_classes_have_one_name() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        for node in ast.parse((PACKAGE / path).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path.as_posix())
    several = {name: places for name, places in found.items() if len(places) > 1}
    assert not several, "\n".join(f"{name}: {', '.join(places)}" for name, places in sorted(several.items()))


def test_no_file_is_long() -> None:
    long = {path.as_posix(): count for path in modules() if (count := lines(path)) > MOST_LINES}
    assert not long, _listed(long)


def test_a_short_file_is_an_entry_of_a_registry() -> None:
    short = {path.as_posix(): count for path in modules() if (count := lines(path)) < FEWEST_LINES}
    wrong = {path: count for path, count in short.items() if not _may_be_short(path)}
    assert not wrong, _listed(wrong)


def test_every_reason_to_be_short_is_needed() -> None:
    short = [path.as_posix() for path in modules() if lines(path) < FEWEST_LINES]
    assert [pattern for pattern in SHORT if not any(_fits(path, pattern) for path in short)] == []


def _listed(counts: Mapping[str, int]) -> str:
    return "\n".join(f"{path}: {count} lines" for path, count in counts.items())


def _may_be_short(path: str) -> bool:
    return any(_fits(path, pattern) for pattern in SHORT)


def _fits(path: str, pattern: str) -> bool:
    """`**/` stands for any folder or none; `*` for a name in one folder."""
    if pattern.startswith("**/"):
        return fnmatch(Path(path).name, pattern.removeprefix("**/"))
    return fnmatch(path, pattern) and path.count("/") == pattern.count("/")


def test_the_emulator_shares_nothing_but_the_specs_and_the_clock_with_the_suite() -> None:
    """It signs and parses by code of its own: a mistake in shared code would hide itself.

    The clock is shared so that a trial of the self-test can skip pauses.
    """
    imported = {
        node.module
        for path in (PACKAGE / "emulator").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kms_conformance")
    }
    others = {name for name in imported if not name.startswith("kms_conformance.emulator")}
    names = {
        alias.name
        for path in (PACKAGE / "emulator").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in others
        for alias in node.names
    }
    assert others == {"kms_conformance.core", "kms_conformance.core.runtime"}
    assert names == {"specs", "REAL"}
