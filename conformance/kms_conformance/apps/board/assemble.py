"""Puts runs together: products, tracks and releases; which run of a release is shown; the families of each dialect."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date

from kms_conformance.apps.board.history import version_key
from kms_conformance.apps.board.model import (
    Board,
    BoardFamily,
    BoardRelease,
    JudgedRun,
    NotShown,
    Product,
    StandingName,
    Track,
)
from kms_conformance.apps.board.sources import SMOKE, Found
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs

STALE_AFTER = 180
_OTHERS = "others"
_SMALL = 3
# From the strongest to the weakest.
_STRENGTH: tuple[StandingName, ...] = ("verified", "signed", "report", "record")
_TIERS = ("nightly", "standard", "smoke")


def assemble(found: Iterable[Found], as_of: date, stale_after: int = STALE_AFTER) -> Board:
    """The board of these runs; equal runs in any order give equal boards."""
    given = tuple(found)
    runs = sorted((each for each in given if isinstance(each, JudgedRun)), key=lambda run: (run.source, run.started))
    not_shown = sorted((each for each in given if isinstance(each, NotShown)), key=lambda each: each.source)
    by_product = _grouped(runs, lambda run: run.card.product.casefold())
    slugs: set[str] = set()
    products = tuple(_product(members, slugs) for _, members in sorted(by_product.items()))
    return Board(as_of, stale_after, products, tuple(not_shown), _families(runs))


def _product(runs: list[JudgedRun], slugs: set[str]) -> Product:
    tracks = tuple(
        Track(dialect, _releases(members))
        for dialect, members in sorted(_grouped(runs, lambda run: run.dialect).items())
    )
    newest = max((track.newest for track in tracks), key=lambda release: version_key(release.version))
    name = newest.run.card.product
    return Product(name, slug(name, slugs), newest.run.card, tracks)


def _releases(runs: list[JudgedRun]) -> tuple[BoardRelease, ...]:
    by_version = _grouped(runs, lambda run: run.card.version)
    ordered = sorted(by_version.items(), key=lambda item: version_key(item[0]))
    return tuple(BoardRelease(version, _distinct(sorted(members, key=_preference))) for version, members in ordered)


def _distinct(runs: list[JudgedRun]) -> tuple[JudgedRun, ...]:
    """The runs without those that tell of the same run again, such as the reports folder of a sealed file."""
    found: dict[tuple[object, ...], JudgedRun] = {}
    for run in runs:
        verdicts = tuple((cell.requirement, cell.verdict) for cell in run.cells)
        found.setdefault((run.target, run.started, run.seed, run.tier, verdicts), run)
    return tuple(found.values())


def _preference(run: JudgedRun) -> tuple[bool, int, int, int, str]:
    """Which of several runs of a release is shown: whole runs first, then by standing, by tier, and the newest."""
    return (
        any(why != SMOKE for why in run.partial),
        _STRENGTH.index(run.standing.name),
        _TIERS.index(run.tier) if run.tier in _TIERS else len(_TIERS),
        -run.day.toordinal(),
        run.source,
    )


def _families(runs: list[JudgedRun]) -> Mapping[str, tuple[BoardFamily, ...]]:
    """By dialect, the requirements of its runs by the first word of their ids, in the order of the catalogue."""
    found = {}
    for dialect in sorted({run.dialect for run in runs}):
        catalogue = [each.id for each in Catalogue.load(dialect)] if dialect in specs.dialects() else []
        asked = dict.fromkeys(cell.requirement for run in runs if run.dialect == dialect for cell in run.cells)
        known = set(catalogue)
        ordered = [*(name for name in catalogue if name in asked), *(name for name in asked if name not in known)]
        sizes = Counter(map(_prefix, ordered))
        members: dict[str, list[str]] = {}
        for name in ordered:
            members.setdefault(_prefix(name) if sizes[_prefix(name)] >= _SMALL else _OTHERS, []).append(name)
        last = members.pop(_OTHERS, None)
        families = [BoardFamily(name, tuple(each)) for name, each in members.items()]
        found[dialect] = (*families, *([BoardFamily(_OTHERS, tuple(last))] if last else ()))
    return found


def _prefix(requirement: str) -> str:
    return requirement.partition(".")[0]


def slug(name: str, taken: set[str]) -> str:
    """A file name for a product or release, of lower-case letters, digits, dots and dashes; added to `taken`."""
    plain = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:60]
    if not plain or plain != name.lower() or plain in taken:
        plain = f"{plain or 'x'}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:6]}"
    taken.add(plain)
    return plain


def _grouped(runs: Iterable[JudgedRun], key: Callable[[JudgedRun], str]) -> dict[str, list[JudgedRun]]:
    found: dict[str, list[JudgedRun]] = {}
    for run in runs:
        found.setdefault(key(run), []).append(run)
    return found
