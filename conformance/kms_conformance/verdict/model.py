"""The verdict on a target as frozen values, and their form in `verdict.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from kms_conformance.catalogue.requirements import Level
from kms_conformance.verdict.waivers import Waiver

FORMAT = 1
Result = Literal["conformant", "nonconformant", "inconclusive"]
RequirementResult = Literal["passed", "failed", "inconclusive", "not_applicable", "not_tested", "waived"]

LEVELS: tuple[Level, ...] = get_args(Level)
# All verdicts on a requirement, in the order in which reports list them.
VERDICTS: tuple[RequirementResult, ...] = (
    "failed",
    "inconclusive",
    "not_tested",
    "waived",
    "passed",
    "not_applicable",
)
Counts = Mapping[Level, Mapping[RequirementResult, int]]

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class RequirementVerdict:
    """The verdict on one requirement.

    - `tests`: the ids of the checks that judged it.
    - `reason`: why the verdict is not `passed`; for a waived requirement, the text of the waiver.
    - `judged`: the number of judgements, passed and failed.
    - `productive`: the number of passed judgements made after a key was read in a state that the requirement is about.
    - `decides`: false if the requirement is not in the frozen set of the run. Reports then show it, but it does not
      change the result.
    - `waiver`: the waiver that accepts the failure.
    - `not_run`: the checks that did not run to their end, if only they leave the requirement open.
    - `waiting_until`: the deletion date of a planted key (ISO 8601, UTC), if only this key leaves the requirement open.
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
    not_run: tuple[str, ...] = ()
    waiting_until: str = ""

    @property
    def weight(self) -> Level:
        """The level that counts: a requirement that does not decide counts as a MAY."""
        return self.level if self.decides else "MAY"

    def to_json(self) -> dict[str, Any]:
        """The entry in `verdict.json`; fields with their default value are left out."""
        raw = vars(self) | {"tests": list(self.tests)}
        del raw["decides"], raw["waiver"], raw["not_run"], raw["waiting_until"]
        newer = {} if self.decides else {"decides": False}
        left_out: dict[str, Any] = {"not_run": list(self.not_run)} if self.not_run else {}
        left_out |= {"waiting_until": self.waiting_until} if self.waiting_until else {}
        return raw | newer | ({} if self.waiver is None else {"waiver": self.waiver.to_json()}) | left_out

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> RequirementVerdict:
        """The inverse of `to_json`."""
        waiver = {"waiver": Waiver.from_json(raw["waiver"])} if "waiver" in raw else {}
        tuples = {"tests": tuple(raw["tests"]), "not_run": tuple(raw.get("not_run", ()))}
        return cls(**(dict(raw) | tuples | waiver))


@dataclass(frozen=True)
class Unfinished:
    """A check of the plan that did not run to its end, and why."""

    check: str
    why: str

    def to_json(self) -> dict[str, str]:
        """The entry in `verdict.json`."""
        return {"check": self.check, "why": self.why}

    @classmethod
    def from_json(cls, raw: Mapping[str, str]) -> Unfinished:
        """The inverse of `to_json`."""
        return cls(raw["check"], raw["why"])


@dataclass(frozen=True)
class Verdict:
    """The content of one `verdict.json`: one target, judged by one run.

    - `started`: the start of the run, ISO 8601, UTC, in whole seconds.
    - `duration_seconds`: the duration of the whole run, not only of this target.
    - `isolation`: the comparison of the keys of others before and after the run.
    - `belongings`: what the run gave to its keys, such as aliases and tags, and what was given back.
    - `frozen`: the earlier release whose requirements decided; None if the requirements of this release decided.
    - `unfinished`: the checks in the plan that did not run to their end.
    - `filters`: the pytest options that left checks out, by name.
    - `keys_left`: our keys that are not confirmed as scheduled for deletion.
    - `observations`: the numbers of events that do not change the result, such as requests without a reply.
    - `watch`: true if the run only read its planted keys.
    - `own_profile`: the content of the user's profile file that `profile` names; None for a profile of the specs.
    """

    name: str
    dialect: str
    profile: str
    base_url: str
    result: Result
    requirements: tuple[RequirementVerdict, ...]
    suite_version: str
    specs_digest: str
    tier: str
    seed: int
    started: str
    duration_seconds: float
    requests: int
    keys_created: int
    isolation: Mapping[str, Any] | None = None
    belongings: Mapping[str, Any] | None = None
    frozen: Mapping[str, Any] | None = None
    unfinished: tuple[Unfinished, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    keys_left: tuple[str, ...] = ()
    observations: Mapping[str, int] = field(default_factory=dict)
    watch: bool = False
    own_profile: Mapping[str, Any] | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Verdict:
        """Rebuild a verdict from a document that is valid by `specs/schemas/verdict.schema.json`."""
        requirements = tuple(map(RequirementVerdict.from_json, raw["requirements"]))
        run = {name: raw[name] for name in ("result", *_RUN)} | {name: raw.get(name) for name in _OPTIONAL}
        suite = {"suite_version": raw["suite"]["version"], "specs_digest": raw["suite"]["specs_digest"]}
        earned = {
            "unfinished": tuple(map(Unfinished.from_json, raw.get("unfinished", ()))),
            "filters": raw.get("filters", {}),
            "keys_left": tuple(raw.get("keys_left", ())),
            "observations": {found["what"]: found["count"] for found in raw.get("observations", ())},
            "watch": raw.get("watch", False),
        }
        return cls(requirements=requirements, **raw["target"], **suite, **run, **earned)

    def to_json(self) -> dict[str, Any]:
        """The document as `specs/schemas/verdict.schema.json` describes it; empty optional fields are left out."""
        earned = {
            "unfinished": [found.to_json() for found in self.unfinished],
            "filters": dict(self.filters),
            "keys_left": list(self.keys_left),
            "observations": [{"what": what, "count": count} for what, count in self.observations.items()],
            "watch": self.watch,
        }
        return {
            "format": FORMAT,
            "suite": {"version": self.suite_version, "specs_digest": self.specs_digest},
            "target": {name: getattr(self, name) for name in ("name", "dialect", "profile", "base_url")},
            "result": self.result,
            "requirements": [entry.to_json() for entry in self.requirements],
            **{name: getattr(self, name) for name in _RUN},
            **{name: dict(said) for name in _OPTIONAL if (said := getattr(self, name)) is not None},
            **{name: value for name, value in earned.items() if value},
        }

    @property
    def began(self) -> datetime:
        """`started` as an aware time, UTC."""
        return read_time(self.started)

    @property
    def waiting_until(self) -> str:
        """The earliest date for which a requirement waits; empty if no requirement waits."""
        return min((entry.waiting_until for entry in self.requirements if entry.waiting_until), default="")

    def counts(self) -> Counts:
        """The number of requirements by level and verdict; every level and verdict is a key.

        A requirement that does not decide counts as a MAY.
        """
        found = Counter((entry.weight, entry.verdict) for entry in self.requirements)
        return {level: {verdict: found[level, verdict] for verdict in VERDICTS} for level in LEVELS}

    def with_verdict(self, verdict: RequirementResult) -> tuple[RequirementVerdict, ...]:
        """The requirements with this verdict: MUST first, then in the order of the catalogue."""
        return tuple(
            entry for level in LEVELS for entry in self.requirements if (entry.level, entry.verdict) == (level, verdict)
        )


def time_text(moment: datetime) -> str:
    """An aware time, UTC, in the form of `Verdict.started`."""
    return moment.strftime(_TIME)


def read_time(text: str) -> datetime:
    """The inverse of `time_text`. Raises `ValueError`."""
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


_OPTIONAL = ("isolation", "belongings", "frozen", "own_profile")
_RUN = ("tier", "requests", "keys_created", "duration_seconds", "seed", "started")
