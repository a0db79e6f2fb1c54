"""File names and folders of a report. With several targets, each target has its own folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kms_conformance.report.files import ReportError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RESULTS = "results.json"
SHARD = "shard.json"
VERDICT = "verdict.json"
TRACE = "traceability.json"
INDEX = "index.html"
ALLURE_RESULTS = "allure-results"
ALLURE_REPORT = "allure-report"
EXCHANGES = "exchanges.jsonl.gz"
LEDGER = "ledger.jsonl"
ENVIRONMENT = "environment.json"
# This file is not part of sealed files, because it holds paths of this machine.
REPLAY = "replay.json"

# The files with the data of a run. `report/formats.py` has the files that are rendered from these.
RECORDS_OF_RUN = (RESULTS, SHARD, REPLAY)
RECORDS_OF_TARGET = (VERDICT, TRACE, EXCHANGES, LEDGER, ENVIRONMENT)

# The names that the schema of target files allows. None of these names, as a folder, leads out of the reports folder.
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


def folders(directory: Path, names: Sequence[str]) -> dict[str, Path]:
    """The folder of each target's verdict, by target name.

    Raises `ReportError` if a name cannot be used as a folder, or if two targets would share a folder.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            raise ReportError(
                f"The target {name!a} cannot have a folder in the reports.",
                "Its name may have letters, digits, dots, underscores and dashes only.",
                "Change `name` in the target file.",
            )
    # On some file systems, two names that differ only by case name one folder.
    if len({name.casefold() for name in names}) != len(names):
        raise ReportError(
            "Two targets of this run would share a folder.",
            f"Their names are equal, or differ only by case: {', '.join(sorted(names))}.",
            "Give each target file a different `name`.",
        )
    return {names[0]: directory} if len(names) == 1 else {name: directory / name for name in names}


def sealed_name(name: str, *, partial: bool, evidence: bool) -> str:
    """The name of a target's sealed file. It contains `certificate` only for a complete run of a conformant target."""
    kind = "-".join(word for word, said in (("partial", partial), ("evidence", evidence)) if said) or "certificate"
    return f"{name}.{kind}.zip"


def is_sealed(name: str) -> bool:
    """Whether a file name is the name of a sealed file."""
    return _SEALED.search(name) is not None


_SEALED = re.compile(r"\.(certificate|partial|evidence|partial-evidence)\.zip$")
