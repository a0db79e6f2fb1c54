"""Renders the page of a run: one self-contained HTML file. It loads nothing and escapes all text of the target."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from kms_conformance.core.text import counted, duration, one_line, printable
from kms_conformance.report.html.page import TargetPage, pages
from kms_conformance.report.text.words import VERDICT_WORDS
from kms_conformance.verdict.model import LEVELS, VERDICTS

if TYPE_CHECKING:
    import jinja2

    from kms_conformance.report.model import Report
    from kms_conformance.verdict.waivers.outdated import StaleWaiver

_PLAIN_ID = re.compile(r"[a-z0-9.-]+")
_TEMPLATES = Path(__file__).parent / "templates"


def render(report: Report) -> str:
    """The page of a run as HTML; equal reports give equal pages."""
    return render_pages(pages(report), report.stale)


def render_pages(shown: tuple[TargetPage, ...], stale: Sequence[StaleWaiver] = ()) -> str:
    """The page of a run as HTML, from the pages of its targets, which other formats share."""
    return render_template(
        "report.html.j2", styles=("base.css", "report.css"), script="report.js", pages=shown, stale=stale
    )


def render_template(
    name: str, *, styles: tuple[str, ...], script: str = "", folder: Path | None = None, **values: object
) -> str:
    """Render a template. Styles and script are inlined; the Content-Security-Policy allows only these.

    `folder`: where templates, styles and scripts are looked for first, before the folder of the reports' templates.
    """
    style = "\n".join(_asset(each, folder) for each in styles)
    code = _asset(script, folder) if script else ""
    # Style and script need no escaping, because they are files of this package.
    page = _environment(folder).get_template(name)
    return page.render(style=Markup(style), script=Markup(code), policy=_policy(style, code), **values)  # noqa: S704 - both are our own files


@cache
def _policy(style: str, code: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(code) if code else 'none'}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def prepare() -> None:
    """Compile the templates, so that child processes that are forked later need not compile them."""
    for template in _TEMPLATES.glob("*.j2"):
        _environment(None).get_template(template.name)


@cache
def _environment(folder: Path | None) -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - needed only where a page is rendered

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_TEMPLATES] if folder is None else [folder, _TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "printable": printable,
        "line": one_line,
        "duration": duration,
        "counted": counted,
        "prose": prose,
        "anchor": anchor,
    }
    environment.globals |= {"LEVELS": LEVELS, "VERDICTS": VERDICTS, "WORDS": VERDICT_WORDS}
    return environment


def anchor(name: str) -> str:
    """A requirement id as part of an HTML id; an id with unusual characters is replaced by its hash."""
    return name if _PLAIN_ID.fullmatch(name) else hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def prose(text: str) -> Markup:
    """The text as HTML, with names between backticks as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(text.split("`"))
    )


@cache
def _asset(name: str, folder: Path | None) -> str:
    own = _TEMPLATES if folder is None or not (folder / name).is_file() else folder
    return (own / name).read_text(encoding="utf-8").strip()


def _digest(content: str) -> str:
    """The Content-Security-Policy hash of an inline element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
