"""Badges: a target's result as a picture, and as what shields.io makes a picture of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kms_conformance.core.text import capped, counted, one_line
from kms_conformance.report.html.render import render_template

if TYPE_CHECKING:
    from kms_conformance.verdict.model import Result, Verdict

_LABEL = "key deletion"
# White text on each has a contrast of at least 4.5.
_COLOURS: Mapping[Result, str] = {"conformant": "#1a6a43", "nonconformant": "#a61e1e", "inconclusive": "#865700"}
_GREY = "#4a4f57"
# Of Verdana and its kin at 11 px, in px: most letters are narrower, and `textLength` makes the text fit.
_LETTER = 6.6
_PADDING = 12


def endpoint(verdict: Verdict) -> dict[str, Any]:
    """What a badge of shields.io reads from an address: https://shields.io/badges/endpoint-badge."""
    return {
        "schemaVersion": 1,
        "label": _LABEL,
        "message": message(verdict),
        "color": _COLOURS[verdict.result],
        "labelColor": _GREY,
        "isError": verdict.result != "conformant",
    }


def picture(verdict: Verdict) -> str:
    """The badge as SVG, which loads nothing; its title names the target for those who cannot see it."""
    said = message(verdict)
    name, _ = capped(one_line(verdict.name), 100)
    left, right = _width(_LABEL), _width(said)
    return render_template(
        "badge.svg.j2",
        styles=(),
        label=_LABEL,
        message=said,
        title=f"{name}: {_LABEL} {said}",
        left=left,
        right=right,
        padding=_PADDING,
        grey=_GREY,
        colour=_COLOURS[verdict.result],
    )


def message(verdict: Verdict) -> str:
    """The result, how many of the MUST requirements that apply hold, and how many checks did not run to their end."""
    must = verdict.counts()["MUST"]
    applicable = sum(must.values()) - must["not_applicable"]
    unfinished = f", {counted(len(verdict.unfinished), 'check')} unfinished" if verdict.unfinished else ""
    return f"{verdict.result} {must['passed']}/{applicable}{unfinished}"


def _width(text: str) -> int:
    return round(len(text) * _LETTER) + _PADDING
