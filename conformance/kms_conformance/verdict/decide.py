"""Decides verdicts on requirements and targets, and the exit code of a run. No other module decides them."""

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
from kms_conformance.catalogue.families import ACROSS_RUNS, BEFORE_ADMISSION
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

# The exit code if nothing failed and the open requirements wait for the deletion date of a planted key.
WAITING = 4
EXIT_CODES: Mapping[Result, int] = {"conformant": 0, "nonconformant": 1, "inconclusive": 3}
USAGE_ERROR = 2
# The exit codes from best to worst. With several targets, the worst exit code counts.
_BADNESS = (0, WAITING, 3, 1, 2)
_NOT_ADMITTED = "The target does not keep the state of keys, so its answers prove nothing."


@dataclass(frozen=True)
class Run:
    """The facts about a run that its verdicts state: tier, seed, start, duration, and whether it only watched keys.

    `watch`: true if the run only read planted keys.
    """

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
    """Facts about a run that its results do not hold, and that enter the verdict on one target.

    - `reasons`: by check id, why a check did not run.
    - `missed`: why all other missing checks did not run.
    - `filters`: the pytest options that left checks out, by name.
    - `keys_left`: our keys that are not confirmed as scheduled for deletion.
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
    """Decide the verdict on a target and on each of its requirements.

    - `planned`: by id of each check in the plan, the requirements that it declares. If a check did not run, its
      requirements are inconclusive.
    - `waivers`: all waivers; expired waivers and waivers for other targets are ignored.
    - `frozen`: the requirement set of an earlier release. The levels in this set count, and requirements that are not
      in it do not decide.
    - `beside`: facts about the run that the results do not hold.
    """
    profile = Profile.load(target.dialect, target.profile)
    own = specs.own_profile(target.profile)
    beside = beside or Circumstances()
    unfinished = tuple(_unfinished(results, planned, beside))
    why = {found.check: found.why for found in unfinished}
    missing = {check: frozenset(ids) for check, ids in planned.items() if check in why}
    accepted = [each for each in waivers if each.applies_to(target.name, target.dialect)]
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
        result=decide_result(
            decided,
            planned=bool(planned),
            unfinished=bool(unfinished) or is_confined(beside.filters),
            keys_left=bool(beside.keys_left),
        ),
        requirements=decided,
        suite_version=__version__,
        specs_digest=specs_digest(target.dialect),
        tier=run.tier,
        seed=run.seed,
        started=time_text(run.started),
        duration_seconds=round(run.duration_seconds, 3),
        requests=sum(result.requests for result in results),
        keys_created=sum(result.keys_created for result in results),
        frozen=None if frozen is None else _frozen_json(frozen, catalogue),
        unfinished=unfinished,
        filters=beside.filters,
        keys_left=beside.keys_left,
        observations=_observed(results),
        watch=run.watch,
    )


def decide_result(
    requirements: Iterable[RequirementVerdict], *, planned: bool = True, unfinished: bool, keys_left: bool
) -> Result:
    """Decide the result of a target. No other function decides it.

    - Nonconformant: a MUST failed and is not waived.
    - Conformant: every MUST passed, is waived or does not apply; the plan is not empty, and every check in it ran to
      its end; all our keys are scheduled for deletion.
    - Inconclusive: every other case.
    """
    musts = {requirement.verdict for requirement in requirements if requirement.weight == "MUST"}
    if "failed" in musts:
        return "nonconformant"
    earned = planned and not unfinished and not keys_left
    return "conformant" if earned and musts <= {"passed", "waived", "not_applicable"} else "inconclusive"


def is_confined(filters: Mapping[str, str]) -> bool:
    """Whether a run was told to stop after the checks that had failed before; it is never conformant, whatever ran."""
    return "failed" in filters


def is_waiting(verdict: Verdict) -> bool:
    """Whether all open requirements of an inconclusive target wait for the deletion date of a planted key.

    False if a check did not run, a filter was set, or one of our keys is left. With `--observe`, requirements that no
    check of the run declares may be open for other reasons.
    """
    is_open = frozenset({"inconclusive", "not_tested"})
    musts = [entry for entry in verdict.requirements if entry.weight == "MUST" and entry.verdict in is_open]
    left = [entry for entry in musts if not entry.waiting_until and (entry.tests or not verdict.watch)]
    whole_plan = not (verdict.unfinished or verdict.filters or verdict.keys_left)
    return verdict.result == "inconclusive" and whole_plan and bool(musts) and not left


def unwritten(verdict: Verdict) -> Verdict:
    """The verdict if no report could be written: a conformant target becomes inconclusive, others stay the same."""
    return replace(verdict, result="inconclusive") if verdict.result == "conformant" else verdict


def is_sound(verdict: Verdict, partial: Sequence[str]) -> bool:
    """Whether a target is conformant or, in a partial run, whether the checks that ran found nothing against it.

    `partial`: the reasons why the run left checks out; empty for a complete run. A partial run is not sound if a MUST
    failed, if a MUST is inconclusive for another reason than a missing check, or if a key is not scheduled for
    deletion.
    """
    if not partial:
        return verdict.result == "conformant"
    musts = [entry for entry in verdict.requirements if entry.weight == "MUST" and not entry.not_run]
    return not verdict.keys_left and all(
        entry.verdict in {"passed", "waived", "not_applicable", "not_tested"} for entry in musts
    )


def exit_code(results: Iterable[Result], *, waiting: Iterable[bool] = (), waivers_out_of_date: bool = False) -> int:
    """The exit code of a run, which is the exit code of its worst target.

    `waiting`: for each result, whether the target waits for a planted key (exit code 4). Waivers that are out of date
    are a usage error (exit code 2), unless a target is nonconformant (exit code 1).
    """
    found = list(results)
    waits = list(waiting) or [False] * len(found)
    worst = worst_exit_code(WAITING if w else EXIT_CODES[result] for result, w in zip(found, waits, strict=True))
    return USAGE_ERROR if waivers_out_of_date and worst != EXIT_CODES["nonconformant"] else worst


def _unfinished(
    results: Sequence[CheckResult], planned: Mapping[str, Iterable[str]], beside: Circumstances
) -> Iterator[Unfinished]:
    """The checks in the plan that did not run to their end, in the order of the plan."""
    ran = {result.check: result for result in results}
    for check in planned:
        if check not in ran:
            yield Unfinished(check, beside.reasons.get(check, beside.missed))
        elif not ran[check].ended:
            yield Unfinished(check, ran[check].reason or beside.missed)


def _by(frozen: Frozen | None, entry: RequirementVerdict) -> RequirementVerdict:
    """The verdict with the requirement's level in the frozen set; a requirement outside the set does not decide."""
    if frozen is None:
        return entry
    level = frozen.levels.get(entry.id)
    return replace(entry, decides=False) if level is None else replace(entry, level=level)


def _frozen_json(frozen: Frozen, catalogue: Catalogue) -> dict[str, Any]:
    """The `frozen` field of `verdict.json`."""
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
    is_lacking = bool(open_in) and all(r.lacking for r in open_in)
    if is_lacking and count == 0:
        return verdict("not_applicable", open_in[0].reason)
    # What a target lacks may be one case of several.
    if is_lacking or _is_proved_besides(name, open_in, results):
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
    """Whether the requirement is open only in checks of planted keys, and a check that moved the clock proved it."""
    across_runs = all(result.family in ACROSS_RUNS for result in open_in)
    return across_runs and any(r.productive.get(name) for r in results if r.family not in ACROSS_RUNS)


def _untested_because(requirement: Requirement, count: int, productive: int) -> str:
    """Why a requirement without failures counts as not tested; empty if it passed.

    `productive`: the number of judgements made after a key was read in a state that the requirement is about.
    """
    if count == 0:
        return "no exchange of this run allowed a judgement"
    if productive == 0:
        states = " or ".join(sorted(requirement.reached))
        return f"judged {count} times, never after a key was read in the state {states}"
    return ""


def _keeps_state(results: Sequence[CheckResult]) -> bool:
    """Whether the target keeps the state of keys, as far as the results show.

    True if a check outside the families `BEFORE_ADMISSION` ran to its end and has a passed judgement, or if no check
    outside these families ran to its end.
    """
    admitted = [result for result in results if result.ended and result.family not in BEFORE_ADMISSION]
    return not admitted or any(result.passes for result in admitted)


def worst_exit_code(codes: Iterable[int]) -> int:
    """The worst of several exit codes, in the order 0 < 4 < 3 < 1 < 2."""
    return max(codes, key=_BADNESS.index, default=EXIT_CODES["inconclusive"])


def specs_digest(dialect: str) -> str:
    """A SHA-256 over the specs of a dialect: equal digests mean that two verdicts rest on the same specs.

    The digest covers the spec files and the compiled operations. The operations are included because they may come from
    the vendor's model in an installed package. `clients.yaml` is left out: it describes the vendors' clients and
    demands nothing of a target.
    """
    digest = hashlib.sha256()
    if is_documented(dialect):
        digest.update(json.dumps(documented(dialect), sort_keys=True).encode())
    demands = (path for path in specs.locate(dialect).specs.glob("*.yaml") if path.name != "clients.yaml")
    for path in sorted(demands):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"
