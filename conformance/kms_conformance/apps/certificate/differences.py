"""What is claimed, beside what follows from the exchanges: every difference in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from kms_conformance.catalogue.frozen import load_frozen
from kms_conformance.recording.environment import partial_because
from kms_conformance.report.store import scrubbed_json
from kms_conformance.verdict.decide import Circumstances, Run, decide
from kms_conformance.verdict.model import Verdict
from kms_conformance.wire.credentials import credential_places

if TYPE_CHECKING:
    from kms_conformance.apps.certificate.rejudge import Rejudged
    from kms_conformance.recording.player import Tape
    from kms_conformance.report.model import TargetReport


# Started is told in whole seconds; emulators are started, and reports begun, before the first request.
_SECOND = timedelta(seconds=1)
_ALIKE = ("duration_seconds", "started")
# When a check began and how long it took is pytest's own measure, and nothing rests on it.
_MEASURED = ("seconds", "started")
_MOST_SHOWN = 200


def differences(claimed: TargetReport, environment: Mapping[str, Any], again: Rejudged, ledger: str) -> Iterator[str]:
    """Where the verdict and the results are not those that follow from the exchanges."""
    yield from _of_verdict(claimed.verdict.to_json(), _decided(claimed, environment, again).to_json())
    yield from _of_checks(claimed, again)
    if again.ledger != ledger:
        yield "ledger.jsonl: its lines are not those that such a run writes."
    partial = partial_because(environment, again.plan)
    if partial != environment["partial"]:
        yield f"environment.json: it is partial because {_list(partial)}; claimed is {_list(environment['partial'])}."
    strange = sorted(set(environment["planned"]) - set(again.plan))
    if strange:
        yield f"environment.json: no check is called {strange[0]} for such a target at this tier."


def out_of_time(claimed: Verdict, tape: Tape) -> Iterator[str]:
    """Where the run is said to have been at another time than its exchanges."""
    started = claimed.began
    ended = started + timedelta(seconds=claimed.duration_seconds) + 2 * _SECOND
    times = [datetime.fromisoformat(line["started"]) for line in tape.lines]
    if times and (times[0] < started - _SECOND or times[-1] > ended):
        yield f"verdict.json: it speaks of {claimed.started}, and its exchanges are of {times[0].isoformat()}."


def unclaimed_failures(claimed: TargetReport, again: Rejudged) -> Iterator[str]:
    """What had failed by the exchanges before the suite and they parted, and is not said to have failed."""
    said = {failure.requirement for check in claimed.checks for failure in check.failures}
    judged = {failure.requirement: failure for result in again.results for failure in result.failures}
    for name, failure in judged.items():
        if name not in said:
            reason = f"expected {failure.expected}; received {failure.received}"
            yield f"{name}: by the exchanges up to there it failed ({_short(reason)})."


def _decided(claimed: TargetReport, environment: Mapping[str, Any], again: Rejudged) -> Verdict:
    verdict = claimed.verdict
    run = Run(environment["tier"], environment["seed"], verdict.began, verdict.duration_seconds)
    # That a failure is accepted is its owner's word: no exchange can tell it.
    waivers = [entry.waiver for entry in verdict.requirements if entry.waiver is not None]
    frozen = None if verdict.frozen is None else load_frozen(verdict.frozen["version"], verdict.dialect)
    # In the order of the plan: so stand the checks that did not run.
    planned = {name: ids for name, ids in again.plan.items() if name in environment["planned"]}
    # Why a check did not run, and which keys are left, no exchange can tell; both only speak against the run.
    reasons = {found.check: found.why for found in verdict.unfinished}
    beside = Circumstances(reasons, filters=environment["filters"], keys_left=verdict.keys_left)
    decided = decide(again.target, again.results, run, planned, waivers, frozen, beside)
    return replace(decided, isolation=again.isolation or None)


def _of_verdict(claimed: Mapping[str, Any], follows: Mapping[str, Any]) -> Iterator[str]:
    theirs = {entry["id"]: entry for entry in claimed["requirements"]}
    ours = {entry["id"]: entry for entry in follows["requirements"]}
    for name in dict.fromkeys([*ours, *theirs]):
        yield from _of_requirement(name, theirs.get(name), ours.get(name))
    if list(theirs) != list(ours) and theirs.keys() == ours.keys():
        yield "verdict.json: its requirements stand in another order."
    for name in dict.fromkeys([*claimed, *follows]):
        if name not in ("requirements", *_ALIKE) and claimed.get(name) != follows.get(name):
            yield f"{name}: claimed is {_short(claimed.get(name))}; it follows {_short(follows.get(name))}."


def _of_requirement(name: str, claimed: Mapping[str, Any] | None, follows: Mapping[str, Any] | None) -> Iterator[str]:
    if claimed is None:
        yield f"{name}: the verdict does not speak of it."
    elif follows is None:
        yield f"{name}: there is no such requirement."
    elif claimed["verdict"] != follows["verdict"]:
        reason = f" ({_short(follows['reason'])})" if follows["reason"] else ""
        yield f"{name}: claimed is {claimed['verdict']}; by its exchanges it is {follows['verdict']}{reason}."
    else:
        for part in dict.fromkeys([*claimed, *follows]):
            if not alike(claimed.get(part), follows.get(part)):
                yield f"{name}: its {part} is {_short(follows.get(part))}; claimed is {_short(claimed.get(part))}."


def _of_checks(claimed: TargetReport, again: Rejudged) -> Iterator[str]:
    theirs = {check.check: check.to_json() for check in claimed.checks}
    ours = {result.check: scrubbed_json(result.to_json()) for result in again.results}
    for name in dict.fromkeys([*ours, *theirs]):
        if name not in theirs or name not in ours:
            yield f"results.json: {name} {'has no result' if name in ours else 'did not run'}."
            continue
        for part in theirs[name]:
            if part not in _MEASURED and not alike(_plain(theirs[name][part]), _plain(ours[name][part])):
                yield f"results.json: {name} does not have such {part}."


def _plain(value: object) -> object:
    return json.loads(json.dumps(value))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _list(reasons: list[str]) -> str:
    return ", ".join(reasons) or "nothing"


_MARK = "[redacted:"


def alike(claimed: object, follows: object) -> bool:
    """Whether two JSON values are the same; texts of which one has something hidden may differ in words.

    What a text quotes is cut before it is hidden or after it, by what was secret: only the run itself knew that.
    """
    if isinstance(claimed, str) and isinstance(follows, str):
        return claimed == follows or _MARK in claimed or _MARK in follows
    if isinstance(claimed, dict) and isinstance(follows, dict):
        return claimed.keys() == follows.keys() and all(alike(claimed[name], follows[name]) for name in claimed)
    if isinstance(claimed, (list, tuple)) and isinstance(follows, (list, tuple)):
        # The id of an access key is hidden where the target file names it, and shown where a check made it up.
        names = {str(name).lower() for name in (*claimed[:1], *follows[:1])}
        if claimed and follows and len(names) == 1 and names <= credential_places().key_id_headers:
            return True
        return all(alike(one, other) for one, other in zip_longest(claimed, follows, fillvalue=...))
    return claimed == follows
