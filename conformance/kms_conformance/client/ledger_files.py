"""Paths of ledger files: one file for each target, named before the first request, without credentials."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from kms_conformance.core.errors import UserMistake
from kms_conformance.target import Target

_SUFFIX = ".jsonl"


class LedgerError(UserMistake):
    """A ledger cannot be written, or has another format version. The run stops, so that no key is forgotten."""


def state_directory() -> Path:
    """The folder of ledgers: $KMS_CONFORMANCE_STATE, or the XDG state directory. Raises `LedgerError`."""
    if given := os.environ.get("KMS_CONFORMANCE_STATE"):
        return Path(given)
    if base := os.environ.get("XDG_STATE_HOME"):
        return Path(base) / "kms-conformance"
    try:
        return Path.home() / ".local" / "state" / "kms-conformance"
    except RuntimeError as error:
        raise LedgerError(
            "No folder for the ledger of keys: HOME is not set, and this user has no passwd entry.\n"
            "No request was sent.\n"
            "Set KMS_CONFORMANCE_STATE to a writable folder that is kept between runs."
        ) from error


def place_of(target: Target, directory: Path | None = None) -> Path:
    """Path of the ledger: `ledger` in the target file, or a name made of target name, dialect and endpoint."""
    if isinstance(target.ledger, Path):
        return target.ledger
    folder = directory or state_directory()
    if target.ledger is not None:
        return folder / f"{target.ledger}{_SUFFIX}"
    return folder / f"{target.name}-{_digest(target.dialect, target.base_url)}{_SUFFIX}"


def earlier_place_of(target: Target, directory: Path | None = None) -> Path:
    """Path used by an earlier release for these credentials; its lines count as part of the current ledger."""
    # Ways to sign in without a project use the access key as `scope`, and the scope is part of the name of the file.
    # After a rotation of the access key the name is another one; `others_of` finds the files with the earlier names.
    digest = _digest(target.dialect, target.base_url, target.auth.scope)
    return (directory or state_directory()) / f"{target.name}-{digest}{_SUFFIX}"


def others_of(target: Target, directory: Path | None = None) -> tuple[Path, ...]:
    """Other ledgers of targets of this name: for other credentials (by earlier releases) or other endpoints."""
    folder = directory or state_directory()
    own = {place_of(target, directory), earlier_place_of(target, directory)}
    return tuple(sorted(path for path in folder.glob(f"{target.name}-{'?' * 8}{_SUFFIX}") if path not in own))


def credential_of(target: Target) -> str:
    """A digest that identifies the credentials of a target, and so their account, without revealing them."""
    return _digest(target.dialect, target.base_url, target.auth.scope)


def account_digest(account: str) -> str:
    """A digest that identifies an account. The id itself is not written, as it may come from the environment."""
    return hashlib.sha256(account.encode()).hexdigest()[:16]


def _digest(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:8]
