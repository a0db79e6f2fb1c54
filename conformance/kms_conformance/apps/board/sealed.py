"""A sealed file as the board sees it: what it claims, and how it stands. The command line verifies it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kms_conformance.apps.board.model import Standing
from kms_conformance.report.model import TargetReport


@dataclass(frozen=True)
class OpenedFile:
    """A sealed file after its verification.

    - `problems`: proofs that it was changed or is wrong; `obstacles`: why this machine cannot judge it again. Without
      both, it verifies.
    - `notes`: further sentences of the verification.
    - `report`: what it claims; None if its members cannot be read.
    - `kind`: `certificate` or `evidence`; empty if the manifest cannot be read.
    - `partial`: why the run did not cover all requirements.
    - `signers`: the ids of the keys whose signature it claims.
    - `signed_by`: the id of the named key whose signature it has; empty if none was named or none fits.
    - `command`: the command that verifies it with the code that sealed it.
    """

    path: Path
    problems: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    report: TargetReport | None = None
    kind: str = ""
    partial: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    signed_by: str = ""
    command: str = ""


class Opener(Protocol):
    """Verifies sealed files; `identity` names the keys whose signatures it trusts."""

    @property
    def identity(self) -> str:
        """The ids of the trusted keys."""

    def __call__(self, path: Path) -> OpenedFile:
        """Verify a file. Raises `ReportError` if it cannot be read."""


_NO_KEY = "It is not signed: who sealed it is not known."
_UNCHECKED = "It claims a signature of the key {}, which was not checked: no public key of that id was named."
_OTHER_CODE = "It was sealed by other code and is not judged again here; the holder of the key vouches for it."


def standing_of(opened: OpenedFile) -> Standing:
    """How a sealed file stands; `refused` and `unjudged` mean that its verdicts are not shown."""
    if opened.problems:
        return Standing("refused", opened.problems, opened.notes)
    if opened.report is None or (opened.obstacles and not opened.signed_by):
        return Standing("unjudged", opened.obstacles, opened.notes, command=opened.command)
    if opened.obstacles:
        return Standing("signed", (_OTHER_CODE, *opened.obstacles), opened.notes, opened.signed_by, opened.command)
    reasons = () if opened.signed_by else (_UNCHECKED.format(opened.signers[0]) if opened.signers else _NO_KEY,)
    return Standing("verified", reasons, opened.notes, opened.signed_by)
