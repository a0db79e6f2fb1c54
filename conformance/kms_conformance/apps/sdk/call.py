"""One call through a client: its result, its exchanges on the wire, and the judgement of both."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kms_conformance.apps.sdk.driver import CallResult, Crash, Driver, Outcome, RaisedError, kinds_of
from kms_conformance.apps.sdk.expectations import Expectation, describe_error, disagreement, reply_result
from kms_conformance.apps.sdk.open_forms import OpenForms
from kms_conformance.apps.sdk.results import StepResult, StepVerdict
from kms_conformance.apps.sdk.tap import Tap
from kms_conformance.apps.sdk.vendor_clients import Trap, VendorClient
from kms_conformance.client.answer import Answer
from kms_conformance.client.front import UNAVAILABLE
from kms_conformance.client.internal_errors import ENOUGH
from kms_conformance.client.judge import NO_SERVER_ERROR, Inconclusive, Judgement
from kms_conformance.client.resending import INTERNAL_ERROR
from kms_conformance.client.target_client import Client
from kms_conformance.wire.messages import Exchange, Request

# Kinds of failures in which a reply was received but violates HTTP.
_BROKEN = frozenset({"truncated", "too_large", "bad_http"})
_MOST_TEXT = 300


@dataclass(frozen=True)
class ClientCall:
    """One call with its exchanges.

    - `operation`, `call`: the abstract operation, and the vendor's name of the call.
    - `outcome`: the returned result or the raised exception.
    - `answers`: the replies, decoded by this suite.
    - `violations`: the failed judgements of these replies.
    - `broken`: the kind and the text of the failure, if the last request has no usable reply.
    - `foreign`: the description of a request that was stopped before it was sent.
    - `sent`: the number of requests of the operation.
    - `numbers`: the numbers of all exchanges of the call, as recorded: also those without a usable reply, and those
      with an identity service.
    - `besides`: the last request that was no request of the operation, with its outcome; None if there was none.
    - `errors`: the numbers of the internal errors at the end, in a row; also those of earlier attempts at the call.
    - `attempts`: how often the call was made; see `CallRepeater`.
    """

    operation: str
    call: str
    outcome: Outcome
    answers: tuple[Answer, ...]
    violations: tuple[Judgement, ...]
    broken: tuple[str, str] | None
    foreign: str | None
    sent: int
    numbers: tuple[int, ...]
    besides: str | None
    errors: tuple[int, ...] = ()
    attempts: int = 1

    @property
    def last(self) -> Answer | None:
        """The last reply of the operation; None if there was none."""
        return self.answers[-1] if self.answers else None

    @property
    def is_cut_once(self) -> bool:
        """Whether the call was made once and its reply is truncated, which a broken connection explains."""
        return self.broken is not None and self.broken[0] == "truncated" and self.attempts == 1

    @property
    def has_fault(self) -> bool:
        """Whether a reply breaks a requirement on all replies, whatever the state of the key is."""
        return self.broken is not None or bool(self.violations)


def make_call(
    client: Client,
    musts: frozenset[str],
    admit: Callable[[Request], None],
    driver: Driver,
    operation: str,
    **arguments: Any,  # noqa: ANN401
) -> ClientCall:
    """Make one call and capture its exchanges.

    `musts` holds the ids of the requirements by which the replies are judged. `admit` checks each request before it is
    sent; see `Tap`.
    """
    target = client.target
    outcome: Outcome
    with Tap(target.urls, admit, target.limits.timeout_seconds) as tap:
        try:
            outcome = driver.call(operation, **arguments)
        except Exception as error:  # noqa: BLE001 - any exception of a client is a result
            outcome = driver.raised(error) or _crash(error)
    if isinstance(outcome, CallResult) and outcome.state is not None:
        outcome = replace(outcome, state=client.profile.state(outcome.state))
    elif not isinstance(outcome, CallResult):
        outcome = replace(outcome, text=short(client.exchange_log.redactor.text(outcome.text)))
    answers: list[Answer] = []
    violations: list[Judgement] = []
    numbers: list[int] = []
    broken: tuple[str, str] | None = None
    besides: str | None = None
    errors: list[int] = []
    sent = 0
    described = client.api[operation]
    for exchange in tap.exchanges():
        if not _is_of(client, operation, exchange):
            numbers.append(client.exchange_log.add("", exchange))
            besides = _line(exchange)
            continue
        sent += 1
        try:
            answer, judgements = client.judge_exchange(described, exchange)
        except Inconclusive as error:
            broken = (exchange.failure.kind if exchange.failure else "", error.reason)
            numbers.append(client.exchange_log.count)
            client.note_sent(exchange.request, described, None)
            continue
        broken = None
        client.note_sent(exchange.request, described, answer)
        answers.append(answer)
        numbers.append(answer.number)
        if answer.status == INTERNAL_ERROR:
            # An internal error counts only if it repeats; the client may have sent its request again.
            errors.append(answer.number)
            continue
        errors.clear()
        violations += [judgement for judgement in judgements if _counts(musts, judgement)]
    return ClientCall(
        operation,
        driver.calls[operation],
        outcome,
        tuple(answers),
        tuple(violations),
        broken,
        tap.refused,
        sent,
        tuple(numbers),
        besides,
        tuple(errors),
    )


def _line(exchange: Exchange) -> str:
    reply = exchange.reply
    outcome = "no reply" if reply is None else f"status {reply.status}"
    return f"{exchange.request.method} {exchange.request.path} ({outcome})"


def _is_of(client: Client, operation: str, exchange: Exchange) -> bool:
    """Whether an exchange is with the KMS; some clients call an identity service first."""
    return exchange.request.path == client.dialect.request(operation, {}).path


def _counts(musts: frozenset[str], judgement: Judgement) -> bool:
    return not judgement.passed and judgement.requirement in musts


def judge_call(
    call: ClientCall, expectation: Expectation, client: Client, known: VendorClient, forms: OpenForms
) -> StepResult:
    """Judge a call: passed, inconclusive, left open, or a fault of the target or of the client.

    The result gets no title.
    """
    outcome, answers = call.outcome, call.answers
    result = StepResult(
        title="",
        operation=call.operation,
        call=call.call,
        verdict="passed",
        expected=expectation.wanted,
        exchanges=call.numbers,
    )
    in_reply = reply_result(call.operation, answers, client.dialect) if answers and call.broken is None else None
    problem = expectation.problem(outcome)
    if problem is None and isinstance(outcome, CallResult) and isinstance(in_reply, CallResult):
        problem = disagreement(outcome, in_reply)
    if problem is None:
        return replace(result, expected="")
    result = replace(result, received=problem)
    if not isinstance(outcome, CallResult):
        result = replace(result, raised=outcome.kinds[0])
    if isinstance(outcome, Crash):
        result = replace(result, where=outcome.where)
    unclear = _unclear(call, client)
    if unclear is not None:
        return replace(result, verdict="inconclusive", reason=unclear)
    reply_problem = None if in_reply is None else expectation.problem(in_reply)
    form = None if call.last is None or call.violations or reply_problem is None else forms.explain(call.last)
    if form is not None:
        return replace(result, verdict="open", reason=form.reason, erratum=form.erratum)
    trap = _trap(call, known, wrong_reply=reply_problem is not None)
    result = replace(result, trap=trap.id if trap else "", reason=trap.tells if trap else "")
    verdict, reason = _fault(call, reply_problem, excused=bool(trap and trap.excuses))
    if verdict == "target":
        repeated = [NO_SERVER_ERROR] if len(call.errors) >= ENOUGH else []
        requirements = tuple(dict.fromkeys([*repeated, *(violation.requirement for violation in call.violations)]))
        return replace(result, verdict="target", reason=reason, requirements=requirements)
    return replace(result, verdict="known_trap" if trap else "client", reason=result.reason or reason)


def _unclear(call: ClientCall, client: Client) -> str | None:
    """The reason why a call proves nothing, or None."""
    if call.foreign is not None:
        return f"The client tried to send {call.foreign}; the request was stopped."
    if call.broken is not None and (call.broken[0] not in _BROKEN or call.is_cut_once):
        return call.broken[1]
    last = call.last
    if last is not None and (client.is_throttled(last) or last.status in UNAVAILABLE):
        return f"The target did not serve the client ({last.summary})."
    if last is not None and last.front is not None:
        return f"The service was not reached: {last.front.text}. {last.front.next_step}"
    if last is not None and client.internal_errors.concerns(last) and len(call.errors) < ENOUGH:
        return f"The target had an internal error ({last.summary}), and the request may have been carried out."
    return None


def _fault(call: ClientCall, reply_problem: str | None, *, excused: bool) -> tuple[StepVerdict, str]:
    """Whether a deviation is a fault of the target or of the client, and why.

    `reply_problem` is the deviation in the reply as this suite decodes it. `excused` says that a known trap of the
    client explains the deviation with any reply.
    """
    if call.broken is not None:
        return "target", f"The reply is not a complete HTTP reply: {call.broken[1]}"
    if call.sent == 0:
        asked = "nothing" if call.besides is None else f"no request of this operation, only {call.besides}"
        return "client", f"The client sent {asked}."
    if len(call.errors) >= ENOUGH:
        assert call.last is not None
        times = f"{len(call.errors)} times in a row; other requests were served meanwhile"
        return "target", f"The target had an internal error ({call.last.summary}), {times}."
    if excused:
        return "client", ""
    if reply_problem is not None:
        return "target", f"The reply differs from the documents: {reply_problem}."
    if call.violations:
        # Requirements on this operation are more specific than requirements on all replies (`reply.*`).
        first = min(call.violations, key=lambda violation: violation.requirement.startswith("reply."))
        return "target", f"The reply breaks {first.requirement}: expected {first.expected}; received {first.received}."
    return "client", "The reply meets every requirement that applies to it."


def _trap(call: ClientCall, known: VendorClient, *, wrong_reply: bool) -> Trap | None:
    """The known trap that explains why the call failed, or None.

    If the reply breaks a requirement (`wrong_reply`), traps that explain the failure with any reply (`excuses`) are
    tried before traps that explain it with a conforming reply only.
    """
    outcome = call.outcome
    if not isinstance(outcome, (RaisedError, Crash)):
        return None
    last = call.last
    traps = sorted(known.traps, key=lambda trap: not trap.excuses) if wrong_reply else known.traps
    matching = (
        trap
        for trap in traps
        if trap.matches(call.operation, outcome.kinds, describe_error(outcome) + outcome.text, last)
    )
    return next(matching, None)


def _crash(error: Exception) -> Crash:
    """An undocumented exception; `where` is the innermost line of an installed package in its traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if "site-packages" in frame.filename]
    where = _place(inside[-1]) if inside else "a program that reads the returned object"
    return Crash(kinds_of(error), str(error), where)


def _place(frame: traceback.FrameSummary) -> str:
    parts = Path(frame.filename).parts
    packages = parts[parts.index("site-packages") + 1 :]
    return f"{'/'.join(packages)}:{frame.lineno} in {frame.name}"


def short(text: str) -> str:
    """A text of an exception, of bounded length."""
    # Lone surrogates cannot be written to a file.
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"
