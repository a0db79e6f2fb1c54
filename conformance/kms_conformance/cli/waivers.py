"""`waivers`: writes a waivers file from the failures of a run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import click

from kms_conformance.cli.exit_codes import help_epilog
from kms_conformance.core.text import counted, say
from kms_conformance.report.files import write_atomically
from kms_conformance.report.load import load_report
from kms_conformance.target import TargetError
from kms_conformance.verdict.waivers import Waiver
from kms_conformance.verdict.waivers.baseline import Outcomes, drafts, is_needed, matches_failure, renewed
from kms_conformance.verdict.waivers.merging import WaiversFile

_PATH = click.Path(path_type=Path)
_STDOUT = "-"
_DEFAULT = Path("waivers.yaml")
_LONGEST_NAME = 200


@click.group()
def waivers() -> None:
    """Write a waivers file: the failures that are accepted until a date (docs/waivers.md)."""


@waivers.command(epilog=help_epilog("waivers"))
@click.argument("directory", metavar="DIR", type=_PATH)
@click.option("--owner", required=True, metavar="NAME", help="The person or team that answers for the failures.")
@click.option("--expires", required=True, metavar="DATE", help="The last day on which they are accepted: YYYY-MM-DD.")
@click.option("--merge", type=_PATH, metavar="FILE", help="Add to this waivers file; its comments stay.")
@click.option("--prune", is_flag=True, help="With --merge: remove entries that match nothing that failed.")
@click.option("--exact", is_flag=True, help="Name the failures too: a new failure of a requirement is not accepted.")
@click.option(
    "--output",
    metavar="FILE",
    default=None,
    help="The file to write; - prints it.  [default: the file of --merge, else waivers.yaml]",
)
def write(
    directory: Path,
    owner: str,
    expires: str,
    merge: Path | None,
    prune: bool,  # noqa: FBT001 - an option
    exact: bool,  # noqa: FBT001 - an option
    output: str | None,
) -> None:
    """Write a waiver for each failure of the run whose reports are in DIR.

    Failed requirements with a common prefix become one glob, such as cancel.*, if none of them passed. Entries are
    sorted and limited to the targets of the run. Each new entry has `reason: TODO`: `run` refuses the file until
    somebody has written why each failure is accepted.

    With --merge, only failures that the file does not accept yet are added; entries that have expired and still match a
    failure are renewed, with TODO before their reason. With --prune, entries that match nothing that failed are
    removed. Entries for other targets stay, and those with requirements that the run did not judge.
    """
    today = datetime.now(UTC).date()
    last, name = _date(expires, today), _owner(owner)
    if prune and merge is None:
        raise click.UsageError("--prune removes entries of a file: name it with --merge.")
    found = [Outcomes.of(target.verdict, target.checks) for target in load_report(directory).targets]
    before = WaiversFile("waivers.yaml") if merge is None else _read(merge)
    renewals = {
        waiver: renewed(waiver, last)
        for waiver in before.waivers
        if waiver.has_expired(today) and matches_failure(waiver, found)
    }
    removed = [waiver for waiver in before.waivers if prune and not is_needed(waiver, found)]
    # An expired entry that is for nothing that failed is out of date; only --prune removes it.
    known = [renewals.get(waiver, waiver) for waiver in before.waivers if waiver not in removed]
    added = drafts(found, known, name, last, exact=exact)
    text = before.changed(added, removed, renewals)
    if output == _STDOUT:
        say(text, end="")
        return
    if merge is None and not added:
        say(f"Nothing failed in {directory}: no waiver is needed, and no file was written.")
        return
    path = Path(output) if output else merge or _unused(_DEFAULT)
    write_atomically(path, text)
    _report(path, len(added), list(renewals), removed, len(before.waivers))


def _report(path: Path, added: int, renewals: Sequence[Waiver], removed: Sequence[Waiver], before: int) -> None:
    kept = before - len(renewals) - len(removed)
    say(
        f"{path}: {counted(added, 'entry', 'entries')} added, {len(renewals)} renewed, {len(removed)} removed, "
        f"{kept} kept."
    )
    for waiver in removed:
        say(f"removed: {waiver.requirement} ({waiver.owner}, until {waiver.expires}): nothing that it covers failed.")
    if added or renewals:
        say("Write a reason in place of each TODO: `run --waivers` refuses the file until then.")
    say(f"Use it: kms-conformance run --target FILE --waivers {shlex.quote(str(path))}")


def _read(path: Path) -> WaiversFile:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TargetError(
            f"The waivers file {path} cannot be read.", str(error), "Check the path, or leave --merge out."
        ) from error
    return WaiversFile.parse(text, str(path))


def _unused(path: Path) -> Path:
    if path.exists():
        raise click.UsageError(
            f"{path} exists, and would be replaced. Add to it with --merge {path}, or name another with --output."
        )
    return path


def _owner(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > _LONGEST_NAME:
        raise click.BadParameter(
            f"somebody must answer for the failures: a name with 1 to {_LONGEST_NAME} characters is expected.",
            param_hint="--owner",
        )
    return name


def _date(text: str, today: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"`{text}` is not a date. Write it as YYYY-MM-DD.", param_hint="--expires") from None
    if found < today:
        raise click.BadParameter(
            f"{found} is over, so that the entries would accept nothing. Name {today} or a later day.",
            param_hint="--expires",
        )
    return found
