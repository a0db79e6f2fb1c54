"""A copy of the repository for the mutation tool to work in: the modules that decide without decorators."""

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
# What is copied, and where it lies in the copy. mutmut names a module after its path, so the package lies at the root;
# the specs lie where an installed package has them, and where tests open them.
_COPIED = (
    (Path("conformance") / _PACKAGE, _PACKAGE),
    (Path("specs"), _PACKAGE / "_specs"),
    (Path("specs"), Path("specs")),
    (Path("tests"), Path("tests")),
    (Path("tools"), Path("tools")),
    (Path("pyproject.toml"), Path("pyproject.toml")),
)


def prepare() -> Path:
    """Lay the copy anew, keeping what mutmut knows of an earlier run; returns its folder."""
    STAGE.mkdir(exist_ok=True)
    placed = {place: source for kind, to in _COPIED for source, place in _pairs(ROOT / kind, to)}
    for place, source in placed.items():
        _place(source, place)
    # What has moved since would be imported, mutated and collected as well.
    for left in {each for _, to in _COPIED for each in _files(STAGE / to)} - {STAGE / place for place in placed}:
        left.unlink()
    return STAGE


def spend(seconds: float, *, anew: bool) -> float:
    """Note how long a run took, `anew` or added to those before it, and return the seconds of them all together."""
    before = 0.0 if anew or not _SPENT.is_file() else float(_SPENT.read_text())
    _SPENT.write_text(f"{before + seconds:.0f}")
    return before + seconds


def mutated(path: Path) -> bool:
    """Whether a file, named relative to the copy, is one of those that `[tool.mutmut] only_mutate` lists."""
    patterns: Iterable[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"]
    return any(fnmatch.fnmatch(path.as_posix(), pattern) for pattern in patterns)


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    return (found for found in path.rglob("*") if found.is_file() and "__pycache__" not in found.parts)


def _pairs(source: Path, to: Path) -> Iterator[tuple[Path, Path]]:
    """Each file below `source`, and its place relative to the copy."""
    for each in _files(source):
        yield each, to / each.relative_to(source)


def _place(source: Path, place: Path) -> None:
    target = STAGE / place
    content = source.read_bytes()
    if source.suffix == ".py" and mutated(place):
        content = desugared(content.decode()).encode()
    # An unchanged file keeps its time, by which mutmut knows that its mutants need not be made again.
    if not target.is_file() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        shutil.copymode(source, target)
