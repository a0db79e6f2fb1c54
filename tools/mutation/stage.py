"""Copies the repository to the working folder of mutmut, with decorators of the mutated modules rewritten."""

from __future__ import annotations

import fnmatch
import shutil
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.mutation.desugar import desugared

ROOT = Path(__file__).parents[2]
STAGE = ROOT / ".mutation"
_SPENT = STAGE / "seconds"
_PACKAGE = Path("kms_conformance")
# (source, place in the copy). mutmut names modules after their paths, so the package is at the root of the copy. The
# specs are copied twice: to the place in an installed package, and to the place where tests open them.
_COPIED = (
    (Path("conformance") / _PACKAGE, _PACKAGE),
    (Path("specs"), _PACKAGE / "_specs"),
    (Path("specs"), Path("specs")),
    (Path("tests"), Path("tests")),
    (Path("tools"), Path("tools")),
    (Path("pyproject.toml"), Path("pyproject.toml")),
)


def prepare() -> Path:
    """Update the copy, keep mutmut's results of an earlier run, and return the folder."""
    STAGE.mkdir(exist_ok=True)
    placed = {place: source for kind, to in _COPIED for source, place in _pairs(ROOT / kind, to)}
    for place, source in placed.items():
        _place(source, place)
    # Removed files would be imported, mutated and collected as well.
    for left in {each for _, to in _COPIED for each in _files(STAGE / to)} - {STAGE / place for place in placed}:
        left.unlink()
    return STAGE


def spend(seconds: float, *, anew: bool) -> float:
    """Store the seconds of a run and return the sum with the runs before it; `anew` resets the sum."""
    before = 0.0 if anew or not _SPENT.is_file() else float(_SPENT.read_text())
    _SPENT.write_text(f"{before + seconds:.0f}")
    return before + seconds


def mutated(path: Path) -> bool:
    """Whether `[tool.mutmut] only_mutate` lists a file; the path is relative to the copy."""
    patterns: Iterable[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"]
    return any(fnmatch.fnmatch(path.as_posix(), pattern) for pattern in patterns)


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    return (found for found in path.rglob("*") if found.is_file() and "__pycache__" not in found.parts)


def _pairs(source: Path, to: Path) -> Iterator[tuple[Path, Path]]:
    """Each file below `source`, and its path relative to the copy."""
    for each in _files(source):
        yield each, to / each.relative_to(source)


def _place(source: Path, place: Path) -> None:
    target = STAGE / place
    content = source.read_bytes()
    if source.suffix == ".py" and mutated(place):
        content = desugared(content.decode()).encode()
    # mutmut reuses the mutants of a file whose modification time is unchanged.
    if not target.is_file() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        shutil.copymode(source, target)
