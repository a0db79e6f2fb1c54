"""One trial of the harness: a run against a fault, a variant or a null target, and what it proved."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from kms_conformance.apps.selftest.deviation import Fault, Variant
from kms_conformance.apps.selftest.nulls import Null
from kms_conformance.apps.selftest.runner import Outcome, run_suite
from kms_conformance.core.tier import Tier
from kms_conformance.verdict.results import CheckResult

Kind = Literal["fault", "variant", "null"]

# The name of a variant that is drawn by its seed from all the others.
COMPOUND = "compound"
# More accusations than this, and a user has to guess which of them is the true one.
MOST_ACCUSED = 5
# A run against what is no KMS ends by itself within this time; limits.timeout_seconds of such a target is 0.3.
NULL_SECONDS = 30
# Of memory, in MB, beyond what the process of a run begins with; what it serves counts, for it serves it itself.
NULL_MEMORY = 300


@dataclass(frozen=True)
class Subject:
    """What is tried: its name, its class, and for a fault its severity."""

    kind: Kind
    name: str
    dialect: str
    group: str
    severity: str = ""


@dataclass(frozen=True)
class FirstFailure:
    """When the first failure was known: at the end of its check, in seconds of checking and in requests."""

    seconds: float
    requests: int
    family: str

    @classmethod
    def of(cls, checks: Sequence[CheckResult]) -> FirstFailure | None:
        """The first failure among checks in the order they ran in."""
        position = next((n for n, check in enumerate(checks, 1) if check.outcome == "failed"), None)
        if position is None:
            return None
        until = checks[:position]
        seconds = round(sum(check.seconds for check in until), 3)
        return cls(seconds, sum(check.requests for check in until), until[-1].family)


@dataclass(frozen=True)
class Trial:
    """What one run proved. `accused` are the requirements that failed; `problem` is empty where all is as it should be.

    A fault is killed when anything was accused. It has no problem when a requirement that its row names is among those
    accused, and they are at most five or its row says why more are right. `seconds` are those of the whole run.
    """

    subject: Subject
    tier: Tier
    seed: int
    whole: bool
    exit_code: int
    accused: tuple[str, ...]
    problem: str
    seconds: float
    requests: int
    first: FirstFailure | None

    @property
    def key(self) -> tuple[str, str, str, Tier | None, int]:
        """What a task and its trial have in common: a fault is tried at whatever tier shows it."""
        subject = self.subject
        name = COMPOUND if subject.group == COMPOUND else subject.name
        return subject.kind, name, subject.dialect, None if subject.kind == "fault" else self.tier, self.seed

    @property
    def title(self) -> str:
        """What was tried, in a line."""
        subject = self.subject
        return f"{subject.kind} {subject.name} at {subject.dialect}, {self.tier}, seed {self.seed}"

    @property
    def killed(self) -> bool:
        return bool(self.accused)

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON types, the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Trial:
        """Rebuild a trial from what `to_json` gave, also after a trip through JSON."""
        parts = {
            "subject": Subject(**raw["subject"]),
            "accused": tuple(raw["accused"]),
            "first": FirstFailure(**raw["first"]) if raw["first"] else None,
        }
        return cls(**(dict(raw) | parts))


def try_fault(fault: Fault, dialect: str, *, tier: Tier = "smoke", seed: int = 1, whole: bool = False) -> Trial:
    """Run the suite against a fault: the families of its row alone, or the `whole` of it as users do."""
    arguments = () if whole else fault.arguments()
    started = time.monotonic()
    outcome = run_suite(fault.serving(dialect), tier=tier, seed=seed, arguments=arguments, timeout_seconds=300)
    subject = Subject("fault", fault.name, dialect, fault.fault_class, fault.severity)
    problem = _fault_problem(fault, outcome, whole=whole)
    return _trial(subject, tier, seed, arguments, outcome, problem, started)


def _fault_problem(fault: Fault, outcome: Outcome, *, whole: bool) -> str:
    if not outcome.failed:
        return "survived"
    if not outcome.failed & fault.requirements:
        return f"accused instead of {', '.join(sorted(fault.requirements))}: {', '.join(sorted(outcome.failed))}"
    if len(outcome.failed) > MOST_ACCUSED and not fault.why_more:
        return f"{len(outcome.failed)} are accused: {', '.join(sorted(outcome.failed))}"
    # Where only recommendations are broken the target conforms; a run of some families leaves obligations untested.
    expected = fault.exit_code if whole or fault.exit_code == 1 else 3
    return "" if outcome.exit_code == expected else f"the run ended with exit code {outcome.exit_code}"


def try_variant(variant: Variant, dialect: str, *, tier: Tier = "smoke", seed: int = 1, whole: bool = False) -> Trial:
    """Run the suite against a legitimate variant: nothing may be accused, and nothing left open."""
    arguments = () if whole else variant.arguments()
    started = time.monotonic()
    outcome = run_suite(variant.serving(dialect), tier=tier, seed=seed, arguments=arguments, timeout_seconds=600)
    wrong = [
        f"{entry['id']} is {entry['verdict']}: {entry['reason']}"
        for entry in outcome.verdict["requirements"]
        if entry["verdict"] in {"failed", "inconclusive"} and not entry.get("not_run")
    ]
    # A run of some families leaves obligations untested.
    if not wrong and outcome.exit_code != (3 if arguments else 0):
        wrong = [f"the run ended with exit code {outcome.exit_code}"]
    subject = Subject("variant", variant.name, dialect, variant.group)
    return _trial(subject, tier, seed, arguments, outcome, "; ".join(wrong), started)


def try_null(null: Null, dialect: str, *, seed: int = 1) -> Trial:
    """Run the suite against what is no KMS: no MUST passes, the run ends, and says what is wrong with the target."""
    started = time.monotonic()
    outcome = run_suite(null.serving(dialect), seed=seed, timeout_seconds=4 * NULL_SECONDS)
    problem = _null_problem(outcome, time.monotonic() - started)
    return _trial(Subject("null", null.name, dialect, "null"), "smoke", seed, (), outcome, problem, started)


def _null_problem(outcome: Outcome, seconds: float) -> str:
    entries = outcome.verdict["requirements"]
    passed = [entry["id"] for entry in entries if (entry["level"], entry["verdict"]) == ("MUST", "passed")]
    if passed:
        return f"passed: {', '.join(passed)}"
    if outcome.exit_code not in {1, 3}:
        return f"the run ended with exit code {outcome.exit_code}"
    if not all(entry["reason"] for entry in entries if entry["verdict"] in {"failed", "inconclusive"}):
        return "the run does not say what is wrong"
    if outcome.most_memory > NULL_MEMORY:
        return f"the run took {outcome.most_memory:.0f} MB"
    return f"the run took {seconds:.1f} s" if seconds > NULL_SECONDS else ""


def _trial(
    subject: Subject,
    tier: Tier,
    seed: int,
    arguments: tuple[str, ...],
    outcome: Outcome,
    problem: str,
    started: float,
) -> Trial:
    return Trial(
        subject=subject,
        tier=tier,
        seed=seed,
        whole=not arguments,
        exit_code=outcome.exit_code,
        accused=tuple(sorted(outcome.failed)),
        problem=problem,
        seconds=round(time.monotonic() - started, 3),
        requests=outcome.verdict["requests"],
        first=FirstFailure.of(outcome.checks),
    )
