"""The result of a check, which workers send to the controller and reports store as JSON; and the id of a failure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from kms_conformance.client.judge import Judgement

CheckOutcome = Literal["passed", "failed", "inconclusive"]
# Fields that files leave out where there is nothing to tell.
_LEFT_OUT = frozenset({"silences", "lacking", "refused", "answers"})


@dataclass(frozen=True)
class CheckResult:
    """The result of one check on one target.

    - `check`: the id of the check without the target, such as `window::test_bound_is_accepted_and_dated[minimum]`.
    - `declared`: the requirements that the check declares and that apply to the target.
    - `passes`: by requirement, the number of passed judgements.
    - `productive`: by requirement, the number of passed judgements made after the check had read a key in a state that
      the requirement is about.
    - `evidence`: by requirement, the numbers of the first exchanges that led to a passed judgement.
    - `asked`: by number of each exchange that this result names, the operation and status as text.
    - `failures`: the failed judgements.
    - `inconclusive`: the declared requirements that could not be judged.
    - `reason`: why requirements could not be judged; empty if all were.
    - `hint`: the next step for the user; may be empty.
    - `exchanges`: the records (see `wire/exchange_log.py`) of exchanges that failures cite and, for each declared
      requirement, of the first exchange in `evidence`.
    - `observed`: by requirement for which the documents accept several answers, the answers that the target gave, such
      as `400 KMS.0309`.
    - `refusals`: by the same requirements, the name of the refusal in the profile that lists the accepted answers.
    - `refused`: by requirement and refusal of the profile, the operations whose answers were judged by it.
    - `answers`: the answers that came during the check, see `client/answers_seen.py`: each has `operation`, `status`,
      `code`, `state`, `count`, and `first`, the number of the first exchange. Empty in files of earlier versions.
    - `started`: the start of the check, ISO 8601, UTC; empty in files of earlier versions.
    - `silences`: by text, the number of events that count against no requirement, such as requests without a reply.
    - `ended`: false for a check that was stopped by an interruption, another plugin, or a fault of the suite.
    - `waiting_until`: the deletion date of a planted key (ISO 8601, UTC), if the check waits for this date.
    - `lacking`: true if the check ended because the target lacks what the profile lets an installation lack.
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
    lacking: bool = False
    refused: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    answers: tuple[Mapping[str, Any], ...] = ()

    def failure_id(self, failure: Judgement) -> str:
        """The id of a failure of this check. Every report shows the id, and the command `replay` takes it."""
        return failure_id(self.target, self.check, failure.requirement, failure.expected)

    def to_json(self) -> dict[str, Any]:
        """The result in JSON types, the inverse of `from_json`; the id of each failure is added."""
        asked = {str(number): line for number, line in self.asked.items()}
        failures = [asdict(failure) | {"id": self.failure_id(failure)} for failure in self.failures]
        # `vars` is used, because `asdict` would copy every exchange.
        raw = vars(self) | {"asked": asked, "failures": failures}
        return {name: value for name, value in raw.items() if name not in _LEFT_OUT or value}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> CheckResult:
        """The inverse of `to_json`, also after encoding as JSON."""
        failures = tuple(map(_judgement, raw["failures"]))
        lists = {name: tuple(raw[name]) for name in ("declared", "inconclusive", "exchanges")}
        lists["answers"] = tuple(raw.get("answers", ()))
        named = {
            "failures": failures,
            "evidence": {requirement: tuple(numbers) for requirement, numbers in raw["evidence"].items()},
            "observed": {name: tuple(answers) for name, answers in raw.get("observed", {}).items()},
            "refused": {
                requirement: {refusal: tuple(operations) for refusal, operations in refusals.items()}
                for requirement, refusals in raw.get("refused", {}).items()
            },
            "asked": {int(number): line for number, line in raw["asked"].items()},
        }
        return cls(**(dict(raw) | lists | named))


def _judgement(raw: Mapping[str, Any]) -> Judgement:
    # The stored id is left out, because it is computed from the other fields.
    fields = {name: value for name, value in raw.items() if name != "id"}
    return Judgement(**(fields | {"exchanges": tuple(raw["exchanges"])}))


# Matches the parts of an `expected` text that differ between runs: ids of keys, dates, long numbers.
_VOLATILE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b(?=[0-9a-z-]*\d)[0-9a-z-]{16,}\b"
    r"|\d{8,}",
    re.IGNORECASE,
)
_LENGTH = 6


def steady(text: str) -> str:
    """The text with ids of keys, dates and long numbers replaced by `#`: equal for the same failure in every run."""
    return _VOLATILE.sub("#", text)


def failure_id(target: str, check: str, requirement: str, expected: str) -> str:
    """The id of a failure: six hexadecimal digits of a SHA-256 over target, check, requirement and expectation.

    Ids of keys and dates within `expected` do not count: failures of a check that differ only in these share one id.
    """
    joined = f"{target}\0{check}\0{requirement}\0{steady(expected)}"
    # An endpoint may send lone surrogates. They are replaced as in stored reports, so that the id stays the same.
    stored = joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return hashlib.sha256(stored.encode()).hexdigest()[:_LENGTH]
