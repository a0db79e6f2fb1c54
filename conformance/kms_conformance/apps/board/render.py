"""Renders the pages of the site; equal boards give equal pages. Pages load nothing and escape all text of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape

from kms_conformance import __version__
from kms_conformance.apps.board.history import Since
from kms_conformance.apps.board.model import BoardFamily, JudgedRun, Product, State
from kms_conformance.apps.board.site import STANDING_WORDS, STATE_MARKS, STATE_WORDS, Entry, Site, requirement_of
from kms_conformance.report.ci import badge
from kms_conformance.report.html.render import prose, render_template
from kms_conformance.report.text.exchange import ExchangeView, view

#: The largest page, in bytes.
MOST_BYTES = 1_000_000
_FOLDER = Path(__file__).parent / "templates"
_STYLES = ("base.css", "report.css", "board.css")
_STATES: tuple[State, ...] = ("failed", "weak", "open", "holds", "not_applicable")
# The order in which a page of a family lists the answers.
_ANSWERS: tuple[State, ...] = ("failed", "weak", "open", "holds", "not_applicable", "absent")
# Characters of exchanges on the page of a release, escaped; the rest of such a page has some 300,000 characters.
_ROOM = 500_000
# Characters that are shown of the body of an exchange that proves a requirement.
_PROOF_BODY = 400


def first_page(site: Site) -> str:
    """`index.html`: the newest release of each product by families, and what was given and is not shown."""
    return _render("index.html.j2", site, script="index.js", data=Markup(site.search_data()))  # noqa: S704 - `embedded` escapes


def comparison_page(site: Site) -> str:
    """`compare.html`: two releases side by side, chosen by the reader."""
    return _render("compare.html.j2", site, script="compare.js", data=Markup(site.comparison_data()))  # noqa: S704 - `embedded` escapes


def product_page(site: Site, product: Product) -> str:
    """The page of a product: its releases by families, what changed between them, how to repeat the result."""
    families = {
        track.dialect: {name: family for family in site.families(track.dialect) for name in family.requirements}
        for track in product.tracks
    }
    runs = [release.run for track in product.tracks for release in track.releases]
    return _render(
        "product.html.j2",
        site,
        script="report.js",
        product=product,
        family_of=families,
        most=max(site.tally(run).applicable for run in runs) or 1,
        # A badge is one of our own templates, rendered with escaping.
        badges={track.dialect: Markup(badge_picture(site, site.entry(track.newest))) for track in product.tracks},  # noqa: S704
    )


def family_page(site: Site, dialect: str, family: BoardFamily) -> str:
    """The page of a family: each requirement, and the products for which it fails, is open, or holds."""
    entries = site.newest(dialect)
    answers = {name: _answers(site, entries, name) for name in family.requirements}
    return _render("family.html.j2", site, dialect=dialect, family=family, entries=entries, answers=answers)


def release_page(site: Site, entry: Entry, run: JudgedRun) -> str:
    """The page of a release. `run` is the shown run with its exchanges, which the run of the board lacks.

    Exchanges of failures come first; those of requirements that hold are shown for the newest release only. As many
    exchanges are shown as keep the page below 1 MB.
    """
    proofs = _proofs(run) if entry.is_newest else {}
    budget = _ROOM
    while True:
        page = _render(
            "release.html.j2",
            site,
            script="report.js",
            entry=entry,
            run=run,
            states=Counter(cell.state for cell in run.cells),
            proofs=proofs,
            room=_room(run, proofs, budget),
        )
        if len(page.encode("utf-8")) <= MOST_BYTES or not budget:
            return page
        budget = budget // 2 if budget > 1000 else 0


def badge_picture(site: Site, entry: Entry) -> str:
    """The badge of a release as SVG."""
    return badge.drawn(site.badge_text(entry), entry.product.name, site.badge_colour(entry))


def badge_endpoint(site: Site, entry: Entry) -> Mapping[str, object]:
    """The badge of a release as JSON for shields.io."""
    colour = site.badge_colour(entry)
    return badge.described(site.badge_text(entry), colour, is_error=colour != badge.COLOURS["conformant"])


def _answers(
    site: Site, entries: tuple[Entry, ...], name: str
) -> Mapping[State, tuple[tuple[Entry, Since | None], ...]]:
    found: dict[State, list[tuple[Entry, Since | None]]] = {}
    for entry in entries:
        found.setdefault(entry.run.state(name), []).append((entry, site.since(entry, name)))
    return {state: tuple(found[state]) for state in _ANSWERS if state in found}


def _proofs(run: JudgedRun) -> Mapping[str, ExchangeView]:
    """By requirement that holds, the exchange that proves it."""
    return {cell.requirement: view(cell.proof, _PROOF_BODY) for cell in run.cells if cell.proof is not None}


def _room(run: JudgedRun, proofs: Mapping[str, ExchangeView], budget: int) -> Mapping[str, bool]:
    """By requirement, whether its exchanges are shown, until the budget is used up."""
    found = dict.fromkeys(run.by_requirement, False)
    for cell in sorted(run.cells, key=lambda cell: cell.failure is None):
        shown = (proofs.get(cell.requirement),) if cell.failure is None else cell.failure.exchanges
        budget -= sum(_length(exchange) for exchange in shown if exchange is not None)
        if budget < 0:
            break
        found[cell.requirement] = True
    return found


def _length(shown: ExchangeView) -> int:
    sides = [side for side in (shown.request, shown.reply) if side is not None]
    texts = [shown.curl, *(side.body for side in sides), *(value for side in sides for _, value in side.headers)]
    return 1000 + sum(len(escape(text)) for text in texts)


@cache
def _statement_of(dialect: str, name: str) -> Markup:
    """The statement of a requirement, rendered once for all releases."""
    found = requirement_of(dialect, name)
    return prose(found.statement if found else "Not in this version's catalogue.")


@cache
def _sources_of(dialect: str, name: str) -> Markup:
    """The places in documents that a requirement comes from, with links, rendered once for all releases."""
    found = requirement_of(dialect, name)
    lines = [
        Markup('<li><a href="{}" rel="noreferrer noopener">{}, “{}”</a> · {}</li>').format(
            source.document.url,
            source.document.publisher,
            source.document.title,
            " · ".join(part for part in (source.section, source.row) if part),
        )
        for source in (found.sources if found else ())
    ]
    return Markup('<ul class="sources">{}</ul>').format(Markup("").join(lines))


def _render(template: str, site: Site, *, script: str = "", **values: object) -> str:
    return render_template(
        template,
        styles=_STYLES,
        script=script,
        folder=_FOLDER,
        site=site,
        suite_version=__version__,
        STANDING_WORDS=STANDING_WORDS,
        STATE_WORDS=STATE_WORDS,
        STATE_MARKS=STATE_MARKS,
        sources_of=_sources_of,
        statement_of=_statement_of,
        # The classes that colour a state are those of verdicts.
        STATE_CLASSES=STATE_MARKS,
        STATES=_STATES,
        **values,
    )
