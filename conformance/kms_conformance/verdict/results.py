"""Results of checks as plain values that travel between workers and into reports, and the fingerprint of a failure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from kms_conformance.client.judge import Judgement

CheckOutcome = Literal["passed", "failed", "inconclusive"]


@dataclass(frozen=True)
class CheckResult:
    """One check at one target.

    `check` is its id without the target, such as `window::test_bound_is_accepted_and_dated[minimum]`. `passes` counts
    passed judgements by requirement, `productive` those of them on an exchange that reached the state the requirement
    speaks of, and `evidence` names the first of these exchanges by number. `asked` says in a line what each exchange
    that is named anywhere was; `exchanges` are the whole records (see `wire/exchange_log.py`) of those that failures
    cite, and of the first that proves each declared requirement. `inconclusive` are declared requirements that could
    not be judged, for the `reason`. `observed` names by requirement which of several accepted answers came, such as
    `400 KMS.0309`; it has only those that leave room, and `refusals` names for each the set of accepted answers in the
    profile. `silences` counts requests that got no reply and accuse nobody, by what became of them. `started` is ISO
    8601, UTC; empty in files of earlier versions. `ended` is false for a check that was stopped in the middle by
    something other than what it judged: an interruption, another plugin, a fault of ours. `waiting_until` is the date
    before which a planted key says no more (ISO 8601, UTC); empty for any other reason.
    """

    target: str
    family: str
    check: str
    title: str
    outcome: CheckOutcome
    seconds: float
    declared: tuple[str, ...] = ()
    passes: Mapping[str, int] = field(default_factory=dict)
    productive: Mapping[str, int] = field(default_factory=dict)
    evidence: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    asked: Mapping[int, str] = field(default_factory=dict)
    failures: tuple[Judgement, ...] = ()
    inconclusive: tuple[str, ...] = ()
    reason: str = ""
    hint: str = ""
    exchanges: tuple[Mapping[str, Any], ...] = ()
    requests: int = 0
    keys_created: int = 0
    observed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    silences: Mapping[str, int] = field(default_factory=dict)
    ended: bool = True
    waiting_until: str = ""

    def failure_id(self, failure: Judgement) -> str:
        """The short name of one of its failures, which every report shows and `replay` takes."""
        return failure_id(self.target, self.check, failure.requirement, failure.expected)

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON types, the inverse of `from_json`; each failure is told with its id."""
        # A name in JSON is text.
        asked = {str(number): line for number, line in self.asked.items()}
        failures = [asdict(failure) | {"id": self.failure_id(failure)} for failure in self.failures]
        # Not by `asdict`, which copies all that lies below.
        raw = vars(self) | {"asked": asked, "failures": failures}
        return raw if self.silences else {name: value for name, value in raw.items() if name != "silences"}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> CheckResult:
        """Rebuild a result from what `to_json` gave, also after a trip through JSON."""
        failures = tuple(map(_judgement, raw["failures"]))
        lists = {name: tuple(raw[name]) for name in ("declared", "inconclusive", "exchanges")}
        named = {
            "failures": failures,
            "evidence": {requirement: tuple(numbers) for requirement, numbers in raw["evidence"].items()},
            "observed": {name: tuple(answers) for name, answers in raw.get("observed", {}).items()},
            "asked": {int(number): line for number, line in raw["asked"].items()},
        }
        return cls(**(dict(raw) | lists | named))


def _judgement(raw: Mapping[str, Any]) -> Judgement:
    # Its id follows from the rest.
    fields = {name: value for name, value in raw.items() if name != "id"}
    return Judgement(**(fields | {"exchanges": tuple(raw["exchanges"])}))


# What differs from night to night in words that say what was expected: ids of keys, dates, long numbers.
_VOLATILE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b(?=[0-9a-z-]*\d)[0-9a-z-]{16,}\b"
    r"|\d{8,}",
    re.IGNORECASE,
)
_LENGTH = 6


def steady(text: str) -> str:
    """The text with ids of keys, dates and long numbers replaced, so that what is left is the same every night."""
    return _VOLATILE.sub("#", text)


def failure_id(target: str, check: str, requirement: str, expected: str) -> str:
    """Six hexadecimal digits that name a deviation: which target, check and requirement, and what was expected there.

    Ids of keys and dates within `expected` do not count. Two deviations of one check that differ in these alone share
    their id.
    """
    told = f"{target}\0{check}\0{requirement}\0{steady(expected)}"
    # As the text will be stored: without the halves of surrogate pairs that an endpoint may send.
    stored = told.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return hashlib.sha256(stored.encode()).hexdigest()[:_LENGTH]
