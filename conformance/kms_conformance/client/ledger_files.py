"""Where ledgers lie: one a target, under a name that is known before the first request and holds no credential."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from kms_conformance.core.errors import UserMistake
from kms_conformance.target import Target

_SUFFIX = ".jsonl"


class LedgerError(UserMistake):
    """A ledger that cannot be kept, or read by this version; its keys must not be forgotten for that."""


def state_directory() -> Path:
    """Where ledgers are kept: $KMS_CONFORMANCE_STATE, or the user's XDG state directory. Raises `LedgerError`."""
    if given := os.environ.get("KMS_CONFORMANCE_STATE"):
        return Path(given)
    if base := os.environ.get("XDG_STATE_HOME"):
        return Path(base) / "kms-conformance"
    try:
        return Path.home() / ".local" / "state" / "kms-conformance"
    except RuntimeError as error:
        raise LedgerError(
            "There is no folder for the ledger of keys: there is no HOME, and this user is in no list of users.\n"
            "Nothing was asked.\n"
            "Set KMS_CONFORMANCE_STATE to a folder that can be written, and that is kept between runs."
        ) from error


def place_of(target: Target, directory: Path | None = None) -> Path:
    """The file of a target: as `ledger` in the target file says, else after the target's name, dialect and endpoint."""
    if isinstance(target.ledger, Path):
        return target.ledger
    folder = directory or state_directory()
    if target.ledger is not None:
        return folder / f"{target.ledger}{_SUFFIX}"
    return folder / f"{target.name}-{_digest(target.dialect, target.base_url)}{_SUFFIX}"


def earlier_place_of(target: Target, directory: Path | None = None) -> Path:
    """The file of an earlier release for these very credentials; what stands in it counts as in the target's own."""
    # An access key, the scope of some ways, may have been exchanged since.
    digest = _digest(target.dialect, target.base_url, target.auth.scope)
    return (directory or state_directory()) / f"{target.name}-{digest}{_SUFFIX}"


def others_of(target: Target, directory: Path | None = None) -> tuple[Path, ...]:
    """Other files for a target of this name: of other credentials, by earlier releases, or of other endpoints."""
    folder = directory or state_directory()
    own = {place_of(target, directory), earlier_place_of(target, directory)}
    return tuple(sorted(path for path in folder.glob(f"{target.name}-{'?' * 8}{_SUFFIX}") if path not in own))


def credential_of(target: Target) -> str:
    """What tells the credentials of a target from others without saying them: one access key is of one account."""
    return _digest(target.dialect, target.base_url, target.auth.scope)


def account_digest(account: str) -> str:
    """What tells an account from others: its id may have come from the environment, and is not to be written."""
    return hashlib.sha256(account.encode()).hexdigest()[:16]


def _digest(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:8]
