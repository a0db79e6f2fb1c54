"""Builds the site: reads all results in several processes, puts them together, and writes pages, JSON and badges."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from kms_conformance.apps.board import render
from kms_conformance.apps.board.assemble import STALE_AFTER, assemble
from kms_conformance.apps.board.board_json import KIND, board_to_json, release_to_json
from kms_conformance.apps.board.model import Board, JudgedRun
from kms_conformance.apps.board.sealed import Opener
from kms_conformance.apps.board.site import Entry, Site
from kms_conformance.apps.board.sources import Found, Place, places, read_place
from kms_conformance.report import files
from kms_conformance.report.files import ReportError
from kms_conformance.report.schemas import validate

BOARD = "board.json"
_FOLDERS = ("products", "releases", "families", "badges")
_FILES = ("index.html", "compare.html", BOARD)
_In = TypeVar("_In")
_Out = TypeVar("_Out")


def build(given: Sequence[Path], out: Path, opener: Opener, as_of: date, stale_after: int = STALE_AFTER) -> Board:
    """Write the board of the given reports folders and sealed files into the folder `out`; returns the board.

    The same results at the same `as_of` give the same bytes. Raises `ReportError` if something given holds no result,
    or if `out` holds files that are not those of a board.
    """
    wanted = places(given)
    with TemporaryDirectory(prefix="kms-conformance-board-") as spool:
        reader = _Reader(opener, Path(spool))
        found = [each for shares in _in_processes(reader.read, list(enumerate(wanted))) for each in shares]
        board = assemble((one for one, _ in found), as_of, stale_after)
        kept = {id(one): path for one, path in found if path is not None}
        write_site(board, out, lambda run: _unpickled(kept[id(run)]))
    return board


def build_of_runs(runs: Iterable[Found], out: Path, as_of: date, stale_after: int = STALE_AFTER) -> Board:
    """Write the board of runs that were read already."""
    board = assemble(runs, as_of, stale_after)
    write_site(board, out, lambda run: run)
    return board


def write_site(board: Board, out: Path, whole: Callable[[JudgedRun], JudgedRun]) -> None:
    """Write all files of a board. `whole` gives the run with its exchanges for a run of the board."""
    _clear(out)
    site, inner = Site(board), Site(board, "../")
    for folder in _FOLDERS:
        (out / folder).mkdir(parents=True, exist_ok=True)
    _write(out / "index.html", render.first_page(site))
    _write(out / "compare.html", render.comparison_page(site))
    for product in board.products:
        _write(out / "products" / f"{product.slug}.html", render.product_page(inner, product))
    for dialect in board.dialects:
        for family in site.families(dialect):
            _write(out / site.family_page(dialect, family), render.family_page(inner, dialect, family))
    _in_processes(_Writer(inner, out, whole).release, range(len(inner.entries)))
    document = board_to_json(site)
    validate(document, "board", BOARD)
    # It is written last, so that a folder without this file is no finished board.
    _write(out / BOARD, files.to_text(document))


@dataclass(frozen=True)
class _Reader:
    """Reads results; what a page needs of a run beside its verdicts is kept in a file until the page is written."""

    opener: Opener
    spool: Path

    def read(self, numbered: tuple[int, Place]) -> list[tuple[Found, Path | None]]:
        number, place = numbered
        kept: list[tuple[Found, Path | None]] = []
        for index, found in enumerate(read_place(place, self.opener)):
            if not isinstance(found, JudgedRun):
                kept.append((found, None))
                continue
            path = self.spool / f"{number}-{index}"
            path.write_bytes(pickle.dumps(found, pickle.HIGHEST_PROTOCOL))
            kept.append((_without_exchanges(found), path))
        return kept


@dataclass(frozen=True)
class _Writer:
    site: Site
    out: Path
    whole: Callable[[JudgedRun], JudgedRun]

    def release(self, number: int) -> None:
        """Write page, JSON and badges of one release."""
        entry: Entry = self.site.entries[number]
        run = self.whole(entry.run)
        _write(self.out / "releases" / f"{entry.slug}.html", render.release_page(self.site, entry, run))
        document = release_to_json(self.site, entry, run)
        validate(document, "board-release", f"{entry.slug}.json")
        _write(self.out / "releases" / f"{entry.slug}.json", files.to_text(document))
        names = [entry.slug]
        names += [f"{entry.product.slug}-{entry.track.dialect}"] if entry.is_newest else []
        for name in names:
            _write(self.out / "badges" / f"{name}.svg", render.badge_picture(self.site, entry))
            _write(self.out / "badges" / f"{name}.json", files.to_text(render.badge_endpoint(self.site, entry)))


def _without_exchanges(run: JudgedRun) -> JudgedRun:
    return replace(run, cells=tuple(replace(cell, failure=None, proof=None) for cell in run.cells))


def _unpickled(path: Path) -> JudgedRun:
    run: JudgedRun = pickle.loads(path.read_bytes())  # noqa: S301 - written by this process into its own folder
    return run


# The work of child processes: forked, they have it without a copy.
_WORK: list[Callable[[object], object]] = []


def _in_processes(work: Callable[[_In], _Out], items: Sequence[_In]) -> list[_Out]:
    """The results of `work` on each item, in their order, computed in one process for each core."""
    cores = min(os.cpu_count() or 1, len(items))
    if cores < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return list(map(work, items))
    _WORK.append(work)  # type: ignore[arg-type]  # its items are those below
    try:
        with multiprocessing.get_context("fork").Pool(cores) as pool:
            return pool.map(_work, items, chunksize=max(1, min(8, len(items) // (cores * 4))))  # type: ignore[arg-type]
    finally:
        _WORK.pop()


def _work(item: object) -> object:
    return _WORK[-1](item)


def _clear(out: Path) -> None:
    """Remove the files of an earlier board. Raises `ReportError` if the folder holds anything else."""
    if not out.exists():
        return
    others = [path.name for path in out.iterdir()] if out.is_dir() else [out.name]
    if others and not _is_board(out):
        raise ReportError(
            f"{out} is not written.",
            f"It holds files that are not those of a board, such as {min(others)}.",
            "Name an empty folder, or the folder of an earlier board.",
        )
    for name in _FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
    for name in _FILES:
        files.remove(out / name)


def _is_board(out: Path) -> bool:
    try:
        found = files.read_json(out / BOARD)
    except ReportError:
        return False
    return isinstance(found, dict) and found.get("kind") == KIND


def _write(path: Path, content: str) -> None:
    # Unlike reports, a site is made to be read by others.
    try:
        path.write_text(content, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise ReportError(f"{path} cannot be written.", f"{error.strerror or error}.", "Name another --out.") from error
