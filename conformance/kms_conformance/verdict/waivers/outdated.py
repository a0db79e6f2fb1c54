"""Waivers that have had their time: a run in which one stands fails, so that the file says what is true."""

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
    """A waiver that must be taken out or renewed: why, and what to do next."""

    waiver: Waiver
    why: str
    next: str

    def to_json(self) -> dict[str, Any]:
        """As it stands in `results.json`."""
        return {"waiver": self.waiver.to_json(), "line": self.waiver.line, "why": self.why, "next": self.next}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> StaleWaiver:
        """The inverse of `to_json`."""
        return cls(Waiver.from_json(raw["waiver"], raw["line"]), raw["why"], raw["next"])


Wider = Mapping[str, Collection[str]]
"""By target, the requirements that a higher tier than the run's judges by further checks, or by more examples."""


def stale(
    waivers: Iterable[Waiver], verdicts: Sequence[Verdict], today: date, wider: Wider = MappingProxyType({})
) -> tuple[StaleWaiver, ...]:
    """The waivers that are expired, that match nothing in a run's targets, or that the run shows to be needed no more.

    A waiver that speaks of no target of this run is none of its business. One is needed as long as anything that it
    covers fails, and it may be as long as anything that it covers was not judged, or is judged further at a higher
    tier.
    """
    return tuple(found for waiver in waivers for found in _problem(waiver, verdicts, today, wider))


def _problem(waiver: Waiver, verdicts: Sequence[Verdict], today: date, wider: Wider) -> Iterator[StaleWaiver]:
    concerned = [verdict for verdict in verdicts if waiver.speaks_of(verdict.name, verdict.dialect)]
    if not concerned:
        return
    covered = [entry for verdict in concerned for entry in verdict.requirements if waiver.covers(entry.id)]
    names = ", ".join(verdict.name for verdict in concerned)
    place = f"line {waiver.line}" if waiver.line else "the entry"
    applying = {entry.verdict for entry in covered} - {"not_applicable"}
    if waiver.has_expired(today):
        failing = _ids(covered, "failed")
        now = f"{failing} still fails." if failing else "Nothing that it covers was seen to fail."
        yield StaleWaiver(
            waiver,
            f"It expired on {waiver.expires}. {now}",
            f"Take {place} out, or agree on another day with {waiver.owner}.",
        )
    elif not applying:
        what = "No requirement of this name applies to" if covered else "It matches no requirement of"
        yield StaleWaiver(
            waiver, f"{what} {names}.", f"Take {place} out, or say with `dialect` or `targets` whom it is for."
        )
    elif applying == {"passed"} and not any(
        waiver.covers(name) for verdict in concerned for name in wider.get(verdict.name, ())
    ):
        yield StaleWaiver(waiver, f"What it covers passed on {names}.", f"Take {place} out: it is needed no more.")


def _ids(entries: Iterable[RequirementVerdict], verdict: str) -> str:
    return ", ".join(dict.fromkeys(entry.id for entry in entries if entry.verdict == verdict))
