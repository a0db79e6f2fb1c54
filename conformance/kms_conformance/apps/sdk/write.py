"""Writes `sdk.json` of each target into the reports folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kms_conformance.apps.sdk.outcome import SdkReport
from kms_conformance.report import files, layout
from kms_conformance.report.schemas import validate

SDK = "sdk.json"


def paths(directory: Path, names: Sequence[str]) -> Mapping[str, Path]:
    """Where the document of each target goes: beside the other results of a target, by its name."""
    return {name: folder / SDK for name, folder in layout.folders(directory, names).items()}


def write(path: Path, report: SdkReport) -> None:
    """Validate and write the document of one target. Raises `ReportError`."""
    document = report.to_json()
    validate(document, "sdk", SDK)
    files.write_atomically(path, files.to_text(document))
