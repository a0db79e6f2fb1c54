"""`board`: builds a static site of products, families and releases; `board check` reviews a result."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click

from kms_conformance.cli.exit_codes import help_epilog
from kms_conformance.core.text import counted, say, wrapped

_PATH = click.Path(path_type=Path)
_WIDTH = 100
_MARKS = {"wrong": "✗", "unjudged": "?", "consider": "·", "right": "✓"}
_BUILD, _CHECK = "build", "check"
_KEY = click.option(
    "--key", "keys", type=_PATH, metavar="FILE", multiple=True, help="Trust signatures of this public key (PEM)."
)


class _BoardGroup(click.Group):
    """The command `board`: with `check`, the review of a file; else the build of a site."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_BUILD, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_BoardGroup)
def board() -> None:
    """Show the results of several products side by side, or review a result before it is offered.

    `kms-conformance board DIR|CERTIFICATE... --out SITE` is short for `kms-conformance board build ...`.
    """


@board.command(_CHECK, short_help="Review a sealed FILE and its card.", epilog=help_epilog("board"))
@click.argument("file", metavar="FILE", type=_PATH, required=False)
@_KEY
@click.option("--card", is_flag=True, help="Print a card to begin with, and check nothing.")
def check(file: Path | None, keys: tuple[Path, ...], card: bool) -> int:  # noqa: FBT001 - an option
    """Review a sealed FILE and the card beside it, as the author of a board would."""
    from kms_conformance.apps.board import check as reviewing  # noqa: PLC0415 - other commands do not need it
    from kms_conformance.apps.board.card import example  # noqa: PLC0415 - as above
    from kms_conformance.cli.sealed import SealedFileOpener  # noqa: PLC0415 - as above

    if card:
        say(example(), end="")
        return 0
    if file is None:
        raise click.UsageError("Missing argument 'FILE': a file that `certify` wrote.")
    reviewing.check_sealed(file)
    found = reviewing.review(file, SealedFileOpener.of(keys)(file), datetime.now(UTC).date())
    say(f"{file}")
    for weight in ("wrong", "unjudged", "consider", "right"):
        for remark in found.of_weight(weight):
            for line in wrapped(remark.text, _WIDTH, f"  {_MARKS[weight]} ", "    "):
                say(line)
            if remark.hint:
                for line in wrapped(remark.hint, _WIDTH, "    → ", "      "):
                    say(line)
    say(found.conclusion)
    return found.exit_code


@board.command(_BUILD, short_help="Build a static site of results.", epilog=help_epilog("board"))
@click.argument("results", metavar="DIR|CERTIFICATE...", type=_PATH, nargs=-1, required=True)
@click.option("--out", type=_PATH, metavar="SITE", required=True, help="The folder of the site.")
@_KEY
@click.option("--as-of", metavar="DATE", help="Compute ages for this day (YYYY-MM-DD); default: today.")
@click.option(
    "--stale-after",
    type=click.IntRange(1),
    metavar="DAYS",
    default=180,
    show_default=True,
    help="Mark older evidence as old.",
)
@click.option("--cache", type=_PATH, metavar="FOLDER", help="Keep what was read there, for faster later builds.")
def build(
    results: tuple[Path, ...],
    out: Path,
    keys: tuple[Path, ...],
    as_of: str | None,
    stale_after: int,
    cache: Path | None,
) -> int:
    """Build a static site that shows results side by side: products, families of requirements, releases.

    DIR is a reports folder, or a folder with several results; CERTIFICATE is a file that `certify` wrote. Each sealed
    file is verified; one that does not verify is shown as refused, with the reason, and none of its verdicts.
    """
    from kms_conformance.apps.board.build import build as build_site  # noqa: PLC0415 - other commands do not need it
    from kms_conformance.cli.sealed import SealedFileOpener  # noqa: PLC0415 - as above

    made = build_site(results, out, SealedFileOpener.of(keys), _day(as_of), stale_after=stale_after, cache=cache)
    for found in made.not_shown:
        word = "refused" if found.standing.name == "refused" else "not judged here"
        say(f"{word}: {found.source}: {(found.standing.reasons or ('',))[0]}")
    releases = sum(len(track.releases) for product in made.products for track in product.tracks)
    say(f"board: {out / 'index.html'}: {counted(len(made.products), 'product')}, {counted(releases, 'release')}")
    return 0


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--as-of {text} is not a date: write YYYY-MM-DD.") from None
