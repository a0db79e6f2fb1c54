"""`python -m tools.durations DIR…` records the duration of each check in these runs, for balanced shards."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kms_conformance.run.shards.durations import FORMAT, RECORDED, collect


@click.command()
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def main(directories: tuple[Path, ...]) -> None:
    """Record the medians of these reports folders; other durations are kept."""
    known = json.loads(RECORDED.read_text(encoding="utf-8"))["seconds"] if RECORDED.exists() else {}
    measured = collect(json.loads((directory / "results.json").read_bytes()) for directory in directories)
    for dialect, tiers in measured.items():
        known.setdefault(dialect, {}).update(tiers)
    RECORDED.write_text(json.dumps({"format": FORMAT, "seconds": known}, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
