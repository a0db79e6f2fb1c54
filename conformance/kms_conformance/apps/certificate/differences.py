"""Differences between the claimed results of a sealed file and the results of judging its exchanges again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
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
    from kms_conformance.apps.certificate.rejudge import RejudgedRun
    from kms_conformance.recording.player import Recording
    from kms_conformance.report.model import TargetReport


# `started` is in whole seconds, so `time_mismatch` tolerates one second before the run and two seconds after it.
_SECOND = timedelta(seconds=1)
# Fields of a verdict that are not compared, because exchanges do not determine them.
_TIMES = ("duration_seconds", "started")
# Fields of a check that are not compared: pytest measured its start and duration, and no verdict depends on them.
_MEASURED = ("seconds", "started")
_MOST_SHOWN = 200


def differences(
    claimed: TargetReport, environment: Mapping[str, Any], again: RejudgedRun, ledger: str
) -> Iterator[str]:
    """Differences between the claimed and the rejudged run in verdict, checks, ledger and plan, a sentence each."""
    yield from _of_verdict(claimed.verdict.to_json(), _decided(claimed, environment, again).to_json())
    yield from _of_checks(claimed, again)
    if again.ledger != ledger:
        yield "ledger.jsonl: its lines differ from those that the rejudged run writes."
    partial = partial_because(environment, again.plan)
    if partial != environment["partial"]:
        claimed_partial = _list(environment["partial"])
        yield f"environment.json: the reasons for partial are: {_list(partial)}; claimed are: {claimed_partial}."
    unknown = sorted(set(environment["planned"]) - set(again.plan))
    if unknown:
        yield f"environment.json: there is no check {unknown[0]} for this target at this tier."


def time_mismatch(claimed: Verdict, recording: Recording) -> Iterator[str]:
    """A sentence if an exchange was sent outside the time that the verdict claims for the run."""
    started = claimed.began
    ended = started + timedelta(seconds=claimed.duration_seconds) + 2 * _SECOND
    times = [datetime.fromisoformat(line["started"]) for line in recording.exchanges]
    if times and (times[0] < started - _SECOND or times[-1] > ended):
        yield f"verdict.json: the run started at {claimed.started}, but its exchanges at {times[0].isoformat()}."


def unclaimed_failures(claimed: TargetReport, again: RejudgedRun) -> Iterator[str]:
    """Failures that the file does not claim, among the exchanges before the requests deviated from the recording."""
    claimed_ids = {failure.requirement for check in claimed.checks for failure in check.failures}
    judged = {failure.requirement: failure for result in again.results for failure in result.failures}
    for name, failure in judged.items():
        if name not in claimed_ids:
            reason = f"expected {failure.expected}; received {failure.received}"
            yield f"{name}: it failed by the exchanges up to that point ({_short(reason)})."


def _decided(claimed: TargetReport, environment: Mapping[str, Any], again: RejudgedRun) -> Verdict:
    verdict = claimed.verdict
    run = Run(environment["tier"], environment["seed"], verdict.began, verdict.duration_seconds)
    # The claimed waivers are used as they are: a waiver is a statement of the owner, which exchanges cannot confirm.
    waivers = [entry.waiver for entry in verdict.requirements if entry.waiver is not None]
    frozen = None if verdict.frozen is None else load_frozen(verdict.frozen["version"], verdict.dialect)
    # The order is that of the plan, because a verdict lists the checks that did not run in this order.
    planned = {name: ids for name, ids in again.plan.items() if name in environment["planned"]}
    # Two claims are used as they are: the reasons why checks did not run, and the keys that are left. Exchanges cannot
    # confirm these claims, but the claims can only worsen the result.
    reasons = {found.check: found.why for found in verdict.unfinished}
    beside = Circumstances(reasons, filters=environment["filters"], keys_left=verdict.keys_left)
    decided = decide(again.target, again.results, run, planned, waivers, frozen, beside)
    return replace(decided, isolation=again.isolation or None, belongings=again.belongings)


def _of_verdict(claimed: Mapping[str, Any], follows: Mapping[str, Any]) -> Iterator[str]:
    theirs = {entry["id"]: entry for entry in claimed["requirements"]}
    ours = {entry["id"]: entry for entry in follows["requirements"]}
    for name in dict.fromkeys([*ours, *theirs]):
        yield from _of_requirement(name, theirs.get(name), ours.get(name))
    if list(theirs) != list(ours) and theirs.keys() == ours.keys():
        yield "verdict.json: its requirements are in another order."
    for name in dict.fromkeys([*claimed, *follows]):
        if name not in ("requirements", *_TIMES) and claimed.get(name) != follows.get(name):
            yield f"{name}: claimed is {_short(claimed.get(name))}; judged again: {_short(follows.get(name))}."


def _of_requirement(name: str, claimed: Mapping[str, Any] | None, follows: Mapping[str, Any] | None) -> Iterator[str]:
    if claimed is None:
        yield f"{name}: the verdict does not contain this requirement."
    elif follows is None:
        yield f"{name}: there is no such requirement."
    elif claimed["verdict"] != follows["verdict"]:
        reason = f" ({_short(follows['reason'])})" if follows["reason"] else ""
        yield f"{name}: claimed is {claimed['verdict']}; judged again: {follows['verdict']}{reason}."
    else:
        for part in dict.fromkeys([*claimed, *follows]):
            if not equal_unless_redacted(claimed.get(part), follows.get(part)):
                shown, recomputed = _short(claimed.get(part)), _short(follows.get(part))
                yield f"{name}: claimed {part} is {shown}; judged again: {recomputed}."


def _without_codes(answers: Iterable[Mapping[str, Any]]) -> list[list[object]]:
    """How many answers came of each operation, status and state. A code may hold a secret, which a recording lacks."""
    counts: dict[tuple[str, int, str], int] = {}
    for answer in answers:
        kind = answer["operation"], answer["status"], answer["state"]
        counts[kind] = counts.get(kind, 0) + answer["count"]
    return [[*kind, count] for kind, count in sorted(counts.items())]


def _of_checks(claimed: TargetReport, again: RejudgedRun) -> Iterator[str]:
    theirs = {check.check: check.to_json() for check in claimed.checks}
    ours = {result.check: scrubbed_json(result.to_json()) for result in again.results}
    for name in dict.fromkeys([*ours, *theirs]):
        if name not in theirs or name not in ours:
            yield f"results.json: {name} {'has no result' if name in ours else 'did not run'}."
            continue
        for part in theirs[name]:
            found = [comparable(part, each[part]) for each in (theirs[name], ours[name])]
            if part not in _MEASURED and not equal_unless_redacted(*found):
                yield f"results.json: {name}: the recorded {part} differs from the recomputed one."


def comparable(part: str, value: Any) -> object:  # noqa: ANN401 - any part of a check's result
    """A part of a check's result without what its exchanges do not determine.

    The CA file of an exchange is a path on the machine of the run. Curl lines name it, and no verdict depends on it.
    """
    if part == "answers":
        return _without_codes(value)
    if part == "exchanges":
        value = [{name: each for name, each in record.items() if name != "ca_file"} for record in value]
    return _plain(value)


def _plain(value: object) -> object:
    return json.loads(json.dumps(value))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _list(reasons: list[str]) -> str:
    return ", ".join(reasons) or "nothing"


_MARK = "[redacted:"


def equal_unless_redacted(claimed: object, follows: object) -> bool:
    """Whether two JSON values are equal; two texts also count as equal if one of them has a redacted part.

    A text that quotes a reply is shortened before or after its redaction, depending on the secret. Only the run knew
    the secret, so the two texts cannot be compared word by word.
    """
    if isinstance(claimed, str) and isinstance(follows, str):
        return claimed == follows or _MARK in claimed or _MARK in follows
    if isinstance(claimed, dict) and isinstance(follows, dict):
        return claimed.keys() == follows.keys() and all(
            equal_unless_redacted(claimed[name], follows[name]) for name in claimed
        )
    if isinstance(claimed, (list, tuple)) and isinstance(follows, (list, tuple)):
        # A header with an access key id always counts as equal: the run redacted the id in the target file, but not the
        # ids that checks invented.
        names = {str(name).lower() for name in (*claimed[:1], *follows[:1])}
        if claimed and follows and len(names) == 1 and names <= credential_places().key_id_headers:
            return True
        return all(equal_unless_redacted(one, other) for one, other in zip_longest(claimed, follows, fillvalue=...))
    return claimed == follows
