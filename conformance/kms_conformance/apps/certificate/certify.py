"""Seals results: one file a target, with everything by which they can be judged again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kms_conformance.apps.certificate import keys
from kms_conformance.apps.certificate.manifest import manifest, page
from kms_conformance.apps.certificate.pack import MANIFEST, PAGE, STATEMENT, pack
from kms_conformance.apps.certificate.statement import sealed, statement
from kms_conformance.apps.certificate.verify import circumstances, verified
from kms_conformance.recording.player import Tape, TapeError
from kms_conformance.report import files, layout
from kms_conformance.report.errors import ReportError
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


class NotProved(ReportError):  # noqa: N818 - what became of it: an error was made by nobody
    """Results that do not follow from their exchanges, as far as can be told here: nothing is sealed."""

    exit_code = 3


@dataclass(frozen=True)
class Made:
    """One file that was made, and what may be said of it: `partial` are the reasons why it is no certificate.

    `unproved` is why nobody can judge it again; a file of which nothing is said there was judged again and holds.
    """

    path: Path
    kind: str
    result: str
    partial: tuple[str, ...]
    signer: str
    unproved: tuple[str, ...] = ()
    own_profile: bool = False


def certify(
    directory: Path, *, key: Path | None = None, evidence: bool = False, issued: datetime | None = None
) -> tuple[Made, ...]:
    """Seal the results in a reports folder, or in one target's folder within, each beside its verdict.

    Nothing is written unless no requirement failed or is open, but for what a partial run did not ask; with `evidence`
    any result is sealed, as evidence. Each file is judged again by its own contents before anything is written. Raises
    `ReportError` where there is nothing to seal, a file is missing, invalid or contradicts the others, and `NotProved`
    where the results do not follow from the exchanges.
    """
    signer = None if key is None else keys.signer_of(key)
    at = (issued or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = [_packed(folder, report, signer, at, evidence=evidence) for folder, report in _folders(directory)]
    for sealed_file, data in found:
        files.write_atomically(sealed_file.path, data)
    return tuple(sealed_file for sealed_file, _ in found)


def _folders(directory: Path) -> list[tuple[Path, TargetReport]]:
    """The folders to seal, each with the results of its target."""
    whole = (directory / layout.RESULTS).is_file() or not (directory / layout.VERDICT).is_file()
    root = directory if whole else directory.parent
    report = load_report(root)
    folders = layout.folders(root, [target.verdict.name for target in report.targets])
    pairs = [(folders[target.verdict.name], target) for target in report.targets]
    chosen = [pair for pair in pairs if whole or pair[0].resolve() == directory.resolve()]
    if not chosen:
        raise ReportError(
            f"{directory} cannot be sealed.",
            f"{root / layout.RESULTS} is the result of a run that does not have it.",
            "Name the reports folder of a finished run.",
        )
    return chosen


def _packed(
    folder: Path, report: TargetReport, signer: CryptoSigner | None, issued: str, *, evidence: bool
) -> tuple[Made, bytes]:
    verdict = report.verdict
    environment = _environment(folder, verdict.name)
    sound = is_sound(verdict, environment["partial"])
    if not sound and not evidence:
        raise ReportError(
            f"{verdict.name} cannot be certified: it is {verdict.result}.",
            sentence(verdict),
            "The report shows what stands against it. Each target's folder can be certified alone; "
            "--evidence seals any result, as evidence and not as a certificate.",
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
    members[STATEMENT] = sealed(statement(members, document, verdict), signer)
    partial = tuple(document["partial"])
    path = folder / layout.sealed_name(verdict.name, partial=bool(partial), evidence=not sound)
    unproved = tuple(circumstances(environment)) or _proved(path, members)
    own = verdict.own_profile is not None
    return Made(path, document["kind"], verdict.result, partial, signed_by, unproved, own), pack(members)


def _proved(path: Path, members: Mapping[str, bytes]) -> tuple[()]:
    """Judge a file as whoever gets it will; raises `NotProved`."""
    said = verified(path, members, draw_again=False)
    if said.exit_code:
        problems = [*said.problems, *said.obstacles]
        more = f"\nand {len(problems) - _MOST_SHOWN} more." if len(problems) > _MOST_SHOWN else ""
        raise NotProved(
            f"{path.name} is not sealed: what it would hold does not verify.",
            "\n".join(problems[:_MOST_SHOWN]) + more,
            "Nothing is said against the target by this. Were files of the report changed, or made by another version? "
            "Then run again; else please report it, with the reports folder.",
        )
    return ()


def _environment(folder: Path, name: str) -> dict[str, Any]:
    path = folder / layout.ENVIRONMENT
    if any((place / layout.SHARD).is_file() for place in (folder, folder.parent)):
        raise ReportError(
            f"{name} cannot be sealed: its run was divided into shards.",
            "No order is known between the exchanges of several shards, so nothing could judge them again as one run.",
            "Run without --shard to seal a certificate.",
        )
    if not path.is_file():
        raise ReportError(
            f"{name} cannot be sealed: its exchanges were not kept.",
            f"{path} is missing. A run leaves it, unless its checks of one target were divided among several workers, "
            "an older version made the results, or the disk was full.",
            "Run again.",
        )
    document: dict[str, Any] = files.read_json(path)
    validate(document, "environment", str(path))
    return document


def _exchanges(data: bytes, folder: Path) -> int:
    try:
        return len(Tape.read(data).lines)
    except TapeError as error:
        raise ReportError(f"{folder / layout.EXCHANGES} cannot be used.", f"{error}.", "Run again.") from error
