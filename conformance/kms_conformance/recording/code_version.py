"""The version of the code of a run, by digest and commit. Other code may send other requests and judge differently."""

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
# The last commit whose runs did not record their commit. Its code can verify the certificates of these runs.
_BEFORE_COMMITS_WERE_NAMED = "d109d79c9b1ef5e8f695b51fc2d7c83b8203a51e"


def code() -> dict[str, str]:
    """The `code` member of `environment.json`; the commit is "" if unknown."""
    return {"digest": digest(), "commit": _commit()}


@cache
def digest() -> str:
    """The SHA-256 of all source files of this package; equal for a checkout and an installation of it."""
    found = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py"), key=lambda path: path.relative_to(_PACKAGE).as_posix()):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{path.relative_to(_PACKAGE).as_posix()}\0{len(content)}\0".encode() + content)
    return f"sha256:{found.hexdigest()}"


def command(environment: Mapping[str, Any], path: Path) -> str:
    """The command that verifies the certificate at `path` with the code that wrote it.

    An installation that knows no repository names the wheel of that version: a name alone would be looked up in a
    package registry, and none has this package.
    """
    version = environment["suite"]["version"]
    commit = environment["code"]["commit"] if "code" in environment else _BEFORE_COMMITS_WERE_NAMED
    source = _source()
    wheel = f"./{_NAME.replace('-', '_')}-{version}-py3-none-any.whl"
    spec = f"git+{source}@{commit or f'v{version}'}" if source else wheel
    return shlex.join(["pipx", "run", "--spec", spec, _NAME, "verify", str(path)])


def _source() -> str:
    """The URL that serves other commits of this code: a checkout, or the source of the installation; "" if unknown."""
    if _git() is not None:
        return _PACKAGE.parents[1].as_uri()
    origin = _origin()
    return str(origin.get("url", "")) if "vcs_info" in origin else ""


def _commit() -> str:
    """The commit of this code; "" if unknown. It is read without git: nothing beside the package may be executed."""
    found = str(_origin().get("vcs_info", {}).get("commit_id", "")) or _checked_out()
    return found if _COMMIT.fullmatch(found) else ""


def _origin() -> Mapping[str, Any]:
    """The content of `direct_url.json`, in which pip records the source of an installation."""
    try:
        raw = json.loads(distribution(_NAME).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, OSError, ValueError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _git() -> Path | None:
    """The git directory of this checkout; None if this is no checkout."""
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
