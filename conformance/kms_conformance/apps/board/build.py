"""Builds the site: reads all results in several processes, puts them together, and writes pages, JSON and badges."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from kms_conformance.apps.board import render
from kms_conformance.apps.board.assemble import STALE_AFTER, assemble
from kms_conformance.apps.board.board_json import KIND, board_to_json, release_to_json
from kms_conformance.apps.board.model import Board, JudgedRun
from kms_conformance.apps.board.sealed import Opener
from kms_conformance.apps.board.site import Entry, Site
from kms_conformance.apps.board.sources import Found, ResultPlace, places, read_place
from kms_conformance.apps.board.store import RunStore
from kms_conformance.report import files
from kms_conformance.report.files import ReportError
from kms_conformance.report.schemas import validate

BOARD = "board.json"
_FOLDERS = ("products", "releases", "families", "badges")
_FILES = ("index.html", "compare.html", BOARD)
# New objects of a child process before it looks for unreachable ones: some 20 releases have so many.
_GARBAGE = 200_000
_In = TypeVar("_In")
_Out = TypeVar("_Out")


def build(
    given: Sequence[Path],
    out: Path,
    opener: Opener,
    as_of: date,
    *,
    stale_after: int = STALE_AFTER,
    cache: Path | None = None,
) -> Board:
    """Write the board of the given reports folders and sealed files into the folder `out`; returns the board.

    `cache`: a folder in which a later build finds what was read of unchanged results. The same results at the same
    `as_of` give the same bytes. Raises `ReportError` if something given holds no result,
    or if `out` holds files that are not those of a board.
    """
    wanted = places(given)
    with TemporaryDirectory(prefix="kms-conformance-board-") as spool:
        store = RunStore(cache or Path(spool), opener.identity)
        found = [each for shares in _in_processes(_Reader(opener, store).read, wanted) for each in shares]
        board = assemble((one for one, _, _ in found), as_of, stale_after)
        kept = {id(one): (key, index) for one, key, index in found}
        write_site(board, out, lambda run: _whole(store, *kept[id(run)]))
    return board


def build_of_runs(runs: Iterable[Found], out: Path, as_of: date, stale_after: int = STALE_AFTER) -> Board:
    """Write the board of runs that were read already."""
    board = assemble(runs, as_of, stale_after)
    write_site(board, out, lambda run: run)
    return board


def write_site(board: Board, out: Path, whole: Callable[[JudgedRun], JudgedRun]) -> None:
    """Write all files of a board. `whole` gives the run with its exchanges for a run of the board."""
    _clear(out)
    # An unfinished board has this file too, so that it can be built again; without `format`, no reader takes it.
    _make(out)
    _write(out / BOARD, _compact({"kind": KIND}))
    site, inner = Site(board), Site(board, "../")
    for folder in _FOLDERS:
        _make(out / folder)
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
    _write(out / BOARD, _compact(document))


@dataclass(frozen=True)
class _Reader:
    """Reads results; what a page needs of a run beside its verdicts stays in the store until the page is written."""

    opener: Opener
    store: RunStore

    def read(self, place: ResultPlace) -> list[tuple[Found, str, int]]:
        """What a result holds, without its exchanges; with the key and the position at which the store has them."""
        key = self.store.key(place)
        found = self.store.get(key)
        if found is None:
            found = read_place(place, self.opener)
            self.store.put(key, found)
        return [(_without_exchanges(each), key, index) for index, each in enumerate(found)]


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
        _write(self.out / "releases" / f"{entry.slug}.json", _compact(document))
        names = [entry.slug]
        names += [f"{entry.product.slug}-{entry.track.dialect}"] if entry.is_newest else []
        for name in names:
            _write(self.out / "badges" / f"{name}.svg", render.badge_picture(self.site, entry))
            _write(self.out / "badges" / f"{name}.json", files.to_text(render.badge_endpoint(self.site, entry)))


def _without_exchanges(run: Found) -> Found:
    if not isinstance(run, JudgedRun):
        return run
    return replace(run, cells=tuple(replace(cell, failure=None, proof=None) for cell in run.cells))


def _whole(store: RunStore, key: str, index: int) -> JudgedRun:
    found = (store.get(key) or ())[index:][:1]
    if not found or not isinstance(found[0], JudgedRun):
        raise ReportError(
            "The board is not finished.", "A file of the cache was removed or changed.", "Build it again."
        )
    return found[0]


# The work of child processes: forked, they have it without a copy.
_WORK: list[Callable[[object], object]] = []


def _in_processes(work: Callable[[_In], _Out], items: Sequence[_In]) -> list[_Out]:
    """The results of `work` on each item, in their order, computed in one process for each core."""
    cores = min(os.cpu_count() or 1, len(items))
    if cores < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return list(map(work, items))
    _WORK.append(work)  # type: ignore[arg-type]  # its items are those below
    # The objects of the board live to its end: looking for unreachable ones among them takes a fifth of the time.
    gc.freeze()
    try:
        with multiprocessing.get_context("fork").Pool(cores, _ended_by_signals) as pool:
            done: list[Any] = pool.map(_work, items, chunksize=max(1, min(8, len(items) // (cores * 4))))
            pool.close()
            pool.join()
            return done
    finally:
        gc.unfreeze()
        _WORK.pop()


def _ended_by_signals() -> None:
    """Let signals end a child process at once; the command line handles them in the parent."""
    gc.set_threshold(_GARBAGE)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _work(item: Any) -> object:  # noqa: ANN401 - of the work that it is for
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


def _compact(document: object) -> str:
    """JSON of a release: without indents, it is written five times as fast and has half the size."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(path: Path, error: OSError) -> ReportError:
    return ReportError(f"{path} cannot be written.", f"{error.strerror or error}.", "Name another folder with --out.")


def _write(path: Path, content: str) -> None:
    # Unlike reports, a site is made to be read by others.
    try:
        path.write_text(content, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise _unwritable(path, error) from error
