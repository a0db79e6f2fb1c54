"""Badges: the result of a target as SVG, and as JSON for shields.io."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kms_conformance.core.text import capped, counted, one_line
from kms_conformance.report.html.render import render_template

if TYPE_CHECKING:
    from kms_conformance.verdict.model import Result, Verdict

_LABEL = "key deletion"
# White text on each colour has a contrast of at least 4.5 (WCAG AA).
COLOURS: Mapping[Result, str] = {"conformant": "#1a6a43", "nonconformant": "#a61e1e", "inconclusive": "#865700"}
GREY = "#4a4f57"
# Width of a letter in Verdana at 11 px, in px. Most letters are narrower; `textLength` makes the text fit.
_LETTER = 6.6
_PADDING = 12


def endpoint(verdict: Verdict) -> dict[str, Any]:
    """The badge as JSON, in the form that shields.io reads (https://shields.io/badges/endpoint-badge)."""
    return described(message(verdict), COLOURS[verdict.result], is_error=verdict.result != "conformant")


def picture(verdict: Verdict) -> str:
    """The badge as SVG. The picture loads nothing, and has a title with the name of the target for screen readers."""
    name, _ = capped(one_line(verdict.name), 100)
    return drawn(message(verdict), name, COLOURS[verdict.result])


def drawn(said: str, name: str, colour: str) -> str:
    """A badge that says `said` of the target `name`, as SVG; `colour` is behind the text."""
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
        grey=GREY,
        colour=colour,
    )


def described(said: str, colour: str, *, is_error: bool) -> dict[str, Any]:
    """A badge that says `said`, as JSON in the form that shields.io reads."""
    return {
        "schemaVersion": 1,
        "label": _LABEL,
        "message": said,
        "color": colour,
        "labelColor": GREY,
        "isError": is_error,
    }


def message(verdict: Verdict) -> str:
    """The text of a badge: result, number of passed and of applicable MUST requirements, tier, unfinished checks."""
    must = verdict.counts()["MUST"]
    applicable = sum(must.values()) - must["not_applicable"]
    unfinished = f", {counted(len(verdict.unfinished), 'check')} unfinished" if verdict.unfinished else ""
    return f"{verdict.result} {must['passed']}/{applicable}, {verdict.tier}{unfinished}"


def _width(text: str) -> int:
    return round(len(text) * _LETTER) + _PADDING
