"""`merge`: merges the reports of all shards of a run into one."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.cli._common import results_mtime
from kms_conformance.cli.report import publish_reports
from kms_conformance.core.folders import ReportsLock
from kms_conformance.core.text import say
from kms_conformance.report import layout
from kms_conformance.report.text.screen import Screen
from kms_conformance.report.text.summary import show
from kms_conformance.run.shards.merge import Merged
from kms_conformance.run.shards.merge import merge as merged_of

_PATH = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("directories", metavar="DIR…", nargs=-1, required=True, type=_PATH)
@click.option("--reports", default="reports/latest", show_default=True, metavar="DIR", help="The folder to write to.")
def merge(directories: tuple[Path, ...], reports: str) -> int:
    """Merge the reports of all shards of a run into the report of the whole run.

    Each DIR is one of these folders:

    - the reports folder of one shard;

    - the folder that an earlier merge wrote;

    - a folder that contains such folders.

    If a shard is missing, the result is inconclusive and names the shard.
    """
    out = Path(reports).resolve()
    before = results_mtime(out)
    with ReportsLock(out):
        merged = merged_of([found for directory in directories for found in _shards_in(directory)], out)
        show(merged.report, out, Screen())
        publish_reports(out, before)
    for line in _unfinished(merged):
        say(line)
    return merged.report.exit_code


def _shards_in(directory: Path) -> list[Path]:
    """The folder itself if it holds results; else the shard folders in it, as in a download of CI artifacts."""
    if (directory / layout.RESULTS).exists() or (directory / layout.SHARD).exists():
        return [directory]
    found = sorted(path.parent for path in directory.glob(f"*/{layout.SHARD}"))
    if not found:
        # The shard of this folder ended early or did not run; the merged verdict names the shard as missing.
        say(f"{directory} holds no results of a shard: skipped.", err=True)
    return found


def _unfinished(merged: Merged) -> list[str]:
    lines = [
        f"Shard {index}/{merged.of} is missing: {count} checks did not run. Merge again with its folder."
        for index, count in merged.missing.items()
    ]
    return [*lines, *merged.undone]
