"""Certificates: a conformant target's results, sealed so that a change to any of them is seen.

A certificate is a tamper-evident digest and no signature: it shows that its files are still those that were sealed, and
not who sealed them. Whoever can change the files can make another certificate for them; what its holder keeps apart
from the files is the seal.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from conformance.reporting import files, layout
from conformance.reporting.errors import ReportError
from conformance.reporting.html import render_template
from conformance.reporting.load import load_report, load_verdict
from conformance.reporting.model import LEVELS, VERDICTS, StoredVerdict
from conformance.reporting.schemas import validate
from conformance.reporting.words import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1
NOT_A_SIGNATURE = (
    "This is a tamper-evident digest and no signature: it shows that the files are those that were sealed, "
    "not who sealed them."
)


def certify(directory: Path, *, issued: datetime | None = None) -> tuple[Path, ...]:
    """Seal the results in a reports folder, or in one target's folder within; returns each `certificate.json`.

    Every target there must be conformant, or nothing is written. Beside each lies a page for people and printers.
    Raises `ReportError` where there is nothing to certify, or a file is missing, invalid or contradicts the others.
    """
    at = (issued or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sealed = {folder: _sealed(folder, root, at) for folder, root in _folders(directory).items()}
    for folder, document in sealed.items():
        files.write_atomically(folder / layout.CERTIFICATE, files.to_text(document))
        verdict = load_verdict(folder / layout.VERDICT)
        files.write_atomically(folder / layout.CERTIFICATE_PAGE, page(document, verdict))
    return tuple(folder / layout.CERTIFICATE for folder in sealed)


def page(document: Mapping[str, Any], verdict: StoredVerdict) -> str:
    """The certificate as one HTML page; the same certificate gives the same page."""
    return render_template(
        "certificate.html.j2",
        styles=("base.css", "certificate.css"),
        certificate=document,
        sentence=sentence(verdict),
        applicable=tuple(name for name in VERDICTS if any(document["counts"][level][name] for level in LEVELS)),
        notice=NOT_A_SIGNATURE,
    )


def contents(verdict: StoredVerdict) -> dict[str, Any]:
    """What a certificate says that its verdict says as well."""
    raw = verdict.to_json()
    return {
        "result": raw["result"],
        "target": raw["target"],
        "suite": raw["suite"],
        "run": {
            name: raw[name] for name in ("tier", "seed", "started", "duration_seconds", "requests", "keys_created")
        },
        "counts": {level: dict(counts) for level, counts in verdict.counts().items()},
        "waived": {entry.id: entry.reason for entry in verdict.with_verdict("waived")},
    }


def seal(document: Mapping[str, Any]) -> str:
    """The digest of a certificate without its seal."""
    return digest(files.canonical({name: value for name, value in document.items() if name != "seal"}))


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, as it stands in certificates."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _folders(directory: Path) -> dict[Path, Path]:
    """The folders to certify, each with the folder of its run's results."""
    if (directory / layout.RESULTS).is_file() or not (directory / layout.VERDICT).is_file():
        report = load_report(directory)
        names = [target.verdict.name for target in report.targets]
        return dict.fromkeys(layout.folders(directory, names).values(), directory)
    root = directory.parent
    names = [target.verdict.name for target in load_report(root).targets]
    if directory.resolve() not in {folder.resolve() for folder in layout.folders(root, names).values()}:
        raise ReportError(
            f"{directory} cannot be certified.",
            f"{root / layout.RESULTS} is the result of a run that does not have it.",
            "Name the reports folder of a finished run.",
        )
    return {directory: root}


def _sealed(folder: Path, root: Path, issued: str) -> dict[str, Any]:
    verdict = load_verdict(folder / layout.VERDICT)
    if verdict.result != "conformant":
        raise ReportError(
            f"{verdict.name} cannot be certified: it is {verdict.result}.",
            sentence(verdict),
            f"{root / layout.INDEX} shows what stands against it. Each target's folder can be certified alone.",
        )
    prefix = "" if folder == root else "../"
    required = {layout.VERDICT: folder / layout.VERDICT, prefix + layout.RESULTS: root / layout.RESULTS}
    others = {f"{prefix}{name}": root / name for name in (layout.JUNIT, layout.INDEX) if (root / name).is_file()}
    document = {"format": FORMAT, "issued": issued} | contents(verdict)
    document["files"] = {name: digest(files.read_bytes(path)) for name, path in (required | others).items()}
    document["seal"] = seal(document)
    validate(document, "certificate", layout.CERTIFICATE)
    return document
