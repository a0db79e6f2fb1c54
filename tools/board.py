"""Build the board of the documentation: `python -m tools.board`.

It shows what the repository holds: the records in `tests/third_parties/evidence`, one file for each release that was
run. After new runs (`python tests/third_parties/certifying.py NAME --reports FOLDER`), this makes their records:

    python -m tools.board --keep FOLDER
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import click

from kms_conformance.apps.board.build import build_of_runs
from kms_conformance.apps.board.model import Board, JudgedRun, NotShown, RequirementCell, Standing
from kms_conformance.apps.board.record import run_from_json, run_to_json
from kms_conformance.apps.board.sources import places, read_place
from kms_conformance.cli.sealed import SealedFileOpener
from kms_conformance.report.schemas import validate

_ROOT = Path(__file__).parent.parent
RECORDS = _ROOT / "tests" / "third_parties" / "evidence"
SITE = _ROOT / "docs" / "board"
_STANDING = Standing("record", ("The authors of this repository ran it; the exchanges of its failures are kept.",))
_REPRODUCE = "git clone this repository, install it, then:\npython tests/third_parties/certifying.py {} --tier {}"


def records() -> Iterator[JudgedRun]:
    """The kept records of runs, by file name."""
    for path in sorted(RECORDS.glob("*.json")):
        raw = json.loads(path.read_text(encoding="utf-8"))
        validate(raw, "board-release", path.name)
        yield run_from_json(raw)


def build_site(out: Path) -> Board:
    """Write the board of the kept records; its day is that of the newest record."""
    runs = list(records())
    return build_of_runs(runs, out, max((run.day for run in runs), default=date.min))


def keep(folder: Path) -> Path:
    """Write the record of a run from its reports folder; returns its path."""
    (place,) = places([folder])
    (found,) = read_place(place, SealedFileOpener())
    if isinstance(found, NotShown):
        raise click.ClickException(f"{folder}: {found.standing.reasons}")
    name = found.target
    card = replace(
        found.card,
        homepage=f"https://pypi.org/project/{found.card.product}/{found.card.version}/",
        reproduce=_REPRODUCE.format(name, found.tier),
    )
    run = replace(found, source=name, standing=_STANDING, card=card, cells=tuple(map(_shortened, found.cells)))
    path = RECORDS / f"{name}.json"
    RECORDS.mkdir(exist_ok=True)
    path.write_text(_text(run), encoding="utf-8")
    return path


def _shortened(cell: RequirementCell) -> RequirementCell:
    """The cell with the last exchange of its failure, which is the one that decides."""
    if cell.failure is None:
        return replace(cell, proof=None)
    return replace(cell, failure=replace(cell.failure, exchanges=cell.failure.exchanges[-1:]))


def _text(run: JudgedRun) -> str:
    """The record with one line for each fact and each requirement, so that a change of one is a change of one line."""
    document = run_to_json(run)
    cells = ",\n".join(f"  {json.dumps(found)}" for found in document.pop("requirements"))
    facts = "".join(f" {json.dumps(name)}: {json.dumps(value)},\n" for name, value in document.items())
    return f'{{\n{facts} "requirements": [\n{cells}\n ]\n}}\n'


@click.command()
@click.option("--keep", "folders", type=click.Path(path_type=Path), multiple=True, help="Make records of these runs.")
@click.option("--out", default=SITE, type=click.Path(path_type=Path), help="The output folder.")
def main(folders: tuple[Path, ...], out: Path) -> None:
    """Write the board of the kept records, after making new records of the runs that are named."""
    for folder in folders:
        for place in places([folder]):
            click.echo(keep(place.path))
    board = build_site(out)
    click.echo(f"{out}: {len(board.products)} products")


if __name__ == "__main__":
    main()
