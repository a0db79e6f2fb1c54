"""What a library does not document is used in one module each, so that a new release breaks one file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import kms_conformance

ROOT = Path(kms_conformance.__file__).parent
# A module of a library that is no public interface -> the modules of ours that may import it.
_DOORS = {
    "schemathesis.core": {"suite/fuzz/adapter.py"},
    "schemathesis.config._phases": {"suite/fuzz/adapter.py"},
    "schemathesis.generation": {"suite/fuzz/adapter.py"},
    "schemathesis.schemas": {"suite/fuzz/adapter.py"},
    "schemathesis.specs": {"suite/fuzz/adapter.py"},
    "hypothesis.internal": {"suite/fuzz/hypothesis_settings.py"},
    "urllib3.connection": {"wire/transport.py"},
    "botocore": {"catalogue/service_model.py", "apps/sdk/boto.py"},
    "_pytest": set(),
    "yaml.constructor": set(),
}
# Attributes of a library's objects that begin with an underscore, and where they are used.
_PRIVATE = {
    ("suite/fuzz/hypothesis_settings.py", "_get_local_constants"),
    ("wire/transport.py", "_new_conn"),
    ("wire/head.py", "_read_status"),
    # Documented, underscore and all.
    ("apps/selftest/killing.py", "_exit"),
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_undocumented_modules_are_imported_through_one_door() -> None:
    found = {
        (name, door)
        for name, tree in modules()
        for what in imported(tree)
        for door in _DOORS
        if f"{what}.".startswith(f"{door}.") and name not in _DOORS[door]
    }
    assert found == set()


def own_names(tree: ast.Module) -> set[str]:
    """The private names that a module defines or assigns itself."""
    names = {
        node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))
    }
    names |= {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(tree)
        if isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Store)
    }
    return names


# Documented methods of named tuples, whose names begin with an underscore so that no field is named like them.
_OF_NAMED_TUPLES = ("_asdict", "_replace")


def test_no_private_attribute_of_a_library_is_touched_elsewhere() -> None:
    trees = dict(modules())
    ours = set().union(*map(own_names, trees.values()))
    touched = {
        (name, node.attr)
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
        if node.attr not in {*ours, *_OF_NAMED_TUPLES} or (name, node.attr) in _PRIVATE
    }
    assert touched - _PRIVATE == set()
