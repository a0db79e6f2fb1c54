"""Which code a run had, told by digest and commit: another code may ask and judge otherwise."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import kms_conformance

_PACKAGE = Path(kms_conformance.__file__).parent
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NAME = "kms-conformance"
# The last code whose runs did not name their commit: what they sealed, it judges.
_BEFORE_COMMITS_WERE_NAMED = "d109d79c9b1ef5e8f695b51fc2d7c83b8203a51e"


def code() -> dict[str, str]:
    """What `environment.json` says of the code of a run; its commit is "" where that is not known."""
    return {"digest": digest(), "commit": _commit()}


@cache
def digest() -> str:
    """The SHA-256 of all source files of this package, the same for a checkout and for what is installed from it."""
    found = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py"), key=lambda path: path.relative_to(_PACKAGE).as_posix()):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{path.relative_to(_PACKAGE).as_posix()}\0{len(content)}\0".encode() + content)
    return f"sha256:{found.hexdigest()}"


def command(environment: Mapping[str, Any], path: Path) -> str:
    """The command that verifies a file with the code that sealed it."""
    version = environment["suite"]["version"]
    commit = environment["code"]["commit"] if "code" in environment else _BEFORE_COMMITS_WERE_NAMED
    source = _source()
    spec = f"git+{source}@{commit or f'v{version}'}" if source else f"{_NAME}=={version}"
    return shlex.join(["pipx", "run", "--spec", spec, _NAME, "verify", str(path)])


def _source() -> str:
    """Where other commits of this code are to be had: a checkout, or what it was installed from; "" if not known."""
    if _git() is not None:
        return _PACKAGE.parents[1].as_uri()
    origin = _origin()
    return str(origin.get("url", "")) if "vcs_info" in origin else ""


def _commit() -> str:
    """The commit of this code, without asking git: what is found beside a package is not run."""
    found = str(_origin().get("vcs_info", {}).get("commit_id", "")) or _checked_out()
    return found if _COMMIT.fullmatch(found) else ""


def _origin() -> Mapping[str, Any]:
    """What pip noted of where the package came from."""
    try:
        raw = json.loads(distribution(_NAME).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, OSError, ValueError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _git() -> Path | None:
    """The folder in which git keeps what is checked out here; None where this is no checkout."""
    root = _PACKAGE.parents[1]
    if not (root / "pyproject.toml").is_file():
        return None
    git = root / ".git"
    with suppress(OSError):
        if git.is_file():
            git = root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    return git if git.is_dir() else None


def _checked_out() -> str:
    git = _git()
    if git is None:
        return ""
    with suppress(OSError, UnicodeDecodeError):
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        common = git / "commondir"
        shared = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
        for folder in (git, shared):
            if (folder / name).is_file():
                return (folder / name).read_text(encoding="utf-8").strip()
        packed = (shared / "packed-refs").read_text(encoding="utf-8")
        return next((line.split()[0] for line in packed.splitlines() if line.endswith(f" {name}")), "")
    return ""
