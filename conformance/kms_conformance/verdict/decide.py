"""The verdict on a target: what became of each requirement, and what follows for the whole."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from kms_conformance import __version__
from kms_conformance.catalogue.api import documented, is_documented
from kms_conformance.catalogue.families import BEFORE_ADMISSION, OVER_NIGHTS
from kms_conformance.catalogue.frozen import Frozen
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue, Requirement
from kms_conformance.core import specs
from kms_conformance.target import Target
from kms_conformance.verdict.model import (
    RequirementResult,
    RequirementVerdict,
    Result,
    Unfinished,
    Verdict,
    time_text,
)
from kms_conformance.verdict.results import CheckResult
from kms_conformance.verdict.waivers import Waiver, accepting

# The codes that a run exits with; of several targets the worst decides, and a usage error is the worst of all.
# Nothing is wrong, and not all is judged yet: a planted key has not come to its date.
WAITING = 4
EXIT_CODES: Mapping[Result, int] = {"conformant": 0, "nonconformant": 1, "inconclusive": 3}
USAGE_ERROR = 2
_BADNESS = (0, WAITING, 3, 1, 2)
_NOT_ADMITTED = "The target keeps no state of keys, so no answer of it proves anything."


@dataclass(frozen=True)
class Run:
    """The circumstances of a run on one target."""

    tier: str
    seed: int
    started: datetime
    duration_seconds: float
    watch: bool = False


def _observed(results: Iterable[CheckResult]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for result in results:
        found.update(result.silences)
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Circumstances:
    """What besides its results a verdict on one target rests on.

    `reasons` say of checks that did not run, by id, why not; `missed` is why any other did not. `filters` are what
    pytest was told to confine the run to, `keys_left` the keys of ours that are not known to be scheduled for deletion.
    """

    reasons: Mapping[str, str] = field(default_factory=dict)
    missed: str = "It did not run."
    filters: Mapping[str, str] = field(default_factory=dict)
    keys_left: tuple[str, ...] = ()


def decide(
    target: Target,
    results: Sequence[CheckResult],
    run: Run,
    planned: Mapping[str, Iterable[str]],
    waivers: Sequence[Waiver] = (),
    frozen: Frozen | None = None,
    beside: Circumstances | None = None,
) -> Verdict:
    """Decide every requirement and the whole.

    `planned` names, for each check of the run's plan, the requirements that it declares: one that did not run leaves
    them inconclusive. `waivers` may speak of other targets as well; those that have expired accept nothing. By a
    `frozen` set, each requirement decides at the level that it had there, and what is newer does not decide.
    """
    profile = Profile.load(target.dialect, target.profile)
    own = specs.own_profile(target.profile)
    beside = beside or Circumstances()
    unfinished = tuple(_unfinished(results, planned, beside))
    why = {found.check: found.why for found in unfinished}
    missing = {check: frozenset(ids) for check, ids in planned.items() if check in why}
    accepted = [each for each in waivers if each.speaks_of(target.name, target.dialect)]
    accepted = [each for each in accepted if not each.has_expired(run.started.date())]
    catalogue = Catalogue.load(target.dialect)
    decided = tuple(
        _by(frozen, _decide_one(requirement, profile, target, results, missing, why, accepted))
        for requirement in catalogue
    )
    return Verdict(
        name=target.name,
        dialect=target.dialect,
        profile=target.profile,
        own_profile=None if own is None else own.content,
        base_url=target.shown_url,
        result=whole(decided, planned=bool(planned), unfinished=bool(unfinished), keys_left=bool(beside.keys_left)),
        requirements=decided,
        suite_version=__version__,
        specs_digest=specs_digest(target.dialect),
        tier=run.tier,
        seed=run.seed,
        started=time_text(run.started),
        duration_seconds=round(run.duration_seconds, 3),
        requests=sum(result.requests for result in results),
        keys_created=sum(result.keys_created for result in results),
        frozen=None if frozen is None else _told(frozen, catalogue),
        unfinished=unfinished,
        filters=beside.filters,
        keys_left=beside.keys_left,
        observations=_observed(results),
        watch=run.watch,
    )


def whole(
    requirements: Iterable[RequirementVerdict], *, planned: bool = True, unfinished: bool, keys_left: bool
) -> Result:
    """What follows for the target: the one place that decides it, for whatever shows or seals a result.

    A MUST that failed and is not waived makes it nonconformant. It is conformant only where every MUST holds, every
    check of a plan that is not empty ran to its end, and no key of ours may be left.
    """
    musts = {requirement.verdict for requirement in requirements if requirement.weight == "MUST"}
    if "failed" in musts:
        return "nonconformant"
    earned = planned and not unfinished and not keys_left
    return "conformant" if earned and musts <= {"passed", "waived", "not_applicable"} else "inconclusive"


def is_waiting(verdict: Verdict) -> bool:
    """Whether an inconclusive target has nothing wrong: all open requirements wait for a date.

    Every check ran, by no filter, and no key of ours is left. A run that only watched its planted key leaves open the
    requirements that it does not ask about.
    """
    is_open = frozenset({"inconclusive", "not_tested"})
    musts = [entry for entry in verdict.requirements if entry.weight == "MUST" and entry.verdict in is_open]
    left = [entry for entry in musts if not entry.waiting_until and (entry.tests or not verdict.watch)]
    whole_plan = not (verdict.unfinished or verdict.filters or verdict.keys_left)
    return verdict.result == "inconclusive" and whole_plan and bool(musts) and not left


def unwritten(verdict: Verdict) -> Verdict:
    """The verdict that holds where no file could be written: no target is conformant."""
    return replace(verdict, result="inconclusive") if verdict.result == "conformant" else verdict


def is_sound(verdict: Verdict, partial: Sequence[str]) -> bool:
    """Whether nothing speaks against a target; of a `partial` run, only requirements that were not asked may be open.

    `partial` are the reasons why a run did not ask everything.
    """
    if not partial:
        return verdict.result == "conformant"
    musts = [entry for entry in verdict.requirements if entry.weight == "MUST" and not entry.not_run]
    return not verdict.keys_left and all(
        entry.verdict in {"passed", "waived", "not_applicable", "not_tested"} for entry in musts
    )


def exit_code(results: Iterable[Result], *, waiting: Iterable[bool] = (), waivers_out_of_date: bool = False) -> int:
    """The exit code of a run with these results: that of the worst target; `waiting` says of each whether it waits.

    Waivers that are out of date are a mistake in the user's file. They are told by a code of their own only where no
    target is nonconformant: that is told first.
    """
    found = list(results)
    waits = list(waiting) or [False] * len(found)
    worst = worst_exit_code(WAITING if w else EXIT_CODES[result] for result, w in zip(found, waits, strict=True))
    return USAGE_ERROR if waivers_out_of_date and worst != EXIT_CODES["nonconformant"] else worst


def _unfinished(
    results: Sequence[CheckResult], planned: Mapping[str, Iterable[str]], beside: Circumstances
) -> Iterator[Unfinished]:
    """The checks of the plan that did not run to their end, in its order."""
    ran = {result.check: result for result in results}
    for check in planned:
        if check not in ran:
            yield Unfinished(check, beside.reasons.get(check, beside.missed))
        elif not ran[check].ended:
            yield Unfinished(check, ran[check].reason or beside.missed)


def _by(frozen: Frozen | None, entry: RequirementVerdict) -> RequirementVerdict:
    """The entry as a frozen set weighs it."""
    if frozen is None:
        return entry
    level = frozen.levels.get(entry.id)
    return replace(entry, decides=False) if level is None else replace(entry, level=level)


def _told(frozen: Frozen, catalogue: Catalogue) -> dict[str, Any]:
    """What a verdict says of the frozen set that decided it."""
    return {
        "version": frozen.version,
        "requirements": len(frozen.levels),
        "removed": list(frozen.removed(catalogue)),
        "changed": list(frozen.changed(catalogue)),
    }


def _decide_one(
    requirement: Requirement,
    profile: Profile,
    target: Target,
    results: Sequence[CheckResult],
    missing: Mapping[str, frozenset[str]],
    why: Mapping[str, str],
    waivers: Sequence[Waiver],
) -> RequirementVerdict:
    name = requirement.id
    failures = [(r, failure) for r in results for failure in r.failures if failure.requirement == name]
    judged_by = [r for r in results if name in r.declared or any(r is failed for failed, _ in failures)]
    count = sum(r.passes.get(name, 0) for r in results) + len(failures)
    productive = sum(r.productive.get(name, 0) for r in results)

    def verdict(result: RequirementResult, reason: str = "") -> RequirementVerdict:
        tests = tuple(sorted({r.check for r in judged_by}))
        return RequirementVerdict(name, requirement.level, result, tests, reason, count, productive)

    not_applicable = requirement.not_applicable_because(profile, target.auth.way, target.auth.like)
    if not_applicable is not None:
        return verdict("not_applicable", not_applicable)
    if failures:
        waived = [accepting(waivers, name, r.failure_id(failure)) for r, failure in failures]
        first = waived[0]
        if None not in waived and first is not None:
            return replace(verdict("waived", str(first)), waiver=first)
        failure = failures[waived.index(None)][1]
        return verdict("failed", f"expected {failure.expected}; received {failure.received}")
    if not _keeps_state(results):
        return verdict("inconclusive", next((r.reason for r in results if r.reason), _NOT_ADMITTED))
    open_in = [r for r in results if r.ended and name in r.inconclusive]
    if _is_proved_besides(name, open_in, results):
        open_in = []
    waiting = [r.waiting_until for r in open_in]
    if open_in:
        until = max(waiting) if all(waiting) else ""
        reason = next(r.reason for r in open_in if bool(until) or not r.waiting_until)
        return replace(verdict("inconclusive", reason), waiting_until=until)
    not_run = tuple(sorted(check for check, ids in missing.items() if name in ids))
    if not_run:
        reason = f"{', '.join(not_run)} did not run to the end: {why[not_run[0]]}"
        return replace(verdict("inconclusive", reason), not_run=not_run)
    untested = _untested_because(requirement, count, productive)
    return verdict("not_tested", untested) if untested else verdict("passed")


def _is_proved_besides(name: str, open_in: Sequence[CheckResult], results: Sequence[CheckResult]) -> bool:
    """Whether only a planted key leaves it open, and another check of this run has proved it by moving the clock."""
    over_nights = all(result.family in OVER_NIGHTS for result in open_in)
    return over_nights and any(r.productive.get(name) for r in results if r.family not in OVER_NIGHTS)


def _untested_because(requirement: Requirement, count: int, productive: int) -> str:
    """Why nothing follows for a requirement that nothing speaks against; empty if it holds."""
    if count == 0:
        return "no exchange of this run allowed a judgement"
    if productive == 0:
        states = " or ".join(sorted(requirement.reached))
        return f"judged {count} times, never after a key was read in the state {states}"
    return ""


def _keeps_state(results: Sequence[CheckResult]) -> bool:
    """Whether any check got past the admission, of those that needed it."""
    admitted = [result for result in results if result.ended and result.family not in BEFORE_ADMISSION]
    return not admitted or any(result.passes for result in admitted)


def worst_exit_code(codes: Iterable[int]) -> int:
    """The exit code of several targets together, in the order 0 < 4 < 3 < 1 < 2."""
    return max(codes, key=_BADNESS.index, default=EXIT_CODES["inconclusive"])


def specs_digest(dialect: str) -> str:
    """A SHA-256 over all that is demanded in a dialect, so that two verdicts can be told to rest on the same demands.

    Besides the spec files it covers the operations as they are compiled: these may rest on a model of the vendor's own,
    which changes with the package that it comes in. What is known of the vendors' clients demands nothing of a target.
    """
    digest = hashlib.sha256()
    if is_documented(dialect):
        digest.update(json.dumps(documented(dialect), sort_keys=True).encode())
    demands = (path for path in specs.home(dialect).specs.glob("*.yaml") if path.name != "clients.yaml")
    for path in sorted(demands):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"
