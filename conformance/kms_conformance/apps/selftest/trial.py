"""One trial of the self-test: a run of the suite against a deviating endpoint, and the result of the run.

The endpoint is a fault (an emulator with a deliberate deviation), a pair (a fault of an emulator that also lags), a
variant (an emulator that conforms in another way), or a null target (an endpoint that is no KMS).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from kms_conformance.apps.selftest.deviation import Fault, Prepare, Variant
from kms_conformance.apps.selftest.generated.row import Reached, Row
from kms_conformance.apps.selftest.lag import Model
from kms_conformance.apps.selftest.nulls import Null
from kms_conformance.apps.selftest.runner import Outcome, run_suite
from kms_conformance.core.tier import Tier
from kms_conformance.verdict.results import CheckResult

Kind = Literal["fault", "pair", "generated", "own", "variant", "null"]

# Kinds whose trials at the tier `smoke` are repeated at `standard` if they have a problem.
TIERED = frozenset({"fault", "pair", "generated", "own"})
# The name of variants that combine several other variants; a seed draws which ones.
COMPOUND = "compound"
# The group of variants that lag, and the class of faults that look like lag.
LAGGING = "lagging"
# Limit on the failed requirements of a fault. With more of them, users have to guess which one shows the cause.
MOST_ACCUSED = 5
# The lag of pairs in seconds; the settle time of the profile `documents` is 2 s.
PAIR_LAG = 0.7
# Limit on the duration of a run, in seconds. Pauses of these runs are skipped.
_SECONDS = 300
# Limit on the duration of a run against a null target, in seconds. Its target file sets a reply timeout of 0.3 s.
NULL_SECONDS = 30
# Limit on the memory of a run against a null target (`Outcome.most_memory`), in MB.
NULL_MEMORY = 300


@dataclass(frozen=True)
class Subject:
    """The fault, variant or null target of a trial.

    `group` is the class of a fault, the lag model of a pair, or the group of a variant; `severity` is empty unless the
    kind is a fault or a pair.
    """

    kind: Kind
    name: str
    dialect: str
    group: str
    severity: str = ""


@dataclass(frozen=True)
class FirstFailure:
    """The first failed check of a run.

    - seconds: the duration of all checks up to the end of this one.
    - requests: the number of requests of these checks.
    - family: the check family of the failed check.
    """

    seconds: float
    requests: int
    family: str

    @classmethod
    def of(cls, checks: Sequence[CheckResult]) -> FirstFailure | None:
        """The first failure in a sequence of check results, None if no check failed."""
        position = next((n for n, check in enumerate(checks, 1) if check.outcome == "failed"), None)
        if position is None:
            return None
        until = checks[:position]
        seconds = round(sum(check.seconds for check in until), 3)
        return cls(seconds, sum(check.requests for check in until), until[-1].family)


@dataclass(frozen=True)
class Trial:
    """The result of one run.

    - whole: all check families were run.
    - accused: the requirements that failed.
    - problem: the difference from the expected result; empty if there is none.
    - seconds: the duration of the run.
    - first: the first failed check; None if no check failed.

    A fault of a user is detected if its trial has no problem: a requirement that the user named failed, or any MUST if
    the user named none. Another fault, also one of a pair, is detected (`killed`) if any requirement failed. Its trial
    has no problem if one of its `requirements` failed, at most `MOST_ACCUSED` requirements failed (more if the fault
    has a `why_more`), and the exit code is the expected one. For a pair, only requirements that are not expected count
    towards `MOST_ACCUSED`. The trial of a generated fault has no problem if the fault is detected.
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
        """The key that a task shares with its trial; without the tier for kinds that may be tried at two tiers."""
        subject = self.subject
        name = COMPOUND if subject.group == COMPOUND else subject.name
        return subject.kind, name, subject.dialect, None if subject.kind in TIERED else self.tier, self.seed

    @property
    def title(self) -> str:
        """The subject, tier and seed in one line."""
        subject = self.subject
        return f"{subject.kind} {subject.name} at {subject.dialect}, {self.tier}, seed {self.seed}"

    @property
    def killed(self) -> bool:
        return not self.problem if self.subject.kind == "own" else bool(self.accused)

    def to_json(self) -> dict[str, Any]:
        """The trial as JSON types; the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Trial:
        """Rebuild a trial from the result of `to_json`."""
        parts = {
            "subject": Subject(**raw["subject"]),
            "accused": tuple(raw["accused"]),
            "first": FirstFailure(**raw["first"]) if raw["first"] else None,
        }
        return cls(**(dict(raw) | parts))


def _run(prepare: Prepare, tier: Tier, seed: int, arguments: Sequence[str] = ()) -> Outcome:
    """Run the suite in one process with an emulator, so that its pauses take no time."""
    return run_suite(prepare, tier=tier, seed=seed, arguments=arguments, in_real_time=False, timeout_seconds=_SECONDS)


def try_fault(fault: Fault, dialect: str, *, tier: Tier = "smoke", seed: int = 1, whole: bool = False) -> Trial:
    """Run the suite against a fault: the `whole` suite, as users do, or only the families that report the fault."""
    arguments = () if whole else fault.arguments()
    started = time.monotonic()
    outcome = _run(fault.serving(dialect), tier, seed, arguments)
    subject = Subject("fault", fault.name, dialect, fault.fault_class, fault.severity)
    problem = _fault_problem(fault, outcome, whole=whole, counted=outcome.failed)
    return _trial(subject, tier, seed, arguments, outcome, problem, started)


def try_pair(
    fault: Fault, model: Model, dialect: str, *, tier: Tier = "smoke", seed: int = 1, whole: bool = False
) -> Trial:
    """Run the suite against a fault of an emulator that also lags by `PAIR_LAG` seconds; the rest as in `try_fault`.

    The limit on failed requirements counts those that are not expected of the fault: a lag may show one more of them.
    """
    arguments = () if whole else fault.arguments()
    started = time.monotonic()
    lagging = replace(fault, decisions=(*fault.decisions, *model.decisions(PAIR_LAG)))
    outcome = _run(lagging.serving(dialect), tier, seed, arguments)
    subject = Subject("pair", pair_name(fault, model), dialect, model.name, fault.severity)
    problem = _fault_problem(fault, outcome, whole=whole, counted=outcome.failed - fault.requirements)
    return _trial(subject, tier, seed, arguments, outcome, problem, started)


def try_own(fault: Fault, dialect: str, *, tier: Tier = "smoke", seed: int = 1) -> Trial:
    """Run the whole suite against a user's fault: one of its requirements must fail, or any MUST if it names none."""
    started = time.monotonic()
    outcome = _run(fault.serving(dialect), tier, seed)
    expected = frozenset[str](fault.requirements) or _musts(outcome)
    problem = "" if outcome.failed & expected else _missed(fault, outcome)
    subject = Subject("own", fault.name, dialect, fault.fault_class, fault.severity)
    return _trial(subject, tier, seed, (), outcome, problem, started)


def _missed(fault: Fault, outcome: Outcome) -> str:
    """Why the failed requirements of a run are not those that a fault must break."""
    if not outcome.failed:
        return "not detected"
    failed = ", ".join(sorted(outcome.failed))
    if not fault.requirements:
        return f"no MUST failed, but: {failed}"
    return f"failed instead of {', '.join(sorted(fault.requirements))}: {failed}"


def try_generated(row: Row, dialect: str, *, tier: Tier = "smoke", seed: int = 1) -> Trial:
    """Run the whole suite against a generated fault, which any requirement may report.

    The problem of a fault that is not detected tells how often it changed something in the run.
    """
    started, reached = time.monotonic(), Reached()
    fault = row.fault(dialect, reached)
    outcome = _run(fault.serving(dialect), tier, seed)
    problem = "" if outcome.failed else "not detected"
    if problem:
        problem = f"{problem} (exit code {outcome.exit_code}); it changed something {reached.count} times: {row.title}"
    subject = Subject("generated", row.name, dialect, row.group, row.severity)
    return _trial(subject, tier, seed, (), outcome, problem, started)


def pair_name(fault: Fault, model: Model) -> str:
    """The name of the pair of a fault and a lag model."""
    return f"{fault.name} + {model.name}"


def _fault_problem(fault: Fault, outcome: Outcome, *, whole: bool, counted: frozenset[str]) -> str:
    if not outcome.failed & fault.requirements:
        return _missed(fault, outcome)
    if len(counted) > MOST_ACCUSED and not fault.why_more:
        return f"{len(outcome.failed)} requirements failed: {', '.join(sorted(outcome.failed))}"
    # A run of some families leaves MUSTs untested, so it is inconclusive (exit code 3) unless a MUST fails (1).
    expected = fault.exit_code if whole or fault.exit_code == 1 else 3
    return "" if outcome.exit_code == expected else f"the run ended with exit code {outcome.exit_code}"


def _musts(outcome: Outcome) -> frozenset[str]:
    return frozenset(entry["id"] for entry in outcome.verdict["requirements"] if entry["level"] == "MUST")


def try_variant(variant: Variant, dialect: str, *, tier: Tier = "smoke", seed: int = 1, whole: bool = False) -> Trial:
    """Run the suite against a variant; a requirement that failed or is inconclusive is a problem of the trial."""
    arguments = () if whole else variant.arguments()
    started = time.monotonic()
    outcome = _run(variant.serving(dialect), tier, seed, arguments)
    wrong = [
        f"{entry['id']} is {entry['verdict']}: {entry['reason']}"
        for entry in outcome.verdict["requirements"]
        if entry["verdict"] in {"failed", "inconclusive"} and not entry.get("not_run")
    ]
    # A run of some families does not test all MUSTs, so it is inconclusive (exit code 3).
    if not wrong and outcome.exit_code != (3 if arguments else 0):
        wrong = [f"the run ended with exit code {outcome.exit_code}"]
    subject = Subject("variant", variant.name, dialect, variant.group)
    return _trial(subject, tier, seed, arguments, outcome, "; ".join(wrong), started)


def try_null(null: Null, dialect: str, *, seed: int = 1) -> Trial:
    """Run the suite against a null target.

    No MUST may pass. Each requirement that failed or is inconclusive must have a reason. If the null target has an
    `advice`, nothing may fail, and each check must give this advice. The run must stay within `NULL_SECONDS` and
    `NULL_MEMORY`, its recording and pages included.
    """
    started = time.monotonic()
    outcome = run_suite(null.serving(dialect), seed=seed, timeout_seconds=4 * NULL_SECONDS, reports=True)
    problem = _null_problem(outcome, time.monotonic() - started) or _advice_problem(outcome, null.advice)
    return _trial(Subject("null", null.name, dialect, "null"), "smoke", seed, (), outcome, problem, started)


def _null_problem(outcome: Outcome, seconds: float) -> str:
    entries = outcome.verdict["requirements"]
    passed = [entry["id"] for entry in entries if (entry["level"], entry["verdict"]) == ("MUST", "passed")]
    if passed:
        return f"passed: {', '.join(passed)}"
    if outcome.exit_code not in {1, 3}:
        return f"the run ended with exit code {outcome.exit_code}"
    if not all(entry["reason"] for entry in entries if entry["verdict"] in {"failed", "inconclusive"}):
        return "a failed or inconclusive requirement has no reason"
    if outcome.most_memory > NULL_MEMORY:
        return f"the run took {outcome.most_memory:.0f} MB"
    return f"the run took {seconds:.1f} s" if seconds > NULL_SECONDS else ""


def _advice_problem(outcome: Outcome, advice: str) -> str:
    if not advice:
        return ""
    if outcome.failed or outcome.exit_code != 3:
        return f"the run ended with exit code {outcome.exit_code}; failed: {', '.join(sorted(outcome.failed))}"
    silent = [check.check for check in outcome.checks if advice not in f"{check.reason}\n{check.hint}"]
    return f"without the advice {advice!r}: {', '.join(silent)}" if silent or not outcome.checks else ""


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
