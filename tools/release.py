"""`python -m tools.release` checks that this commit can be released, and builds its wheel and sdist into dist/.

Both are built twice, from exports of the commit that differ in place, permissions and dates of files, and must be the
same bytes; so must a wheel that is built from the sdist. `SHA256SUMS` names their digests (docs/release.md).
"""

# ruff: noqa: S603, S607, T201 - a command for developers, which starts git and hatchling and prints

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

from packaging.version import InvalidVersion, Version

from kms_conformance import __version__
from kms_conformance.core import specs

ROOT = Path(__file__).parent.parent
KINDS = ("wheel", "sdist")
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_RELEASED = re.compile(r"(?P<version>\S+) \((?P<day>\d{4}-\d{2}-\d{2})\)")
_UNRELEASED = "Unreleased"


def changelog_problems(text: str, version: str, *, released: bool) -> Iterator[str]:
    """What is wrong with the headings of a changelog; with `released`, its first section must be that of `version`.

    A section is `## Unreleased`, which may only be the first, or `## 1.2.3 (2026-12-31)`; newer ones stand above.
    """
    _, *parts = _HEADING.split(text)
    sections = list(zip(parts[::2], parts[1::2], strict=True))
    first = sections[0][0] if sections else "nothing"
    if released and not first.startswith(f"{version} ("):
        yield f"CHANGELOG.md begins with {first}. Name the section of this release: ## {version} ({date.today()})."  # noqa: DTZ011 - the day here
    newer: tuple[Version, date] | None = None
    for index, (heading, body) in enumerate(sections):
        if not body.strip():
            yield f"CHANGELOG.md says nothing under {heading}."
        if heading == _UNRELEASED and index == 0:
            continue
        try:
            named = _RELEASED.fullmatch(heading)
            this = (Version(named["version"]), date.fromisoformat(named["day"])) if named else None
        except (InvalidVersion, ValueError):
            this = None
        if this is None:
            yield f"CHANGELOG.md has a section {heading}. Write ## VERSION (YYYY-MM-DD)."
        elif newer is not None and not (this[0] < newer[0] and this[1] <= newer[1]):
            yield f"CHANGELOG.md has {heading} below a section that is not newer."
        newer = this or newer


def problems(root: Path = ROOT) -> Iterator[str]:
    """What stands against a release of the commit that is checked out, a sentence each."""
    yield from changelog_problems((root / "CHANGELOG.md").read_text(encoding="utf-8"), __version__, released=True)
    for dialect in specs.dialects():
        frozen = f"specs/{dialect}/frozen/{__version__}.yaml"
        if not (root / frozen).is_file():
            yield f"{frozen} is missing. Run: kms-conformance requirements --dialect {dialect} --freeze {frozen}"
    if changed := _git(root, "status", "--porcelain"):
        yield f"{len(changed.splitlines())} files differ from the commit. Commit or remove them."
    tag = f"v{__version__}"
    if _git(root, "tag", "--list", tag) and _git(root, "rev-list", "-1", tag) != _git(root, "rev-parse", "HEAD"):
        yield f"The tag {tag} names another commit. Raise __version__ in conformance/kms_conformance/__init__.py."


def export(root: Path, folder: Path) -> Path:
    """The files of the commit that is checked out, in `folder`; its untracked files and changes are left out."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=root, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        _unpack(files, folder)
    return folder


def _unpack(files: tarfile.TarFile, folder: Path) -> None:
    # Releases of Python before 3.11.4 have no filters.
    files.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
    files.extractall(folder)  # noqa: S202 - filtered where Python can, and made here


def build(source: Path, dist: Path, epoch: int, *kinds: str) -> dict[str, bytes]:
    """Build wheel and sdist, or some `kinds`, of a source tree with hatchling; returns their contents by file name.

    `epoch`: the date of all files in them, in seconds since 1970 (SOURCE_DATE_EPOCH). Raises `SystemExit` with
    hatchling's own words if it fails.
    """
    targets = [word for kind in kinds or KINDS for word in ("-t", kind)]
    command = [sys.executable, "-m", "hatchling", "build", *targets, "-d", str(dist)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"x hatchling cannot build {source}:\n{done.stdout}{done.stderr}")
    return {path.name: path.read_bytes() for path in sorted(dist.iterdir())}


def built_twice(root: Path, folder: Path, *kinds: str) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The contents of two builds of the commit that is checked out; the second tree is another to look at."""
    epoch = int(_git(root, "show", "--no-patch", "--format=%ct", "HEAD"))
    first = build(export(root, folder / "one"), folder / "dist-one", epoch, *kinds)
    other = export(root, folder / "another" / "place")
    for path in other.rglob("*"):
        # As of another user, at another time.
        path.chmod(0o700 if path.is_dir() or path.stat().st_mode & 0o100 else 0o600)
        os.utime(path)
    return first, build(other, folder / "dist-another", epoch, *kinds)


def wheel_of_sdist(root: Path, sdist: bytes, folder: Path) -> dict[str, bytes]:
    """The wheel that is built from an sdist, by file name."""
    with tarfile.open(fileobj=BytesIO(sdist)) as files:
        _unpack(files, folder / "unpacked")
    [source] = (folder / "unpacked").iterdir()
    epoch = int(_git(root, "show", "--no-patch", "--format=%ct", "HEAD"))
    return build(source, folder / "dist-unpacked", epoch, "wheel")


def main(arguments: list[str] | None = None) -> int:
    """Build a release; returns 0, or 1 if something stands against it or two builds differ."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__.partition("\n")[0])
    parser.add_argument("--draft", action="store_true", help="build even if the commit cannot be released yet")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="the folder to write to")
    given = parser.parse_args(arguments)
    against = list(problems())
    for problem in against:
        print(f"x {problem}")
    if against and not given.draft:
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, second = built_twice(ROOT, folder)
        sdist = next(content for name, content in first.items() if name.endswith(".tar.gz"))
        again = wheel_of_sdist(ROOT, sdist, folder)
    differing = [
        name for name, content in first.items() if second[name] != content or again.get(name, content) != content
    ]
    if differing:
        print(f"x Two builds of the same commit differ: {', '.join(differing)}.")
        return 1
    given.dist.mkdir(parents=True, exist_ok=True)
    for former in given.dist.glob("kms_conformance-*"):
        former.unlink()
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in first.items())
    for name, content in {**first, "SHA256SUMS": sums.encode()}.items():
        (given.dist / name).write_bytes(content)
    print(sums, end="")
    return 0


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
