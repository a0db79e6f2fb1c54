"""The page of a run: one self-contained HTML file that loads nothing and believes nothing that a target wrote."""

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
    """The page of a run as HTML; the same report gives the same page."""
    return render_pages(pages(report), report.stale)


def render_pages(shown: tuple[TargetPage, ...], stale: Sequence[StaleWaiver] = ()) -> str:
    """The same, of what has been worked out already."""
    return render_template(
        "report.html.j2", styles=("base.css", "report.css"), script="report.js", pages=shown, stale=stale
    )


def render_template(name: str, *, styles: tuple[str, ...], script: str = "", **values: object) -> str:
    """Fill in a template of ours. Styles and script go into the page, whose policy admits these and nothing else."""
    style = "\n".join(map(_asset, styles))
    code = _asset(script) if script else ""
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(code) if code else 'none'}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    # Both are files of this package, beside the template.
    page = _environment().get_template(name)
    return page.render(style=Markup(style), script=Markup(code), policy=policy, **values)  # noqa: S704 - see above


def prepare() -> None:
    """Compile the templates now, in a process whose children will need them."""
    for template in _TEMPLATES.glob("*.j2"):
        _environment().get_template(template.name)


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - a run writes its page at the end; what reads no page needs no templates

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
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
        "prose": _prose,
        "anchor": _anchor,
    }
    environment.globals |= {"LEVELS": LEVELS, "VERDICTS": VERDICTS, "WORDS": VERDICT_WORDS}
    return environment


def _anchor(name: str) -> str:
    """A requirement's id as part of an element's id; what is none of ours becomes one that is as unique."""
    return name if _PLAIN_ID.fullmatch(name) else hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def _prose(text: str) -> Markup:
    """A statement of ours, in which `names` of fields stand between backticks."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(text.split("`"))
    )


@cache
def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8").strip()


def _digest(content: str) -> str:
    """The hash by which a Content-Security-Policy admits an element with just this content."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
