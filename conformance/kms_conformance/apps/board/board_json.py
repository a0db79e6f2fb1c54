"""The board as JSON for programs: `board.json` for the whole, one file for each release."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kms_conformance import __version__
from kms_conformance.apps.board.model import JudgedRun, NotShown, Product, Track
from kms_conformance.apps.board.record import run_to_json, standing_to_json
from kms_conformance.apps.board.site import Entry, Site

FORMAT = 1
KIND = "kms-conformance board"


def board_to_json(site: Site) -> dict[str, Any]:
    """The board, as `specs/schemas/board.schema.json` describes it; the verdicts stand in the files of the releases."""
    board = site.board
    return {
        "format": FORMAT,
        "kind": KIND,
        "suite_version": __version__,
        "as_of": board.as_of.isoformat(),
        "stale_after_days": board.stale_after,
        "families": {
            dialect: {family.name: list(family.requirements) for family in families}
            for dialect, families in board.families.items()
        },
        "products": [_product(site, product) for product in board.products],
        "not_shown": [_not_shown(found) for found in board.not_shown],
    }


def release_to_json(site: Site, entry: Entry, run: JudgedRun) -> dict[str, Any]:
    """One release, as `specs/schemas/board-release.schema.json` describes it; `run` is its run with the exchanges."""
    document = run_to_json(run)
    for found in document["requirements"]:
        begun = site.since(entry, found["id"])
        if begun is not None:
            found["since"] = {"version": begun.version, "after": begun.after}
        if found["id"] in entry.release.disputed:
            found["disputed_by"] = [other.source for other in entry.release.disputed[found["id"]]]
    return document | {"other_results": [_other(other) for other in entry.release.others]}


def _product(site: Site, product: Product) -> dict[str, Any]:
    return {
        "name": product.name,
        "page": site.product_page(product),
        "card": asdict(product.card),
        "tracks": [_track(site, track) for track in product.tracks],
    }


def _track(site: Site, track: Track) -> dict[str, Any]:
    return {"dialect": track.dialect, "releases": [_release(site, entry) for entry in site.entries_of(track)]}


def _release(site: Site, entry: Entry) -> dict[str, Any]:
    run = entry.run
    return {
        "version": entry.release.version,
        "page": site.release_page(entry),
        "json": f"releases/{entry.slug}.json",
        "badge": f"badges/{entry.slug}.svg",
        "standing": run.standing.name,
        "result": run.result,
        "tier": run.tier,
        "profile": run.profile,
        "started": run.started,
        "age_days": site.board.age(run),
        "old": site.board.is_old(run),
        "partial": list(run.partial),
        "flags": list(site.flags(run)),
        "families": {family.name: asdict(site.tally(run, family)) for family in site.families(entry.track.dialect)},
    }


def _other(run: JudgedRun) -> dict[str, Any]:
    return {"source": run.source, "standing": run.standing.name, "tier": run.tier, "started": run.started}


def _not_shown(found: NotShown) -> dict[str, Any]:
    return {"source": found.source, "claim": found.claim, "standing": standing_to_json(found.standing)}
