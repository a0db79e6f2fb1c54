"""Outcome of a replay: whether the deviation was seen again, with pairs of corresponding exchanges."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from kms_conformance.apps.replay.find import FoundFailure
from kms_conformance.apps.replay.rerun import RerunResult
from kms_conformance.catalogue.families import SEEDED
from kms_conformance.client.judge import Judgement
from kms_conformance.verdict.results import failure_id, steady
from kms_conformance.wire.credentials import credential_places

Seen = Literal["again", "otherwise", "gone", "unclear"]
EXIT_CODES: Mapping[Seen, int] = {"gone": 0, "again": 1, "otherwise": 1, "unclear": 3}
_MOST_PAIRS = 2
_DRAWN = "The check generates random requests: not seeing the deviation again proves little."
_NOT_RUN = (
    "The check did not run: this version has no such check, the target file leaves it out (limits, time_control), or it"
    " reads a key that an earlier run planted."
)

Exchange = Mapping[str, Any]


@dataclass(frozen=True)
class ReplayOutcome:
    """Outcome of a replay.

    - `seen`: "again": the replay showed the same deviation; "otherwise": it showed another deviation from the same
      requirement; "gone": the requirement held; "unclear": the replay could not judge the requirement.
    - `pairs`: exchanges of the run, each with the corresponding exchange of the replay, or with None.
    - `now`: the failure in the replay, if there is one.
    - `reason`, `hint`: why the outcome is unclear or proves little, and what to do next.
    - `left`: messages about keys of the replay that are not scheduled for deletion.
    """

    seen: Seen
    pairs: tuple[tuple[Exchange, Exchange | None], ...]
    now: Judgement | None = None
    reason: str = ""
    hint: str = ""
    left: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code, by what the replay showed.

        - 0: the requirement held, and all keys of the replay are scheduled for deletion.
        - 1: the target deviates from the requirement, in the same way as in the run or in another way.
        - 3: the replay could not judge the requirement; or the requirement held, but a key is not scheduled.
        """
        return EXIT_CODES["unclear"] if self.seen == "gone" and self.left else EXIT_CODES[self.seen]


def judge(found: FoundFailure, rerun: RerunResult) -> ReplayOutcome:
    """Compare the failure of the run with the result of the replay."""
    result, requirement = rerun.result, found.failure.requirement
    if result is None:
        return ReplayOutcome("unclear", tuple(_pairs(found, rerun, ())), reason=rerun.refusal or _NOT_RUN)
    failures = [failure for failure in result.failures if failure.requirement == requirement]
    same = next((failure for failure in failures if _id(found, failure) == found.id), None)
    if same is not None or failures:
        now = same or failures[0]
        pairs = tuple(_pairs(found, rerun, now.exchanges))
        return ReplayOutcome("again" if same else "otherwise", pairs, now, left=rerun.left)
    pairs = tuple(_pairs(found, rerun, result.evidence.get(requirement, ())))
    if result.productive.get(requirement) and requirement not in result.inconclusive:
        drawn = _DRAWN if result.family in SEEDED else ""
        return ReplayOutcome("gone", pairs, reason=drawn, left=rerun.left)
    others = ", ".join(dict.fromkeys(failure.requirement for failure in result.failures))
    reason = result.reason or (f"The check found other deviations first: {others}." if others else "")
    return ReplayOutcome("unclear", pairs, reason=reason or _unjudged(result.family), hint=result.hint, left=rerun.left)


def _unjudged(family: str) -> str:
    return _DRAWN if family in SEEDED else "No exchange of the check could be judged by this requirement."


def _id(found: FoundFailure, failure: Judgement) -> str:
    """The id of a failure of the replay, made with the target name of the run: the names of the targets may differ."""
    return failure_id(found.verdict.name, found.check.check, failure.requirement, failure.expected)


def _pairs(found: FoundFailure, rerun: RerunResult, cited: Sequence[int]) -> Iterator[tuple[Exchange, Exchange | None]]:
    """The exchanges of the run that the failure cites, each with the matching exchange of the replay, or with None.

    Of more than two exchanges, only the first and the last are taken.
    """
    stored = {exchange["number"]: exchange for exchange in found.check.exchanges}
    then = [stored[number] for number in found.failure.exchanges if number in stored]
    left = list(rerun.exchanges)
    for exchange in then if len(then) <= _MOST_PAIRS else [then[0], then[-1]]:
        match = _match(exchange, left, cited)
        if match is not None:
            left.remove(match)
        yield exchange, match


def _match(exchange: Exchange, among: Sequence[Exchange], cited: Sequence[int]) -> Exchange | None:
    """The exchange of the replay with the same request; else one that the replay cites, of the same operation."""
    kin = [other for other in among if other["operation"] == exchange["operation"]]
    ranked = sorted(kin, key=lambda other: (_asked(other) == _asked(exchange), other["number"] in cited), reverse=True)
    return next((other for other in ranked if other["number"] in cited or _asked(other) == _asked(exchange)), None)


def _asked(exchange: Exchange) -> tuple[str, ...]:
    """The request without the parts that differ from run to run: key ids, dates, nonces, signatures and the host."""
    url = urlsplit(exchange["url"])
    fresh = "|".join(map(re.escape, credential_places().fresh_parameters))
    query = re.sub(f"({fresh})=[^&]*", "", url.query, flags=re.IGNORECASE)
    return exchange["method"], steady(url.path), steady(query), steady(exchange["request_body"]["text"])
