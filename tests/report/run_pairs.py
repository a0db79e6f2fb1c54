"""Twenty pairs of runs with known differences: real runs of the emulator, and one of them edited as a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from kms_conformance.apps.selftest.deviation import HUAWEI, only, serving
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.apps.selftest.variants import VARIANTS
from kms_conformance.report.change import RunSide
from kms_conformance.verdict.decide import decide_result
from kms_conformance.verdict.model import Verdict

NAME = "emulator-huawei"
MUST, SHOULD, MAY = "schedule.window.minimum", "cancel.date-cleared", "schedule.window.other-type"
OTHER = "schedule.window.maximum"
STARTED = "2026-01-15T09:30:12Z"
ROOM = "schedule.window.absent"


@dataclass(frozen=True)
class Pair:
    """Two runs by name, and exactly the changes there are between them: (kind, requirement)."""

    name: str
    before: Callable[[], RunSide]
    after: Callable[[], RunSide]
    changes: frozenset[tuple[str, str]]


@cache
def real(name: str = "") -> RunSide:
    """A run of the family `window`, at an emulator with the fault or in the variant of this name."""
    deviation = next((each for each in (*FAULTS, *VARIANTS) if each.name == name), None)
    served = deviation.serving(HUAWEI) if deviation else serving(HUAWEI)
    outcome = run_suite(served, arguments=only(("window",)), seed=1)
    return RunSide(
        replace(Verdict.from_json(outcome.verdict), base_url="http://127.0.0.1:1", started=STARTED),
        outcome.checks,
    )


def edited(verdicts: Mapping[str, str], of: Callable[[], RunSide] = real) -> Callable[[], RunSide]:
    """A run with other verdicts on some requirements; `absent`: without it; `newer`: a failure that decides not."""

    def made() -> RunSide:
        side = of()
        entries = []
        for entry in side.verdict.requirements:
            verdict = verdicts.get(entry.id, entry.verdict)
            if verdict == "newer":
                entries.append(replace(entry, verdict="failed", decides=False))
            elif verdict != "absent":
                entries.append(replace(entry, verdict=verdict))
        requirements = tuple(entries)
        result = decide_result(requirements, unfinished=False, keys_left=False)
        return replace(side, verdict=replace(side.verdict, requirements=requirements, result=result))

    return made


def answering(requirement: str, *answers: str, seed: int = 1, family: str = "window") -> Callable[[], RunSide]:
    """A run in which other accepted answers came for one requirement."""

    def made() -> RunSide:
        side = real()
        checks = [
            replace(check, family=family, observed=dict(check.observed) | {requirement: answers})
            if requirement in check.observed
            else check
            for check in side.checks or ()
        ]
        return RunSide(replace(side.verdict, seed=seed), checks)

    return made


def _pair(name: str, before: Callable[[], RunSide], after: Callable[[], RunSide], *changes: tuple[str, str]) -> Pair:
    return Pair(name, before, after, frozenset(changes))


def _of(name: str) -> Callable[[], RunSide]:
    return lambda: real(name)


_BELOW, _ABOVE = "schedule.window.below-minimum", "schedule.window.above-maximum"

PAIRS = (
    # Real runs.
    _pair("the same endpoint twice", real, real),
    _pair("one that got a fault", real, _of("window-below-minimum-accepted"), ("regressed", _BELOW)),
    _pair("one whose fault was mended", _of("window-below-minimum-accepted"), real, ("fixed", _BELOW)),
    _pair(
        "one fault for another",
        _of("window-below-minimum-accepted"),
        _of("window-above-maximum-accepted"),
        ("fixed", _BELOW),
        ("regressed", _ABOVE),
    ),
    _pair(
        "a fault that changes an answer as well",
        real,
        _of("window-minimum-refused"),
        ("regressed", MUST),
        ("answer_changed", MAY),
    ),
    _pair(
        "another way to conform",
        real,
        _of("answer-2"),
        *(
            ("answer_changed", f"schedule.window.{name}")
            for name in ("absent", "empty", "fraction", "huge", "negative", "notation", "text")
        ),
    ),
    # One real run, edited.
    _pair("a MUST that is not judged any more", real, edited({MUST: "inconclusive"}), ("regressed", MUST)),
    _pair("a MUST whose check did not run", real, edited({MUST: "not_tested"}), ("regressed", MUST)),
    _pair("a MUST that is judged now", edited({MUST: "inconclusive"}), real, ("fixed", MUST)),
    _pair(
        "an open MUST that turns out to fail",
        edited({MUST: "not_tested"}),
        edited({MUST: "failed"}),
        ("uncovered", MUST),
    ),
    _pair(
        "a failure that cannot be seen any more",
        edited({MUST: "failed"}),
        edited({MUST: "inconclusive"}),
        ("otherwise", MUST),
    ),
    _pair(
        "a SHOULD that fails, and one that is not judged",
        edited({SHOULD: "passed", "versions.reply": "passed"}),
        edited({SHOULD: "failed", "versions.reply": "not_tested"}),
        ("regressed", SHOULD),
        ("otherwise", "versions.reply"),
    ),
    _pair("a MAY that is not met", real, edited({MAY: "failed"}), ("otherwise", MAY)),
    _pair("a failure that is waived", edited({MUST: "failed"}), edited({MUST: "waived"}), ("otherwise", MUST)),
    _pair("a waiver that was taken away", edited({MUST: "waived"}), edited({MUST: "failed"}), ("regressed", MUST)),
    _pair("a waived failure that was mended", edited({MUST: "waived"}), real, ("fixed", MUST)),
    _pair(
        "a requirement that is new, and one that is gone",
        edited({MUST: "absent"}),
        edited({OTHER: "absent"}),
        ("new", MUST),
        ("vanished", OTHER),
    ),
    _pair(
        "one that applies no more, one that applies now and fails, one that never did",
        edited({OTHER: "not_applicable", ROOM: "absent"}),
        edited({MUST: "not_applicable", OTHER: "failed", ROOM: "not_applicable"}),
        ("vanished", MUST),
        ("new", OTHER),
    ),
    _pair("a failure that does not decide", real, edited({MUST: "newer"}), ("otherwise", MUST)),
    _pair(
        "another answer of several, and the same of another check",
        real,
        answering(ROOM, "400 KMS.1401"),
        ("answer_changed", ROOM),
    ),
    _pair(
        "another answer where another seed drew the requests",
        answering(ROOM, "400 KMS.0204", family="lifecycle"),
        answering(ROOM, "400 KMS.1401", family="lifecycle", seed=2),
    ),
)
