"""`merge`: the shards of a run as one run."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.cli._common import stamp
from kms_conformance.cli.report import after_run
from kms_conformance.core.folders import Held
from kms_conformance.core.text import say
from kms_conformance.report import layout
from kms_conformance.report.text.screen import Screen
from kms_conformance.report.text.summary import show
from kms_conformance.run.shards.merge import Merged
from kms_conformance.run.shards.merge import merge as merged_of

_PATH = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("directories", metavar="DIR…", nargs=-1, required=True, type=_PATH)
@click.option("--reports", default="reports/latest", show_default=True, metavar="DIR", help="Where the whole goes.")
def merge(directories: tuple[Path, ...], reports: str) -> int:
    """Join the reports of all shards of a run, as if it had been one run.

    Each DIR is the reports folder of a shard, of several that were merged before, or a folder of such folders. A shard
    that is missing makes the whole inconclusive, and is named.
    """
    out = Path(reports).resolve()
    before = stamp(out)
    with Held(out):
        merged = merged_of([found for directory in directories for found in _shards_in(directory)], out)
        show(merged.report, out, Screen())
        after_run(out, before)
    for line in _unfinished(merged):
        say(line)
    return merged.report.exit_code


def _shards_in(directory: Path) -> list[Path]:
    """The folder itself, or the shards that lie in it: a download of artefacts has a folder for each."""
    if (directory / layout.RESULTS).exists() or (directory / layout.SHARD).exists():
        return [directory]
    found = sorted(path.parent for path in directory.glob(f"*/{layout.SHARD}"))
    if not found:
        # Its shard was ended early, or did not run: the verdict will name it as missing.
        say(f"{directory} holds no results of a shard: passed over.", err=True)
    return found


def _unfinished(merged: Merged) -> list[str]:
    lines = [
        f"Shard {index}/{merged.of} is missing: {count} checks did not run. Merge again with its folder."
        for index, count in merged.missing.items()
    ]
    return [*lines, *merged.undone]
