"""Opens sealed files for the board: verifies each, and looks for the signature of one of the named keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kms_conformance.apps.board.sealed import OpenedFile
from kms_conformance.apps.certificate import keys
from kms_conformance.apps.certificate.contents import SealedContents
from kms_conformance.apps.certificate.manifest import NO_SIGNATURE
from kms_conformance.apps.certificate.pack import InvalidArchive, read
from kms_conformance.apps.certificate.statement import is_signed_by
from kms_conformance.apps.certificate.verify import CLAIMED, verify_members
from kms_conformance.core.text import one_line
from kms_conformance.recording.player import RecordingError
from kms_conformance.report.files import ReportError

if TYPE_CHECKING:
    from securesystemslib.signer import Key


@dataclass(frozen=True)
class SealedFileOpener:
    """Verifies sealed files; `known` are the public keys that the user named."""

    known: tuple[Key, ...] = ()

    @classmethod
    def of(cls, paths: Sequence[Path]) -> SealedFileOpener:
        """Read the public keys in these files. Raises `ReportError` for a file that is no key."""
        return cls(tuple(map(keys.public_key, paths)))

    @property
    def identity(self) -> str:
        """The ids of the named keys."""
        return " ".join(sorted(key.keyid for key in self.known))

    def __call__(self, path: Path) -> OpenedFile:
        """Verify a file. Raises `ReportError` if it cannot be read."""
        try:
            members = read(path)
        except InvalidArchive as error:
            return OpenedFile(path, (f"{one_line(str(error))[:1].upper()}{one_line(str(error))[1:]}.",))
        verification = verify_members(path, members)
        try:
            sealed = SealedContents.read(members)
        except (RecordingError, ReportError, ValueError, LookupError, TypeError, AttributeError):
            sealed = None
        shared = verification.shared
        opened = OpenedFile(
            path,
            verification.problems,
            (*verification.obstacles, *(shared.missing if shared is not None else ())),
            tuple(note for note in verification.notes if note != NO_SIGNATURE and not note.startswith(CLAIMED)),
            command=verification.command,
        )
        if sealed is None:
            return opened
        return OpenedFile(
            path,
            opened.problems,
            opened.obstacles,
            opened.notes,
            sealed.report,
            sealed.document["kind"],
            tuple(sealed.document["partial"]),
            tuple(sealed.envelope.signatures),
            next((key.keyid for key in self.known if is_signed_by(sealed.envelope, key)), ""),
            opened.command,
        )
