"""Loads target files; a file with problems raises one `TargetError` that lists all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kms_conformance.target.draft import TargetDraft
from kms_conformance.target.errors import TargetError
from kms_conformance.target.read import mapping, read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kms_conformance.target.model import Target


def load_target(path: str | Path) -> Target:
    """Read a target file; raises `TargetError`."""
    return parse_target(read(Path(path)), path)


def load_targets(paths: Iterable[str | Path]) -> tuple[Target, ...]:
    """Read several target files, whose names must differ; raises `TargetError`."""
    targets: list[Target] = []
    # Names become folders, and some file systems ignore case.
    origins: dict[str, str | Path] = {}
    for path in paths:
        target = load_target(path)
        if target.name.lower() in origins:
            raise TargetError(
                f"The target files {origins[target.name.lower()]} and {path} cannot be used together.",
                f"Both have the name {target.name}, which is also the name of the results folder.",
                "Change the `name` of one of them, or leave one out.",
            )
        origins[target.name.lower()] = path
        targets.append(target)
    return tuple(targets)


def parse_target(text: str, origin: str | Path) -> Target:
    """Read the text of a target file. Errors name its path, `origin`; paths in the text are relative to its folder.

    Raises `TargetError`.
    """
    draft = TargetDraft(mapping(text, str(origin)), Path(origin).parent)
    problems = draft.problems()
    if problems:
        raise TargetError.of(str(origin), problems)
    return draft.target()
