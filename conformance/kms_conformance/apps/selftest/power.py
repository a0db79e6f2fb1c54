"""The power report: the share of deliberate faults that the suite detects, and false alarms on conforming variants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from kms_conformance.apps.selftest.generated.draw import composed
from kms_conformance.apps.selftest.trial import Kind, Trial

FORMAT = 1

# Minimum shares in percent: of the critical faults detected, of all faults detected, of all faults detected without a
# problem of the trial (see `Trial`), and of the critical faults detected at the tier `smoke`.
CRITICAL_KILLED, KILLED, RIGHT, CRITICAL_AT_SMOKE = 100.0, 98.0, 95.0, 80.0


@dataclass(frozen=True)
class Origin:
    """How and when the figures were measured.

    - commit: the tested commit, or several if a report was continued. It ends in `+` if the code had uncommitted
      changes, and is empty outside a repository.
    - command: the command line that made the report.
    - complete: whether all trials were run, not a sample.
    """

    date: str
    commit: str
    version: str
    command: str
    seed: int
    complete: bool


@dataclass(frozen=True)
class Score:
    """Counts of fault trials.

    - faults: all of them.
    - killed: faults that the suite detected.
    - right: faults whose trial has no problem; in particular, an expected requirement failed.
    - at_smoke: faults that the suite detected at the tier `smoke`.
    """

    faults: int
    killed: int
    right: int
    at_smoke: int

    @classmethod
    def of(cls, trials: Iterable[Trial]) -> Score:
        """Count trials of faults."""
        counted = list(trials)
        return cls(
            len(counted),
            sum(trial.killed for trial in counted),
            sum(not trial.problem for trial in counted),
            sum(trial.killed and trial.tier == "smoke" for trial in counted),
        )


@dataclass(frozen=True)
class Power:
    """All trials of one self-test, in any order."""

    origin: Origin
    trials: tuple[Trial, ...]

    def of(self, kind: Kind) -> tuple[Trial, ...]:
        """The trials of one kind, sorted by name, dialect, tier and seed."""
        return tuple(
            sorted(
                (trial for trial in self.trials if trial.subject.kind == kind),
                key=lambda trial: (trial.subject.name, trial.subject.dialect, trial.tier, trial.seed),
            )
        )

    def faults(self, dialect: str = "", severity: str = "", group: str = "", kind: Kind = "fault") -> Score:
        """The score of the faults of a dialect, severity and class; an empty filter means all.

        With the kind `pair`, the score of the pairs; `group` is a lag model then.
        """
        return Score.of(
            trial
            for trial in self.of(kind)
            if (not dialect or trial.subject.dialect == dialect)
            and (not severity or trial.subject.severity == severity)
            and (not group or trial.subject.group == group)
        )

    @cached_property
    def dialects(self) -> tuple[str, ...]:
        return tuple(sorted({trial.subject.dialect for trial in self.trials}))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The fault classes, sorted by name."""
        return tuple(sorted({trial.subject.group for trial in self.of("fault")}))

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The lag models of the pairs, sorted by name."""
        return tuple(sorted({trial.subject.group for trial in self.of("pair")}))

    @cached_property
    def survivors(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.of("fault") if not trial.killed)

    @cached_property
    def wrong(self) -> tuple[Trial, ...]:
        """All trials with a problem, of every kind."""
        return tuple(trial for kind in _KINDS for trial in self.of(kind) if trial.problem)

    def families(self) -> Mapping[str, int]:
        """For each check family, the number of faults that it was the first to detect; counted in whole runs only."""
        first = [trial.first.family for trial in self.of("fault") if trial.whole and trial.first]
        return {family: first.count(family) for family in sorted(set(first), key=lambda name: -first.count(name))}

    def first_report(self) -> tuple[float, float]:
        """The median seconds and requests until a whole run detects its fault; 0 and 0 if there are no whole runs."""
        first = [trial.first for trial in self.of("fault") if trial.whole and trial.first]
        if not first:
            return 0.0, 0.0
        return median(one.seconds for one in first), median(one.requests for one in first)

    def broken_promises(self) -> Sequence[str]:
        """One sentence for each minimum share that is not reached, and each variant or null target with a problem."""
        return [
            *self._of_faults(),
            *(f"{t.title}: {t.problem}" for kind in _OTHERS for t in self.of(kind) if t.problem),
        ]

    def _of_faults(self) -> Iterable[str]:
        for dialect in self.dialects:
            every, critical = self.faults(dialect), self.faults(dialect, "critical")
            pairs = self.faults(dialect, kind="pair")
            for faults, score, count, minimum in (
                ("critical faults detected", critical, critical.killed, CRITICAL_KILLED),
                ("faults detected", every, every.killed, KILLED),
                ("faults detected with the expected requirement named", every, every.right, RIGHT),
                ("critical faults detected at smoke", critical, critical.at_smoke, CRITICAL_AT_SMOKE),
                ("faults of lagging emulators detected", pairs, pairs.killed, KILLED),
                ("faults of lagging emulators detected with the expected requirement named", pairs, pairs.right, RIGHT),
            ):
                if score.faults and percent(count, score.faults) < minimum:
                    yield f"{dialect}: {count} of {score.faults} {faults}; the minimum is {minimum:g} %."

    def to_json(self) -> dict[str, Any]:
        """The report as JSON types, as described by `specs/schemas/power.schema.json`."""
        seconds, requests = self.first_report()
        return {
            "format": FORMAT,
            "origin": vars(self.origin),
            "faults": {
                dialect: {
                    "all": vars(self.faults(dialect)),
                    "critical": vars(self.faults(dialect, "critical")),
                    "classes": {group: vars(self.faults(dialect, group=group)) for group in self.groups},
                }
                for dialect in self.dialects
            },
            "pairs": {dialect: vars(self.faults(dialect, kind="pair")) for dialect in self.dialects},
            "generated": {dialect: self._generated(dialect) for dialect in self.dialects if self.of("generated")},
            "variants": _counted(self.of("variant")),
            "nulls": _counted(self.of("null")),
            "first_report": {"median_seconds": round(seconds, 3), "median_requests": requests},
            "broken_promises": list(self.broken_promises()),
            "trials": [trial.to_json() for kind in _KINDS for trial in self.of(kind)],
        }

    def _generated(self, dialect: str) -> dict[str, Any]:
        operators = sorted({trial.subject.group for trial in self.of("generated")})
        found = composed(dialect)
        return {
            "all": vars(self.faults(dialect, kind="generated")),
            "operators": {name: vars(self.faults(dialect, group=name, kind="generated")) for name in operators},
            "composed": len(found.rows),
            "left_out": dict(found.reasons()),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Power:
        """Rebuild a report from the result of `to_json`; all figures are computed from its trials."""
        return cls(Origin(**raw["origin"]), tuple(map(Trial.from_json, raw["trials"])))


_OTHERS: tuple[Kind, ...] = ("variant", "null")
_KINDS: tuple[Kind, ...] = ("fault", "pair", "generated", "own", *_OTHERS)


def percent(count: int, whole: int) -> float:
    """A share in percent; 100 if `whole` is 0."""
    return 100.0 * count / whole if whole else 100.0


def _counted(trials: Sequence[Trial]) -> dict[str, int]:
    return {"runs": len(trials), "wrong": sum(bool(trial.problem) for trial in trials)}
