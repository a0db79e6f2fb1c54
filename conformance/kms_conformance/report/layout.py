"""Which file of a report lies where: beside the results with one target, in a folder a target with several."""

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
# Not part of any sealed result: paths of this machine are nobody else's business.
REPLAY = "replay.json"

# What a run records. The formats that are made of it are entries of `formats`.
RECORDS_OF_RUN = (RESULTS, SHARD, REPLAY)
RECORDS_OF_TARGET = (VERDICT, TRACE, EXCHANGES, LEDGER, ENVIRONMENT)

# What the schema of target files allows as a name, so that no name leads out of the reports folder.
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


def folders(directory: Path, names: Sequence[str]) -> dict[str, Path]:
    """The folder of each target's verdict, by its name. Raises `ReportError` where two would share one."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise ReportError(
                f"There is no folder for the target {name!a}.",
                "A folder is named after it, and that is no name of letters, digits, dots, underscores and dashes.",
                "Change `name` in the target file.",
            )
    # Folders that differ by case alone are one folder on some file systems.
    if len({name.casefold() for name in names}) != len(names):
        raise ReportError(
            "Two targets of this run would share a folder.",
            f"Their names are equal, or differ by case alone: {', '.join(sorted(names))}.",
            "Give each target file its own `name`.",
        )
    return {names[0]: directory} if len(names) == 1 else {name: directory / name for name in names}


def sealed_name(name: str, *, partial: bool, evidence: bool) -> str:
    """What a target's sealed file is called: only what is whole and conformant is called a certificate."""
    kind = "-".join(word for word, said in (("partial", partial), ("evidence", evidence)) if said) or "certificate"
    return f"{name}.{kind}.zip"


def is_sealed(name: str) -> bool:
    """Whether a file is called as a sealed one is."""
    return _SEALED.search(name) is not None


_SEALED = re.compile(r"\.(certificate|partial|evidence|partial-evidence)\.zip$")
