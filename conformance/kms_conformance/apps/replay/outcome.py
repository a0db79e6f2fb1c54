"""What a replay shows: whether the deviation came again, and which exchanges of then and now belong together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from kms_conformance.apps.replay.find import FoundFailure
from kms_conformance.apps.replay.rerun import Again
from kms_conformance.catalogue.families import DRAWN
from kms_conformance.client.judge import Judgement
from kms_conformance.verdict.results import failure_id, steady
from kms_conformance.wire.credentials import credential_places

Seen = Literal["again", "otherwise", "gone", "unclear"]
EXIT_CODES: Mapping[Seen, int] = {"gone": 0, "again": 1, "otherwise": 1, "unclear": 3}
_MOST_PAIRS = 2
_DRAWN = "The check draws its requests: that it did not meet the deviation once more proves little."
_UNASKED = (
    "The check was not asked: this version has no such check, the target's limits or offers leave it out, or it reads a"
    " key that an earlier night left."
)

Exchange = Mapping[str, Any]


@dataclass(frozen=True)
class ReplayOutcome:
    """Whether a deviation was seen again. `now` is the judgement that says so, `pairs` are exchanges of then and now.

    `otherwise`: the requirement is still broken, by another deviation. `unclear`: it could not be judged; `reason`
    and `hint` say why, and what to do.
    """

    seen: Seen
    pairs: tuple[tuple[Exchange, Exchange | None], ...]
    now: Judgement | None = None
    reason: str = ""
    hint: str = ""
    left: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 not seen again and no key left, 1 seen again, 3 not judged, or not seen again and a key is left."""
        return EXIT_CODES["unclear"] if self.seen == "gone" and self.left else EXIT_CODES[self.seen]


def judge(found: FoundFailure, again: Again) -> ReplayOutcome:
    """Compare what a check found with what it finds now."""
    result, requirement = again.result, found.failure.requirement
    if result is None:
        return ReplayOutcome("unclear", tuple(_pairs(found, again, ())), reason=again.told or _UNASKED)
    failures = [failure for failure in result.failures if failure.requirement == requirement]
    same = next((failure for failure in failures if _id(found, failure) == found.id), None)
    if same is not None or failures:
        now = same or failures[0]
        pairs = tuple(_pairs(found, again, now.exchanges))
        return ReplayOutcome("again" if same else "otherwise", pairs, now, left=again.left)
    pairs = tuple(_pairs(found, again, result.evidence.get(requirement, ())))
    if result.productive.get(requirement) and requirement not in result.inconclusive:
        drawn = _DRAWN if result.family in DRAWN else ""
        return ReplayOutcome("gone", pairs, reason=drawn, left=again.left)
    others = ", ".join(dict.fromkeys(failure.requirement for failure in result.failures))
    reason = result.reason or (f"The check met other deviations first: {others}." if others else "")
    return ReplayOutcome("unclear", pairs, reason=reason or _unjudged(result.family), hint=result.hint, left=again.left)


def _unjudged(family: str) -> str:
    return _DRAWN if family in DRAWN else "The check met no exchange that could be judged by this requirement."


def _id(found: FoundFailure, failure: Judgement) -> str:
    """As the run would have named it, whatever the target is called now."""
    return failure_id(found.verdict.name, found.check.check, failure.requirement, failure.expected)


def _pairs(found: FoundFailure, again: Again, cited: Sequence[int]) -> Iterator[tuple[Exchange, Exchange | None]]:
    """The exchanges that the failure rests on, each with the one of now that asked the same."""
    stored = {exchange["number"]: exchange for exchange in found.check.exchanges}
    then = [stored[number] for number in found.failure.exchanges if number in stored]
    left = list(again.exchanges)
    for exchange in then if len(then) <= _MOST_PAIRS else [then[0], then[-1]]:
        match = _match(exchange, left, cited)
        if match is not None:
            left.remove(match)
        yield exchange, match


def _match(exchange: Exchange, among: Sequence[Exchange], cited: Sequence[int]) -> Exchange | None:
    """The exchange that asked the same, or at least of the same operation; one that the judgement rests on before."""
    kin = [other for other in among if other["operation"] == exchange["operation"]]
    ranked = sorted(kin, key=lambda other: (_asked(other) == _asked(exchange), other["number"] in cited), reverse=True)
    return next((other for other in ranked if other["number"] in cited or _asked(other) == _asked(exchange)), None)


def _asked(exchange: Exchange) -> tuple[str, ...]:
    """What was asked, without what differs in every run: keys, dates, nonces, signatures, and the place."""
    url = urlsplit(exchange["url"])
    fresh = "|".join(map(re.escape, credential_places().fresh_parameters))
    query = re.sub(f"({fresh})=[^&]*", "", url.query, flags=re.IGNORECASE)
    return exchange["method"], steady(url.path), steady(query), steady(exchange["request_body"]["text"])
