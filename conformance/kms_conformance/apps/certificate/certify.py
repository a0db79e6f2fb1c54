"""Sealing: writes one file for each target of a run, with all that `verify` needs to judge the exchanges again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kms_conformance.apps.certificate import keys
from kms_conformance.apps.certificate.manifest import manifest, page
from kms_conformance.apps.certificate.pack import MANIFEST, PAGE, STATEMENT, pack
from kms_conformance.apps.certificate.statement import seal_statement, statement
from kms_conformance.apps.certificate.verify import verify_members, why_not_repeatable
from kms_conformance.recording.player import Recording, RecordingError
from kms_conformance.report import files, layout
from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.schemas import validate
from kms_conformance.report.text.words import sentence
from kms_conformance.verdict.decide import is_sound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner

_MOST_SHOWN = 5


class NotVerifiable(ReportError):  # noqa: N818 - an outcome, not a mistake
    """The sealed file of a target would not verify on this machine, so no file is written."""

    exit_code = 3


@dataclass(frozen=True)
class SealedFile:
    """One sealed file.

    - `kind`: "certificate", or "evidence" for a result that is only sealed because `evidence` was asked for.
    - `result`: the verdict on the target.
    - `partial`: the reasons why the run did not cover all requirements; with any reason, the file is no certificate.
    - `signer`: the id of the signing key; "" if the file is not signed.
    - `unverifiable`: the reasons why no machine can judge the file again; if empty, the file was verified.
    - `own_profile`: whether the target was judged by a profile that the user wrote.
    """

    path: Path
    kind: str
    result: str
    partial: tuple[str, ...]
    signer: str
    unverifiable: tuple[str, ...] = ()
    own_profile: bool = False


def certify(
    directory: Path, *, key: Path | None = None, evidence: bool = False, issued: datetime | None = None
) -> tuple[SealedFile, ...]:
    """Seal the results in a reports folder, or in the folder of one of its targets; returns the files, one a target.

    Without `evidence`, each target must be conformant; after a partial run, the checks that ran must have found nothing
    against it (`is_sound`). With `evidence`, any result is sealed, as evidence. All files are verified before the first
    one is written.

    Raises `ReportError` if there is nothing to seal or if a file of the report is missing, invalid or inconsistent, and
    `NotVerifiable` if a sealed file would not verify.
    """
    signer = None if key is None else keys.signer_of(key)
    at = (issued or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = [_packed(folder, report, signer, at, evidence=evidence) for folder, report in _folders(directory)]
    for sealed_file, data in found:
        files.write_atomically(sealed_file.path, data)
    return tuple(sealed_file for sealed_file, _ in found)


def _folders(directory: Path) -> list[tuple[Path, TargetReport]]:
    """The folders to seal, with the results of their targets."""
    whole = (directory / layout.RESULTS).is_file() or not (directory / layout.VERDICT).is_file()
    root = directory if whole else directory.parent
    report = load_report(root)
    folders = layout.folders(root, [target.verdict.name for target in report.targets])
    pairs = [(folders[target.verdict.name], target) for target in report.targets]
    chosen = [pair for pair in pairs if whole or pair[0].resolve() == directory.resolve()]
    if not chosen:
        raise ReportError(
            f"{directory} cannot be sealed.",
            f"The run in {root / layout.RESULTS} has no such target folder.",
            "Name the reports folder of a finished run.",
        )
    return chosen


def _packed(
    folder: Path, report: TargetReport, signer: CryptoSigner | None, issued: str, *, evidence: bool
) -> tuple[SealedFile, bytes]:
    verdict = report.verdict
    environment = _environment(folder, verdict.name)
    sound = is_sound(verdict, environment["partial"])
    if not sound and not evidence:
        raise ReportError(
            f"{verdict.name} cannot be certified: it is {verdict.result}.",
            sentence(verdict),
            "The report lists the failed and open requirements. The folder of each target can be certified alone; "
            "--evidence seals any result, as evidence instead of a certificate.",
        )
    members = {
        layout.VERDICT: files.to_text(verdict.to_json()).encode(),
        layout.RESULTS: files.to_text(Report((report,)).to_json()).encode(),
        layout.ENVIRONMENT: files.to_text(environment).encode(),
        layout.LEDGER: files.read_bytes(folder / layout.LEDGER),
        layout.EXCHANGES: files.read_bytes(folder / layout.EXCHANGES),
    }
    signed_by = "" if signer is None else signer.public_key.keyid
    document = manifest(verdict, environment, _exchanges(members[layout.EXCHANGES], folder), members, issued)
    validate(document, "manifest", MANIFEST)
    members[MANIFEST] = files.to_text(document).encode()
    members[PAGE] = page(document, verdict, signed_by).encode()
    members[STATEMENT] = seal_statement(statement(members, document, verdict), signer)
    partial = tuple(document["partial"])
    path = folder / layout.sealed_name(verdict.name, partial=bool(partial), evidence=not sound)
    unverifiable = tuple(why_not_repeatable(environment)) or _check_verifies(path, members)
    own = verdict.own_profile is not None
    return SealedFile(path, document["kind"], verdict.result, partial, signed_by, unverifiable, own), pack(members)


def _check_verifies(path: Path, members: Mapping[str, bytes]) -> tuple[()]:
    """Verify a file as its recipients will. Raises `NotVerifiable` if the file does not verify."""
    verification = verify_members(path, members, draw_again=False)
    if verification.exit_code:
        problems = [*verification.problems, *verification.obstacles]
        more = f"\nand {len(problems) - _MOST_SHOWN} more." if len(problems) > _MOST_SHOWN else ""
        raise NotVerifiable(
            f"{path.name} is not sealed: its contents do not verify.",
            "\n".join(problems[:_MOST_SHOWN]) + more,
            "This is not a fault of the target. If files of the report were changed or written by another version, run "
            "again; otherwise please report this problem, with the reports folder.",
        )
    return ()


def _environment(folder: Path, name: str) -> dict[str, Any]:
    path = folder / layout.ENVIRONMENT
    if any((place / layout.SHARD).is_file() for place in (folder, folder.parent)):
        raise ReportError(
            f"{name} cannot be sealed: its run was divided into shards.",
            "The order of the exchanges of several shards is not known, so they cannot be judged again as one run.",
            "Run without --shard to seal a certificate.",
        )
    if not path.is_file():
        raise ReportError(
            f"{name} cannot be sealed: its exchanges were not kept.",
            f"{path} is missing. A run does not write it if several workers shared the checks of one target, or if the "
            "disk was full; older versions do not write it either.",
            "Run again, with -n 0.",
        )
    document: dict[str, Any] = files.read_json(path)
    validate(document, "environment", str(path))
    return document


def _exchanges(data: bytes, folder: Path) -> int:
    try:
        return len(Recording.read(data).exchanges)
    except RecordingError as error:
        raise ReportError(f"{folder / layout.EXCHANGES} cannot be used.", f"{error}.", "Run again.") from error
