"""Results of benchmarks: ratios of two sides measured in turn, and counts, which do not depend on the machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Spread:
    """Minimum, median and maximum of several measurements."""

    least: float
    middle: float
    most: float

    @classmethod
    def of(cls, values: tuple[float, ...]) -> Spread:
        """The spread of at least one value."""
        return cls(min(values), median(values), max(values))


@dataclass(frozen=True)
class Ratio:
    """The ratio of `ours` to `other`, which have one value for each round; `target` is for the median ratio.

    The target is an upper limit, or a lower limit if `at_least` is true.
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
        """The spread of `ours` divided by `other` in each round."""
        return Spread.of(tuple(one / other for one, other in zip(self.ours, self.other, strict=True)))

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        return _met(self.ratio.middle, self.target, at_least=self.at_least)

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON types, with the ratio."""
        return {"kind": "ratio", **asdict(self), "ratio": asdict(self.ratio)}


@dataclass(frozen=True)
class Figure:
    """One figure. `counted` figures are the same on every machine: requests, keys, imported modules."""

    part: str
    name: str
    values: tuple[float, ...]
    unit: str
    target: float | None = None
    counted: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the median is at most the target; None without a target."""
        return _met(Spread.of(self.values).middle, self.target, at_least=False)

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON types."""
        return {"kind": "figure", **asdict(self)}


Result = Ratio | Figure


def count(part: str, name: str, value: float, unit: str, target: float | None = None) -> Figure:
    """A counted figure with one value."""
    return Figure(part, name, (float(value),), unit, target, counted=True)


def _met(value: float, target: float | None, *, at_least: bool) -> bool | None:
    if target is None:
        return None
    return value >= target if at_least else value <= target
