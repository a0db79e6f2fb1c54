"""What pages of the site need besides the board: names of files, counts, histories, words, texts of the catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from kms_conformance.apps.board.assemble import slug
from kms_conformance.apps.board.history import ReleaseChange, Since, changes, since
from kms_conformance.apps.board.model import (
    Board,
    BoardFamily,
    BoardRelease,
    JudgedRun,
    Product,
    StandingName,
    State,
    Tally,
    Track,
    tally,
)
from kms_conformance.catalogue.requirements import Catalogue, Requirement
from kms_conformance.core import specs
from kms_conformance.report.ci.badge import COLOURS, GREY
from kms_conformance.report.html.render import anchor
from kms_conformance.verdict.decide import specs_digest

STANDING_WORDS: Mapping[StandingName, str] = {
    "verified": "verified",
    "signed": "signed claim",
    "report": "not sealed",
    "record": "kept record",
    "unjudged": "not judged here",
    "refused": "refused",
}
STATE_WORDS: Mapping[State, str] = {
    "failed": "fails",
    "weak": "fails, without effect on the result",
    "open": "could not be judged",
    "holds": "holds",
    "not_applicable": "does not apply",
    "absent": "was not asked",
}
# The symbols of states, by their names in report/html/templates/marks.html.j2.
STATE_MARKS: Mapping[State, str] = {
    "failed": "failed",
    "weak": "waived",
    "open": "inconclusive",
    "holds": "passed",
    "not_applicable": "not_applicable",
    "absent": "not_tested",
}


@dataclass(frozen=True)
class Entry:
    """One release of one product in one dialect: the subject of a row, of a page, and of a badge."""

    product: Product
    track: Track
    release: BoardRelease
    slug: str

    @property
    def run(self) -> JudgedRun:
        return self.release.run

    @property
    def is_newest(self) -> bool:
        return self.release is self.track.newest


@dataclass(frozen=True)
class Site:
    """The board with everything that its pages share; `root` is the way from a page to the folder of the site."""

    board: Board
    root: str = ""
    _tallies: dict[tuple[int, str], Tally] = field(default_factory=dict)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """All releases of all products, in the order of the board; within a track the oldest first."""
        taken: set[str] = set()
        found = []
        for product in self.board.products:
            for track in product.tracks:
                for release in track.releases:
                    name = slug(f"{product.slug}-{release.version}-{track.dialect}", taken)
                    found.append(Entry(product, track, release, name))
        return tuple(found)

    @cached_property
    def _entry_of(self) -> Mapping[int, Entry]:
        return {id(entry.release): entry for entry in self.entries}

    def entry(self, release: BoardRelease) -> Entry:
        return self._entry_of[id(release)]

    def entries_of(self, track: Track) -> tuple[Entry, ...]:
        return tuple(map(self.entry, track.releases))

    def newest(self, dialect: str) -> tuple[Entry, ...]:
        """The newest release of each product in a dialect."""
        return tuple(entry for entry in self.entries if entry.is_newest and entry.track.dialect == dialect)

    def families(self, dialect: str) -> tuple[BoardFamily, ...]:
        return self.board.families[dialect]

    def tally(self, run: JudgedRun, family: BoardFamily | None = None) -> Tally:
        """The counts of a family in a run, or of the whole run."""
        key = (id(run), "" if family is None else family.name)
        if key not in self._tallies:
            wanted = tuple(run.by_requirement) if family is None else family.requirements
            self._tallies[key] = tally(run, wanted)
        return self._tallies[key]

    @cached_property
    def _since(self) -> Mapping[int, Mapping[str, Mapping[str, Since]]]:
        return {id(track): since(track) for product in self.board.products for track in product.tracks}

    def since(self, entry: Entry, requirement: str) -> Since | None:
        """Since when the answer of this release holds; None if the release did not judge the requirement."""
        return self._since[id(entry.track)][entry.release.version].get(requirement)

    def changes(self, track: Track) -> tuple[ReleaseChange, ...]:
        return changes(track)

    def requirement(self, dialect: str, name: str) -> Requirement | None:
        """The requirement in the catalogue of this version; None if it has none of this id."""
        return requirement_of(dialect, name)

    def same_specs(self, run: JudgedRun) -> bool:
        """Whether the run was judged by the specs of this version, whose statements the pages show."""
        return _is_known(run.dialect) and _digest(run.dialect) == run.specs_digest

    def flags(self, run: JudgedRun) -> tuple[str, ...]:
        """What a reader must know beside the verdicts of a run, a word or two each."""
        found = [] if run.standing.name == "verified" else [STANDING_WORDS[run.standing.name]]
        found += ["not signed"] if run.standing.name == "verified" and not run.standing.signer else []
        found += ["partial"] if run.partial else []
        found += [f"old, {self.board.age(run)} days"] if self.board.is_old(run) else []
        found += ["dated after this board"] if self.board.age(run) < 0 else []
        found += ["own profile"] if run.own_profile else []
        return (*found, *([] if self.same_specs(run) else ["earlier requirements"]))

    # --- the names of files, relative to the page that links to them ---

    def product_page(self, product: Product) -> str:
        return f"{self.root}products/{product.slug}.html"

    def release_page(self, entry: Entry) -> str:
        return f"{self.root}releases/{entry.slug}.html"

    def family_page(self, dialect: str, family: BoardFamily) -> str:
        return f"{self.root}families/{dialect}-{anchor(family.name)}.html"

    # --- badges ---

    def badge_text(self, entry: Entry) -> str:
        """What the badge of a release says: release, result, tier, day; if no MUST fails, also the flags."""
        run = entry.run
        failed = self.tally(run).failed
        said = [entry.release.version, f"{failed} MUST fail" if failed else run.result, run.tier, run.started[:10]]
        return ", ".join([*said, *(() if failed else self.flags(run))])

    def badge_colour(self, entry: Entry) -> str:
        """Green only for a conformant run whose file is sealed, and that is not old."""
        run = entry.run
        sealed = run.standing.name in {"verified", "signed"} and not self.board.is_old(run)
        return COLOURS[run.result] if sealed or run.result != "conformant" else GREY

    # --- data of the scripts ---

    def search_data(self) -> str:
        """What the search of the first page looks through, as JSON: [kind, title, text, address]."""
        found: list[list[str]] = []
        for product in self.board.products:
            versions = " ".join(
                dict.fromkeys(release.version for track in product.tracks for release in track.releases)
            )
            found.append(["Product", product.name, f"{product.card.vendor} {versions}", self.product_page(product)])
        for dialect in self.board.dialects:
            for family in self.families(dialect):
                page = self.family_page(dialect, family)
                found += [
                    [dialect, name, requirement.statement if requirement else "", f"{page}#{anchor(name)}"]
                    for name in family.requirements
                    for requirement in [self.requirement(dialect, name)]
                ]
        return embedded(found)

    def comparison_data(self) -> str:
        """All releases with the state of each requirement, as JSON: what the page of comparisons chooses from."""
        dialects = {}
        for dialect in self.board.dialects:
            rows = [
                [
                    name,
                    family.name,
                    each.statement if each else "",
                    each.level if each else "",
                    *_cited(each),
                    anchor(name),
                ]
                for family in self.families(dialect)
                for name in family.requirements
                for each in [self.requirement(dialect, name)]
            ]
            dialects[dialect] = {"requirements": rows}
        runs = [
            {
                "slug": entry.slug,
                "product": entry.product.name,
                "version": entry.release.version,
                "dialect": entry.track.dialect,
                "page": self.release_page(entry),
                "about": f"tier {entry.run.tier}, profile {entry.run.profile}, {entry.run.started[:10]}",
                "specs": entry.run.specs_digest[:20],
                "flags": list(self.flags(entry.run)),
                "states": "".join(
                    _LETTERS[entry.run.state(name)]
                    for family in self.families(entry.track.dialect)
                    for name in family.requirements
                ),
            }
            for entry in self.entries
        ]
        return embedded({"dialects": dialects, "runs": runs})


_LETTERS: Mapping[State, str] = {
    "failed": "f",
    "weak": "w",
    "open": "o",
    "holds": "h",
    "not_applicable": "n",
    "absent": "a",
}


def requirement_of(dialect: str, name: str) -> Requirement | None:
    """The requirement in the catalogue of this version; None if it has none of this id."""
    return Catalogue.load(dialect).requirements.get(name) if _is_known(dialect) else None


@cache
def _is_known(dialect: str) -> bool:
    return dialect in specs.dialects()


@cache
def _digest(dialect: str) -> str:
    return specs_digest(dialect)


def _cited(requirement: Requirement | None) -> tuple[str, str]:
    """Title and address of the first document of a requirement."""
    if requirement is None:
        return "", ""
    return str(requirement.sources[0]), requirement.sources[0].document.url


def embedded(document: Any) -> str:  # noqa: ANN401 - JSON
    """JSON that can stand within a script element: no character in it ends the element."""
    text = json.dumps(document, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
