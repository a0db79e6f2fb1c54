"""Finds waivers that are out of date: expired, without a matching requirement, or no longer needed.

A run with a waiver that is out of date fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kms_conformance.verdict.waivers import Waiver

if TYPE_CHECKING:
    from kms_conformance.verdict.model import RequirementVerdict, Verdict


@dataclass(frozen=True)
class StaleWaiver:
    """A waiver that must be removed or renewed: the reason, and the next step."""

    waiver: Waiver
    why: str
    next: str

    def to_json(self) -> dict[str, Any]:
        """The entry in `results.json`."""
        return {"waiver": self.waiver.to_json(), "line": self.waiver.line, "why": self.why, "next": self.next}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> StaleWaiver:
        """The inverse of `to_json`."""
        return cls(Waiver.from_json(raw["waiver"], raw["line"]), raw["why"], raw["next"])


Wider = Mapping[str, Collection[str]]
"""By target, the requirements for which a higher tier has further checks or more examples."""


def stale_waivers(
    waivers: Iterable[Waiver], verdicts: Sequence[Verdict], today: date, wider: Wider = MappingProxyType({})
) -> tuple[StaleWaiver, ...]:
    """The waivers of a run that are out of date: expired, without a matching requirement, or no longer needed.

    A waiver for other targets is not judged. A waiver is no longer needed if every applicable requirement that it
    covers passed, and no higher tier has further checks or more examples for one of these requirements (`wider`).
    """
    return tuple(found for waiver in waivers for found in _problem(waiver, verdicts, today, wider))


def _problem(waiver: Waiver, verdicts: Sequence[Verdict], today: date, wider: Wider) -> Iterator[StaleWaiver]:
    concerned = [verdict for verdict in verdicts if waiver.applies_to(verdict.name, verdict.dialect)]
    if not concerned:
        return
    covered = [entry for verdict in concerned for entry in verdict.requirements if waiver.covers(entry.id)]
    names = ", ".join(verdict.name for verdict in concerned)
    place = f"line {waiver.line}" if waiver.line else "the entry"
    applying = {entry.verdict for entry in covered} - {"not_applicable"}
    if waiver.has_expired(today):
        failing = _ids(covered, "failed")
        now = f"{failing} still fails." if failing else "No requirement that it covers failed."
        yield StaleWaiver(
            waiver,
            f"It expired on {waiver.expires}. {now}",
            f"Remove {place}, or agree on a later date with {waiver.owner}.",
        )
    elif not applying:
        problem = "No requirement with this id applies to" if covered else "It matches no requirement of"
        yield StaleWaiver(
            waiver, f"{problem} {names}.", f"Remove {place}, or limit the waiver with `dialect` or `targets`."
        )
    elif applying == {"passed"} and not any(
        waiver.covers(name) for verdict in concerned for name in wider.get(verdict.name, ())
    ):
        yield StaleWaiver(
            waiver, f"Every requirement that it covers passed on {names}.", f"Remove {place}: it is no longer needed."
        )


def _ids(entries: Iterable[RequirementVerdict], verdict: str) -> str:
    return ", ".join(dict.fromkeys(entry.id for entry in entries if entry.verdict == verdict))
