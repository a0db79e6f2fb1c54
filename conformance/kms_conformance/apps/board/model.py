"""The board as frozen values: products, their releases by dialect, the runs behind them, a cell a requirement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

from kms_conformance.catalogue.requirements import Level
from kms_conformance.report.text.exchange import ExchangeView
from kms_conformance.verdict.model import RequirementResult, Result, read_time

StandingName = Literal["verified", "signed", "report", "record", "unjudged", "refused"]
# What a cell, or the cells of a family, come to: `weak` is a failure that does not change the result of the run.
State = Literal["failed", "weak", "open", "holds", "not_applicable", "absent"]
_STATES: Mapping[RequirementResult, State] = {
    "failed": "failed",
    "waived": "failed",
    "inconclusive": "open",
    "not_tested": "open",
    "passed": "holds",
    "not_applicable": "not_applicable",
}


@dataclass(frozen=True)
class TargetCard:
    """What the author of a result says of the judged software.

    - `reproduce`: the commands that repeat the run.
    - `given`: false if there is no card, so that product and release are taken from the name of the target.
    """

    product: str
    version: str
    vendor: str = ""
    contact: str = ""
    homepage: str = ""
    reproduce: str = ""
    given: bool = False


@dataclass(frozen=True)
class Standing:
    """What stands behind the verdicts of a run.

    - `name`: `verified`, a sealed file that was judged again when the board was built; `signed`, a sealed file of other
      code, unchanged since the holder of a named key signed it; `report`, a reports folder without a seal; `record`, a
      record of a run kept by this repository; `unjudged`, a sealed file that cannot be judged again here; `refused`,
      a file that does not verify or contradicts itself.
    - `reasons`: why the standing is no better, a sentence each.
    - `notes`: further sentences of the verification.
    - `signer`: the id of the key whose signature was checked; empty if none was.
    - `command`: the command that verifies the file with the code that sealed it; empty if there is none.
    """

    name: StandingName
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    signer: str = ""
    command: str = ""


@dataclass(frozen=True)
class ShownFailure:
    """The first failure of a requirement in a run; `more` is the number of its further failures."""

    check: str
    expected: str
    received: str
    note: str
    exchanges: tuple[ExchangeView, ...]
    more: int = 0


@dataclass(frozen=True)
class RequirementCell:
    """The verdict on one requirement by one run.

    - `weight`: the level that counts for the result of the run.
    - `proof`: the record of an exchange that proves a passed requirement; None if none is kept.
    """

    requirement: str
    level: Level
    weight: Level
    verdict: RequirementResult
    reason: str = ""
    failure: ShownFailure | None = None
    proof: Mapping[str, Any] | None = None

    @property
    def state(self) -> State:
        state = _STATES[self.verdict]
        return "weak" if state == "failed" and self.weight != "MUST" else state


@dataclass(frozen=True)
class JudgedRun:
    """The results of one target by one run.

    - `source`: the file or folder that holds the results, relative to what was given.
    - `partial`: why the run does not cover all requirements, a phrase each; empty if it does.
    - `sentence`: the result in words, as in the report of the run.
    """

    source: str
    card: TargetCard
    standing: Standing
    target: str
    dialect: str
    profile: str
    base_url: str
    result: Result
    tier: str
    seed: int
    started: str
    suite_version: str
    specs_digest: str
    requests: int
    keys_created: int
    own_profile: bool
    partial: tuple[str, ...]
    sentence: str
    cells: tuple[RequirementCell, ...]

    @cached_property
    def by_requirement(self) -> Mapping[str, RequirementCell]:
        return {cell.requirement: cell for cell in self.cells}

    def state(self, requirement: str) -> State:
        """The state of a requirement; `absent` if the run did not ask for it."""
        cell = self.by_requirement.get(requirement)
        return "absent" if cell is None else cell.state

    @property
    def day(self) -> date:
        """The day on which the run started, UTC."""
        return read_time(self.started).date()


@dataclass(frozen=True)
class NotShown:
    """A file whose results are not shown; `claim` is what it says of itself, which nobody has verified."""

    source: str
    standing: Standing
    claim: str = ""


@dataclass(frozen=True)
class BoardRelease:
    """One release of a product in one dialect; the first of its runs is the one that is shown."""

    version: str
    runs: tuple[JudgedRun, ...]

    @property
    def run(self) -> JudgedRun:
        return self.runs[0]

    @property
    def others(self) -> tuple[JudgedRun, ...]:
        return self.runs[1:]

    @cached_property
    def disputed(self) -> Mapping[str, tuple[JudgedRun, ...]]:
        """By requirement, the other runs that hold where the shown run fails, or fail where it holds."""
        decided = {"failed", "weak", "holds"}
        found: dict[str, tuple[JudgedRun, ...]] = {}
        for cell in self.run.cells:
            states = [(run, run.state(cell.requirement)) for run in self.others]
            against = tuple(
                run
                for run, state in states
                if {state, cell.state} <= decided and (state == "holds") != (cell.state == "holds")
            )
            if against:
                found[cell.requirement] = against
        return found


@dataclass(frozen=True)
class Track:
    """The releases of one product in one dialect, the oldest first."""

    dialect: str
    releases: tuple[BoardRelease, ...]

    @property
    def newest(self) -> BoardRelease:
        return self.releases[-1]


@dataclass(frozen=True)
class Product:
    """One implementation, with the card of its newest release."""

    name: str
    slug: str
    card: TargetCard
    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class BoardFamily:
    """Requirements of one dialect whose ids have the same first word; small families are joined in `others`."""

    name: str
    requirements: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """All that the site shows.

    - `as_of`: the day for which ages are computed.
    - `stale_after`: the number of days after which evidence is called old.
    - `families`: the families of each dialect, in the order of the catalogue.
    """

    as_of: date
    stale_after: int
    products: tuple[Product, ...]
    not_shown: tuple[NotShown, ...]
    families: Mapping[str, tuple[BoardFamily, ...]]

    @property
    def dialects(self) -> tuple[str, ...]:
        return tuple(self.families)

    def age(self, run: JudgedRun) -> int:
        """The age of the evidence in days; negative if the run is dated after the board."""
        return (self.as_of - run.day).days

    def is_old(self, run: JudgedRun) -> bool:
        return self.age(run) > self.stale_after


@dataclass(frozen=True)
class Tally:
    """The number of requirements of a family, or of a whole run, by state."""

    failed: int = 0
    weak: int = 0
    open: int = 0
    holds: int = 0
    not_applicable: int = 0
    absent: int = 0

    @property
    def state(self) -> State:
        """The worst state among the requirements that apply."""
        order: tuple[State, ...] = ("failed", "open", "weak", "holds", "absent")
        return next((state for state in order if getattr(self, state)), "not_applicable")

    @property
    def applicable(self) -> int:
        return self.failed + self.weak + self.open + self.holds


def tally(run: JudgedRun, requirements: tuple[str, ...]) -> Tally:
    """Count the states of some requirements in a run."""
    counts: dict[State, int] = {}
    for requirement in requirements:
        state = run.state(requirement)
        counts[state] = counts.get(state, 0) + 1
    return Tally(**counts)
