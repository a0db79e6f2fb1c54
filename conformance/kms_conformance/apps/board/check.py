"""Checks an offered result as a reviewer of a board would: what is wrong, what is missing, what to consider."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from kms_conformance.apps.board.card import ReadCard, card_path, read_card
from kms_conformance.apps.board.model import JudgedRun, NotShown, TargetCard
from kms_conformance.apps.board.sealed import OpenedFile
from kms_conformance.apps.board.sources import SMOKE, ResultPlace, read_sealed
from kms_conformance.report.files import ReportError
from kms_conformance.verdict.decide import specs_digest

Weight = Literal["wrong", "unjudged", "consider", "right"]
# The oldest evidence that a reviewer takes without a question, in days.
_FRESH = 90
_NO_RELEASES = frozenset({"latest", "main", "master", "head", "dev", "nightly", "stable", "current", "edge", "unknown"})
_OK, _WRONG, _UNJUDGED = 0, 1, 3


@dataclass(frozen=True)
class Remark:
    """One remark of the review, with the next step for the author; `right` remarks say what was found in order."""

    weight: Weight
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Review:
    """The review of one offered file.

    `exit_code`: 0 if nothing is wrong, 1 if something is, 3 if this machine cannot judge the file again.
    """

    path: Path
    remarks: tuple[Remark, ...]

    @property
    def exit_code(self) -> int:
        weights = {remark.weight for remark in self.remarks}
        return _WRONG if "wrong" in weights else _UNJUDGED if "unjudged" in weights else _OK

    def of_weight(self, weight: Weight) -> tuple[Remark, ...]:
        return tuple(remark for remark in self.remarks if remark.weight == weight)

    @property
    def conclusion(self) -> str:
        """The result in one sentence."""
        wrong, consider = len(self.of_weight("wrong")), len(self.of_weight("consider"))
        if wrong:
            return f"Not ready: {wrong} to mend{f', {consider} to consider' if consider else ''}."
        if self.exit_code:
            return "Not judged: this installation cannot judge the file again."
        return f"Ready to be offered{f'; {consider} to consider' if consider else ''}."


def review(path: Path, opened: OpenedFile, today: date) -> Review:
    """Review a sealed file, which was verified already, and the card beside it."""
    card = read_card(card_path(path))
    found = read_sealed(ResultPlace(path, path.name), opened)
    remarks = [*_of_file(opened, found), *_of_card(path, card)]
    if isinstance(found, JudgedRun):
        remarks += _of_run(found, today)
        if card is not None and card.card is not None:
            remarks += _of_names(card.card, found)
    return Review(path, tuple(remarks))


def check_sealed(path: Path) -> None:
    """Raise `ReportError` for a path that cannot be an offered result."""
    if path.is_dir():
        raise ReportError(
            f"{path} cannot be offered: it is a folder.",
            "A board takes a reports folder, but nothing proves its verdicts; an offered result is a sealed file.",
            f"Seal it: kms-conformance certify {path} (with --evidence if it is not conformant), and name the file.",
        )


def _of_file(opened: OpenedFile, found: JudgedRun | NotShown) -> Iterator[Remark]:
    standing = found.standing
    if standing.name == "refused":
        for reason in standing.reasons[:8]:
            yield Remark("wrong", f"The file does not verify. {reason}", "Seal the reports folder again, or run again.")
        return
    if standing.name in {"unjudged", "signed"}:
        for reason in standing.reasons[:8]:
            yield Remark(
                "unjudged", reason, standing.command and f"Check it with the code that sealed it: {standing.command}"
            )
        return
    yield Remark("right", "The file verifies: its verdicts follow from its exchanges.")
    if not opened.signers:
        yield Remark(
            "wrong",
            "The file is not signed, so nobody can say who sealed it.",
            "Seal it again with `certify --key`, and offer the public key with it (docs/board.md).",
        )
    elif not opened.signed_by:
        yield Remark(
            "consider",
            f"It claims a signature of the key {opened.signers[0]}, which was not checked.",
            "Name the public key: kms-conformance board check --key FILE.pub FILE.",
        )
    else:
        yield Remark("right", f"It is signed with the key {opened.signed_by}.")


def _of_card(path: Path, card: ReadCard | None) -> Iterator[Remark]:
    where = card_path(path).name
    if card is None:
        yield Remark(
            "wrong",
            f"There is no card: {where} is missing beside the file.",
            "Begin with what this prints: kms-conformance board check --card",
        )
        return
    for problem in card.problems:
        yield Remark("wrong", f"{where}: {problem}", "Mend it; docs/board.md lists the fields.")
    if card.card is None:
        return
    yield Remark("right", f"The card names {card.card.product} {card.card.version} of {card.card.vendor}.")
    if card.card.version.lower().lstrip("v") in _NO_RELEASES:
        yield Remark(
            "wrong",
            f"{where}: `{card.card.version}` names no release: it will mean another one tomorrow.",
            "Give the number, or the digest of the image.",
        )
    if "kms-conformance run" not in card.card.reproduce:
        yield Remark(
            "wrong",
            f"{where}: `reproduce` does not say how the suite was run.",
            "Add the line with `kms-conformance run`, its target file, tier and seed.",
        )


def _of_run(run: JudgedRun, today: date) -> Iterator[Remark]:
    failed = sum(cell.state == "failed" for cell in run.cells)
    waived = [cell.requirement for cell in run.cells if cell.verdict == "waived"]
    yield Remark("right", f"Its result is {run.result}, by {run.requests:,} requests; the board shows any result.")
    if any(why != SMOKE for why in run.partial):
        yield Remark("wrong", f"It is a part of a run: {', '.join(run.partial)}.", "Run the whole suite to its end.")
    elif run.partial:
        yield Remark("consider", "Its tier is smoke, which the board shows as partial.", "Run with --tier standard.")
    if waived:
        named = ", ".join(waived[:5])
        yield Remark("consider", f"{len(waived)} failures are waived ({named}). The board shows them as failures.")
    if failed == 0 and run.result == "inconclusive":
        yield Remark("consider", "Nothing failed, and not everything could be judged: most cells may say so.")
    if run.own_profile:
        yield Remark("consider", "It was judged by a profile of your own; the board says so beside each verdict.")
    if run.specs_digest != specs_digest(run.dialect):
        yield Remark(
            "consider", "It was judged by other specs than those of this version.", "Run again with this version."
        )
    age = (today - run.day).days
    if age > _FRESH:
        yield Remark("consider", f"It is {age} days old.", "Run again, unless the release can no longer be had.")
    if age < 0:
        yield Remark(
            "wrong", f"It is dated {run.started[:10]}, after today.", "Set the clock of the machine, and run again."
        )
    host = urlsplit(run.base_url).hostname or ""
    if not _is_loopback(host):
        yield Remark(
            "consider", f"The board publishes the address of the endpoint, {run.base_url}, and all paths within it."
        )


def _of_names(card: TargetCard, run: JudgedRun) -> Iterator[Remark]:
    name = run.target.lower()
    words = [word for word in card.product.lower().replace("-", " ").split() if len(word) > 2]
    if not any(word in name for word in words) and card.version not in name:
        yield Remark(
            "consider",
            f"Neither product nor release of the card stands in the name of the target, {run.target}: "
            "nothing in the sealed file ties the two together.",
            "Set `name` in the target file to product and release, for example example-kms-2.10, and run again.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
