"""The verdict on a target: what became of each requirement, and what follows for the whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from conformance import __version__, specs
from conformance.catalogue.api import documented, is_documented
from conformance.catalogue.frozen import Frozen
from conformance.catalogue.profile import Profile
from conformance.catalogue.requirements import Catalogue, Level, Requirement
from conformance.results import CheckResult
from conformance.suite import BEFORE_ADMISSION
from conformance.target import Target
from conformance.waivers import Waiver, accepting

FORMAT = 1
Result = Literal["conformant", "nonconformant", "inconclusive"]
RequirementResult = Literal["passed", "failed", "inconclusive", "not_applicable", "not_tested", "waived"]

# The codes that a run exits with; of several targets the worst decides, and a usage error is the worst of all.
EXIT_CODES: Mapping[Result, int] = {"conformant": 0, "nonconformant": 1, "inconclusive": 3}
USAGE_ERROR = 2
_BADNESS = (0, 3, 1, 2)
_NOT_ADMITTED = "The target keeps no state of keys, so no answer of it proves anything."


@dataclass(frozen=True)
class RequirementVerdict:
    """What became of one requirement: the checks that judged it, how often it was judged, and why it is so.

    `productive` counts the passed judgements whose exchange reached the state that the requirement speaks of. `decides`
    is false for what is newer than the requirements by which the run certifies: it is shown and does not decide.
    `waiver` is the one that accepts a failure; `reason` tells of it in words.
    """

    id: str
    level: Level
    verdict: RequirementResult
    tests: tuple[str, ...]
    reason: str
    judged: int
    productive: int
    decides: bool = True
    waiver: Waiver | None = None

    @property
    def weight(self) -> Level:
        """The level that counts: what does not decide counts as a MAY."""
        return self.level if self.decides else "MAY"

    def to_json(self) -> dict[str, Any]:
        """The entry as it stands in `verdict.json`; what is not said there is as it mostly is."""
        raw = vars(self) | {"tests": list(self.tests)}
        del raw["decides"], raw["waiver"]
        newer = {} if self.decides else {"decides": False}
        return raw | newer | ({} if self.waiver is None else {"waiver": self.waiver.to_json()})

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> RequirementVerdict:
        """The inverse of `to_json`."""
        waiver = {"waiver": Waiver.from_json(raw["waiver"])} if "waiver" in raw else {}
        return cls(**(dict(raw) | {"tests": tuple(raw["tests"])} | waiver))


@dataclass(frozen=True)
class Run:
    """The circumstances of a run on one target."""

    tier: str
    seed: int
    started: datetime
    duration_seconds: float


@dataclass(frozen=True)
class Verdict:
    """The content of one `verdict.json`; `frozen` says by which release's requirements it was decided, if not ours."""

    target: Target
    result: Result
    requirements: tuple[RequirementVerdict, ...]
    run: Run
    requests: int
    keys_created: int
    isolation: Mapping[str, Any] | None = None
    frozen: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The document as `specs/schemas/verdict.schema.json` describes it."""
        attested = {} if self.isolation is None else {"isolation": dict(self.isolation)}
        return {
            "format": FORMAT,
            "suite": {"version": __version__, "specs_digest": specs_digest(self.target.dialect)},
            "target": {
                "name": self.target.name,
                "dialect": self.target.dialect,
                "profile": self.target.profile,
                "base_url": self.target.shown_url,
            },
            "result": self.result,
            "requirements": [requirement.to_json() for requirement in self.requirements],
            "tier": self.run.tier,
            "requests": self.requests,
            "keys_created": self.keys_created,
            "duration_seconds": round(self.run.duration_seconds, 3),
            "seed": self.run.seed,
            "started": self.run.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **attested,
            **({} if self.frozen is None else {"frozen": dict(self.frozen)}),
        }


def decide(
    target: Target,
    results: Sequence[CheckResult],
    run: Run,
    planned: Mapping[str, Iterable[str]],
    waivers: Sequence[Waiver] = (),
    frozen: Frozen | None = None,
) -> Verdict:
    """Decide every requirement and the whole.

    `planned` names, for each check that this tier holds, the requirements that it declares: one that did not run leaves
    them not tested. `waivers` may speak of other targets as well; those that have expired accept nothing. By a
    `frozen` set, each requirement decides at the level that it had there, and what is newer does not decide.
    """
    profile = Profile.load(target.dialect, target.profile)
    ran = {result.check for result in results}
    missing = {check: frozenset(ids) for check, ids in planned.items() if check not in ran}
    today = run.started.date()
    accepted = partial(accepting, waivers, target=target.name, dialect=target.dialect, today=today)
    catalogue = Catalogue.load(target.dialect)
    decided = tuple(
        _by(frozen, _decide_one(requirement, profile, target, results, missing, accepted(requirement.id)))
        for requirement in catalogue
    )
    return Verdict(
        target=target,
        result=_whole(decided),
        requirements=decided,
        run=run,
        requests=sum(result.requests for result in results),
        keys_created=sum(result.keys_created for result in results),
        frozen=None if frozen is None else _told(frozen, catalogue),
    )


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
    waiver: Waiver | None,
) -> RequirementVerdict:
    name = requirement.id
    judged_by = [r for r in results if name in r.declared or any(f.requirement == name for f in r.failures)]
    count = sum(r.passes.get(name, 0) for r in results) + sum(
        failure.requirement == name for r in results for failure in r.failures
    )
    productive = sum(r.productive.get(name, 0) for r in results)

    def verdict(result: RequirementResult, reason: str = "") -> RequirementVerdict:
        tests = tuple(sorted({r.check for r in judged_by}))
        return RequirementVerdict(name, requirement.level, result, tests, reason, count, productive)

    not_applicable = requirement.not_applicable_because(profile, target.auth.way)
    if not_applicable is not None:
        return verdict("not_applicable", not_applicable)
    failure = next((f for r in results for f in r.failures if f.requirement == name), None)
    if failure is not None:
        if waiver is not None:
            return replace(verdict("waived", str(waiver)), waiver=waiver)
        return verdict("failed", f"expected {failure.expected}; received {failure.received}")
    if not _keeps_state(results):
        return verdict("inconclusive", next((r.reason for r in results if r.reason), _NOT_ADMITTED))
    unclear = next((r.reason for r in results if name in r.inconclusive), None)
    if unclear is not None:
        return verdict("inconclusive", unclear)
    untested = _untested_because(requirement, missing, count, productive)
    return verdict("not_tested", untested) if untested else verdict("passed")


def _untested_because(
    requirement: Requirement, missing: Mapping[str, frozenset[str]], count: int, productive: int
) -> str:
    """Why nothing follows for a requirement that nothing speaks against; empty if it holds."""
    not_run = sorted(check for check, ids in missing.items() if requirement.id in ids)
    if not_run:
        return f"did not run: {', '.join(not_run)}"
    if count == 0:
        return "no exchange of this run allowed a judgement"
    if productive == 0:
        states = " or ".join(sorted(requirement.reached))
        return f"judged {count} times, never after a key was read in the state {states}"
    return ""


def _keeps_state(results: Sequence[CheckResult]) -> bool:
    """Whether any check got past the admission, of those that needed it."""
    admitted = [result for result in results if result.family not in BEFORE_ADMISSION]
    return not admitted or any(result.passes for result in admitted)


def _whole(requirements: Iterable[RequirementVerdict]) -> Result:
    musts = {requirement.verdict for requirement in requirements if requirement.weight == "MUST"}
    if "failed" in musts:
        return "nonconformant"
    return "inconclusive" if musts & {"inconclusive", "not_tested"} else "conformant"


def worst_exit_code(codes: Iterable[int]) -> int:
    """The exit code of several targets together, in the order 0 < 3 < 1 < 2."""
    return max(codes, key=_BADNESS.index, default=EXIT_CODES["inconclusive"])


def specs_digest(dialect: str) -> str:
    """A SHA-256 over all that is demanded in a dialect, so that two verdicts can be told to rest on the same demands.

    Besides the spec files it covers the operations as they are compiled: these may rest on a model of the vendor's own,
    which changes with the package that it comes in. What is known of the vendors' clients demands nothing of a target.
    """
    digest = hashlib.sha256()
    if is_documented(dialect):
        digest.update(json.dumps(documented(dialect), sort_keys=True).encode())
    demands = (path for path in (specs.SPECS / dialect).glob("*.yaml") if path.name != "clients.yaml")
    for path in sorted(demands):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"
