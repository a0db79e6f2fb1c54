"""What a benchmark says: two things measured in turn as a ratio, and counts, which no machine changes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Spread:
    """The least, the middle and the most of several measurements."""

    least: float
    middle: float
    most: float

    @classmethod
    def of(cls, values: tuple[float, ...]) -> Spread:
        """The spread of at least one value."""
        return cls(min(values), median(values), max(values))


@dataclass(frozen=True)
class Ratio:
    """`ours` and `other`, one value a round, measured in turn; `target` is what the middle ratio is to reach.

    The target is a ceiling, or a floor where `at_least` says so.
    """

    part: str
    name: str
    against: str
    ours: tuple[float, ...]
    other: tuple[float, ...]
    unit: str = "s"
    target: float | None = None
    at_least: bool = False

    @property
    def ratio(self) -> Spread:
        """Ours divided by the other, round by round."""
        return Spread.of(tuple(one / other for one, other in zip(self.ours, self.other, strict=True)))

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        return _met(self.ratio.middle, self.target, at_least=self.at_least)

    def to_json(self) -> dict[str, Any]:
        """With the ratio, by which later runs are compared."""
        return {"kind": "ratio", **asdict(self), "ratio": asdict(self.ratio)}


@dataclass(frozen=True)
class Figure:
    """One figure with its target. A `counted` one is the same on every machine: requests, keys, imported modules."""

    part: str
    name: str
    values: tuple[float, ...]
    unit: str
    target: float | None = None
    counted: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the middle value is no more than the target; None where there is none."""
        return _met(Spread.of(self.values).middle, self.target, at_least=False)

    def to_json(self) -> dict[str, Any]:
        """As it stands."""
        return {"kind": "figure", **asdict(self)}


Result = Ratio | Figure


def count(part: str, name: str, value: float, unit: str, target: float | None = None) -> Figure:
    """A figure that is counted."""
    return Figure(part, name, (float(value),), unit, target, counted=True)


def _met(value: float, target: float | None, *, at_least: bool) -> bool | None:
    if target is None:
        return None
    return value >= target if at_least else value <= target
