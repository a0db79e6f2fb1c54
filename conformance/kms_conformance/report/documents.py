"""The documents behind a verdict, with their dates: how old the evidence is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kms_conformance.core.text import counted

if TYPE_CHECKING:
    from kms_conformance.catalogue.requirements import Catalogue, Document
    from kms_conformance.verdict.model import Verdict

UNDATED = "undated"


@dataclass(frozen=True)
class CitedDocument:
    """A document that requirements of a verdict cite; `requirements` is the number of these requirements."""

    document: Document
    requirements: int

    @property
    def dated(self) -> str:
        """The date of the page, or `undated`."""
        return self.document.dated

    @property
    def read(self) -> str:
        """The day on which the page was read, or a dash if that is not recorded."""
        return self.document.read or "\N{EN DASH}"

    @property
    def as_of(self) -> str:
        """The day for which the document speaks: its date, else the day on which it was read; empty if not known."""
        return self.document.read if self.dated == UNDATED else self.dated


def cited_documents(verdict: Verdict, catalogue: Catalogue) -> tuple[CitedDocument, ...]:
    """The documents that the applicable requirements of a verdict cite, the oldest first, those without a day last."""
    applicable = (entry.id for entry in verdict.requirements if entry.verdict != "not_applicable")
    found = Counter(
        name
        for requirement in applicable
        if requirement in catalogue
        for name in {source.document.id for source in catalogue[requirement].sources}
    )
    cited = (CitedDocument(catalogue.documents[name], number) for name, number in found.items())
    return tuple(sorted(cited, key=lambda each: (not each.as_of, each.as_of, each.document.title)))


def age(cited: tuple[CitedDocument, ...]) -> str:
    """How old the evidence is, in one sentence: the oldest document with its date, and the number of undated ones."""
    if not cited:
        return "No document is cited."
    undated = [each for each in cited if each.dated == UNDATED]
    parts = [counted(len(cited), "document")]
    dated = next((each for each in cited if each.dated != UNDATED), None)
    if dated is not None:
        parts.append(f"the oldest is dated {dated.dated} (“{dated.document.title}”)")
    if undated:
        number = "none has" if dated is None else f"{len(undated)} {'has' if len(undated) == 1 else 'have'} no"
        parts.append(f"{number} {'a date' if dated is None else 'date'}{_read(undated)}")
    return f"{'; '.join(parts)}."


def _read(undated: list[CitedDocument]) -> str:
    """When undated documents were read."""
    days = sorted(each.document.read for each in undated if each.document.read)
    if not days:
        return (
            ", and when it was read is not recorded"
            if len(undated) == 1
            else ", and when they were read is not recorded"
        )
    return f", read on {days[0]}" if days[0] == days[-1] else f", read from {days[0]} to {days[-1]}"
