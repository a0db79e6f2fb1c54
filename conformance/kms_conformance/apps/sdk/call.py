"""One call through a client: what it told or raised, what went over the wire meanwhile, and what follows from both."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kms_conformance.apps.sdk.driver import Crash, Driver, Outcome, Raised, Told, kinds_of
from kms_conformance.apps.sdk.expectations import Expectation, disagreement, reading, shown
from kms_conformance.apps.sdk.vendor_clients import Trap, VendorClient
from kms_conformance.apps.sdk.results import StepResult, StepVerdict
from kms_conformance.apps.sdk.tap import Tap
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Judgement
from kms_conformance.client.target_client import Client
from kms_conformance.wire.messages import Exchange, Request

# What came was not what HTTP says a reply is.
_BROKEN = frozenset({"truncated", "too_large", "bad_http"})
_UNAVAILABLE = frozenset({502, 503, 504})
_MOST_TEXT = 300


@dataclass(frozen=True)
class Meeting:
    """What one call came to. `broken` says why the last request has no reply; `foreign` where it went astray."""

    operation: str
    call: str
    outcome: Outcome
    answers: tuple[Answer, ...]
    violations: tuple[Judgement, ...]
    broken: tuple[str, str] | None
    foreign: str | None
    sent: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of its recorded exchanges."""
        return tuple(answer.number for answer in self.answers)


def meet(
    client: Client,
    musts: frozenset[str],
    admit: Callable[[Request], None],
    driver: Driver,
    operation: str,
    **arguments: Any,  # noqa: ANN401
) -> Meeting:
    """Make one call, and take down what goes over the wire.

    `musts` are the requirements that its replies must keep; `admit` sees each request before it leaves (see `Tap`).
    """
    target = client.target
    outcome: Outcome
    with Tap(target.urls, admit, target.limits.timeout_seconds) as tap:
        try:
            outcome = driver.call(operation, **arguments)
        except Exception as error:  # noqa: BLE001 - what leaves a client is what this is about
            outcome = driver.raised(error) or _crash(error)
    if isinstance(outcome, Told) and outcome.state is not None:
        outcome = replace(outcome, state=client.profile.state(outcome.state))
    elif not isinstance(outcome, Told):
        outcome = replace(outcome, text=_short(client.recorder.redactor.text(outcome.text)))
    answers: list[Answer] = []
    violations: list[Judgement] = []
    broken = None
    exchanges = [exchange for exchange in tap.exchanges() if _is_of(client, operation, exchange)]
    for exchange in exchanges:
        try:
            answer, judgements = client.overheard(client.api[operation], exchange)
        except Inconclusive as error:
            broken = (exchange.failure.kind if exchange.failure else "", error.reason)
            continue
        broken = None
        answers.append(answer)
        violations += [judgement for judgement in judgements if _counts(musts, judgement)]
    name = driver.calls[operation]
    return Meeting(operation, name, outcome, tuple(answers), tuple(violations), broken, tap.refused, len(exchanges))


def _is_of(client: Client, operation: str, exchange: Exchange) -> bool:
    """Whether an exchange is with the service: some clients ask an identity service first."""
    return exchange.request.path == client.dialect.request(operation, {}).path


def _counts(musts: frozenset[str], judgement: Judgement) -> bool:
    return not judgement.passed and judgement.requirement in musts


def decide(meeting: Meeting, expectation: Expectation, client: Client, known: VendorClient) -> StepResult:
    """What became of a call, and whose fault it is where it did not go as it should. The title is left to be filled."""
    outcome, answers = meeting.outcome, meeting.answers
    result = StepResult(
        title="",
        operation=meeting.operation,
        call=meeting.call,
        verdict="passed",
        expected=expectation.wanted,
        exchanges=meeting.numbers,
    )
    said = reading(meeting.operation, answers, client.dialect) if answers and meeting.broken is None else None
    problem = expectation.problem(outcome)
    if problem is None and isinstance(outcome, Told) and isinstance(said, Told):
        problem = disagreement(outcome, said)
    if problem is None:
        return replace(result, expected="")
    result = replace(result, received=problem)
    if not isinstance(outcome, Told):
        result = replace(result, raised=outcome.kinds[0])
    if isinstance(outcome, Crash):
        result = replace(result, where=outcome.where)
    unclear = _unclear(meeting, client)
    if unclear is not None:
        return replace(result, verdict="inconclusive", reason=unclear)
    own = None if said is None else expectation.problem(said)
    trap = _trap(meeting, known, wrong=own is not None)
    result = replace(result, trap=trap.id if trap else "", reason=trap.tells if trap else "")
    verdict, reason = _fault(meeting, own, excused=bool(trap and trap.excuses))
    if verdict == "target":
        requirements = tuple(dict.fromkeys(violation.requirement for violation in meeting.violations))
        return replace(result, verdict="target", reason=reason, requirements=requirements)
    return replace(result, verdict="known_trap" if trap else "client", reason=result.reason or reason)


def _unclear(meeting: Meeting, client: Client) -> str | None:
    """Why nothing follows from a call, if nothing does."""
    if meeting.foreign is not None:
        return f"The client was kept from sending {meeting.foreign}."
    if meeting.broken is not None and meeting.broken[0] not in _BROKEN:
        return meeting.broken[1]
    last = meeting.answers[-1] if meeting.answers else None
    if last is not None and (client.is_throttled(last) or last.status in _UNAVAILABLE):
        return f"The target did not serve the client ({last.summary})."
    return None


def _fault(meeting: Meeting, own: str | None, *, excused: bool) -> tuple[StepVerdict, str]:
    """Whose fault it is, and why; `own` is what our own reading of the reply finds wrong with it."""
    if meeting.broken is not None:
        return "target", f"The reply is not one whole HTTP reply: {meeting.broken[1]}"
    if meeting.sent == 0:
        return "client", "The client sent nothing."
    if excused:
        return "client", ""
    if own is not None:
        return "target", f"The reply itself is not what is due: {own}."
    if meeting.violations:
        # What is demanded of this operation's replies says more than what is demanded of all.
        first = min(meeting.violations, key=lambda violation: violation.requirement.startswith("reply."))
        return "target", f"The reply breaks {first.requirement}: expected {first.expected}; received {first.received}."
    return "client", "The reply is what is due, by every requirement that speaks of it."


def _trap(meeting: Meeting, known: VendorClient, *, wrong: bool) -> Trap | None:
    """The known trap that a call ran into; on a reply that is wrong, one that excuses the target goes before others."""
    outcome = meeting.outcome
    if not isinstance(outcome, (Raised, Crash)):
        return None
    last = meeting.answers[-1] if meeting.answers else None
    traps = sorted(known.traps, key=lambda trap: not trap.excuses) if wrong else known.traps
    met = (trap for trap in traps if trap.is_met(meeting.operation, outcome.kinds, shown(outcome) + outcome.text, last))
    return next(met, None)


def _crash(error: Exception) -> Crash:
    """An exception that no client documents; the innermost line that is not the standard library's is where."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if "site-packages" in frame.filename]
    where = _place(inside[-1]) if inside else "a program that uses what the call returned"
    return Crash(kinds_of(error), str(error), where)


def _place(frame: traceback.FrameSummary) -> str:
    parts = Path(frame.filename).parts
    packages = parts[parts.index("site-packages") + 1 :]
    return f"{'/'.join(packages)}:{frame.lineno} in {frame.name}"


def _short(text: str) -> str:
    # No text that cannot be written out again leaves here.
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def numbers_of(results: Sequence[StepResult]) -> frozenset[int]:
    """The exchanges that findings name."""
    return frozenset(number for result in results if result.is_finding for number in result.exchanges)
