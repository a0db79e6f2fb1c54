"""Judges the answers to generated requests, beyond the rules that hold for every exchange (`client/exchange_rules.py`).

The documents do not say how a target must answer many of these requests. Therefore a refusal is a failure only if the
request changed the key; the error code does not matter. An acceptance is a failure only if every reading of the
documents forbids it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kms_conformance.catalogue.api import USES
from kms_conformance.catalogue.profile import Window
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lost
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING, KeyModel, Prediction
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.fuzz.fuzzed_check import FuzzedCheck
from kms_conformance.suite.fuzz.generator import Generator
from kms_conformance.suite.fuzz.schemathesis_checks import objections
from kms_conformance.suite.fuzz.targeting import FittedRequest

_STATES = (ENABLED, DISABLED, PENDING)
_CHANGED_BY: Mapping[str, RequirementId] = {"schedule": "schedule.state-after", "cancel": "cancel.effect"}
_MOVES = ("schedule", "cancel", "enable", "disable")
# A window of this size or more is judged by `schedule.window.huge`: a signed integer of 64 bits cannot hold it.
_HUGE = 2**63
# After this many requests without a reply, a check sends no more: each costs the time of all attempts, and may have
# crashed the target.
_MOST_LOST = 3


@dataclass
class Reviewer:
    """Judges answers to generated requests for one check."""

    kms: FuzzedCheck
    generator: Generator

    def review(self, fitted: FittedRequest, answer: Answer, before: KeyView | None) -> KeyView | None:
        """Judge one answer, and return the named key of ours as it is after the request.

        `before` is the same key as it was before the request. Both are None if the request names no key of ours. An
        answer that was given in front of the service is not judged.
        """
        if answer.front is not None:
            return before
        self.judge_by_schemathesis(answer)
        operation = "" if answer.operation is None else answer.operation.name
        if answer.accepted and operation in USES and before is not None:
            answer = self._use_again(fitted, answer, before)
        if answer.accepted and fitted.plain:
            self._allowed(fitted, answer, operation, before)
        if before is None or operation in self.kms.client.api.read_only:
            return before
        if answer.accepted:
            return self._after(fitted, answer, operation, before)
        after = self.kms.pool.read(str(before.id))
        if answer.status >= 400:
            self.kms.must_be_unchanged("refused.changes-nothing", before, after, answer)
        return after

    def judge_by_schemathesis(self, answer: Answer) -> None:
        judge = self.kms.judge
        for requirement, problem in objections(self.generator, answer):
            # A requirement that has already failed is not reported twice.
            if all(failure.requirement != requirement for failure in judge.failures):
                judge.that(
                    requirement,
                    passed=False,
                    expected="what the API description says",
                    received=problem,
                    exchanges=(answer.number,),
                )

    def _use_again(self, fitted: FittedRequest, answer: Answer, before: KeyView) -> Answer:
        """Repeat an accepted use that the state of the key forbids; returns the last answer.

        Uses may learn of a change later than reads.
        """
        client, use = self.kms.client, answer.operation
        if use is None or self.kms.profile.refusal_in(use.name, before.state) is None:
            return answer
        return client.patience.until(
            use.name,
            lambda: client.send(fitted.request, use),
            lambda answer: not answer.accepted,
            use=True,
            first=answer,
        )

    def must_accept_good_window(self, fitted: FittedRequest, answer: Answer, before: KeyView | None) -> None:
        """Judge that a valid request with a window within the bounds was accepted for a key that can be scheduled."""
        bounds = self.kms.window
        days = days_in(fitted.fields["window"], bounds)
        if answer.front is not None or days is None or before is None or before.state not in (ENABLED, DISABLED):
            return
        edges: dict[int, RequirementId] = {
            bounds.minimum: "schedule.window.minimum",
            bounds.maximum: "schedule.window.maximum",
        }
        requirement = edges.get(days, as_id(f"schedule.from-{before.state}"))
        expected = f"carried out, for a window of {days} days"
        self.kms.judge.that(requirement, answer.accepted, expected, answer.summary, (answer.number,))

    def _allowed(self, fitted: FittedRequest, answer: Answer, operation: str, before: KeyView | None) -> None:
        """Record a failure for each reason for which an accepted request had to be refused.

        - The request names a key that does not exist.
        - The request schedules or cancels, and names no key or an id that no key can have.
        - The request names a key in a state that forbids the operation.
        - The request schedules a key with a window that is not allowed.
        """
        if fitted.named == "unknown":
            self._forbid(as_id(f"unknown-key.{operation}"), "a key that does not exist", answer)
        elif fitted.named == "malformed" and operation in _CHANGED_BY:
            self._forbid(as_id(f"malformed-key.{operation}"), "an id that no key can have", answer)
        elif fitted.named == "absent" and operation in _CHANGED_BY:
            self._forbid(as_id(f"{operation}.key-id.missing"), "no key at all", answer)
        if before is None:
            return
        if before.state in _STATES and self.kms.profile.refusal_in(operation, before.state) is not None:
            prediction = self._predicted(operation, before)
            if prediction.refusal is not None and not self.kms.profile.refusal(prediction.refusal).or_accepted:
                self._forbid(prediction.requirement, f"a key in the state {before.state}", answer)
        window = fitted.fields.get("window", ())
        broken = broken_by(window, self.kms.window) if operation == "schedule" else None
        if broken is not None:
            self._forbid(broken, f"a window of {window[0]!r}", answer)

    def _forbid(self, requirement: RequirementId, what: str, answer: Answer) -> None:
        expected = f"refused for {what}"
        self.kms.judge.that(
            requirement, passed=False, expected=expected, received=answer.summary, exchanges=(answer.number,)
        )

    def _after(self, fitted: FittedRequest, answer: Answer, operation: str, before: KeyView) -> KeyView:
        """Wait until the effect of an accepted request is visible, and judge it; returns the key as it reads then."""
        kms, key = self.kms, str(before.id)
        if operation in _MOVES and fitted.plain and before.state in _STATES:
            prediction = self._predicted(operation, before)
            if prediction.refusal is None:
                states = self._spared if operation == "cancel" else prediction.states
                requirement = _CHANGED_BY.get(operation, "lifecycle.sequence")
                view = kms.must_read_back(requirement, key, states, answer)
                days = days_in(fitted.fields.get("window", ()), kms.window) if operation == "schedule" else None
                if days is not None:
                    kms.must_be_date("schedule.window.start", view, kms.time.now(), days, answer)
                return view
        if operation == "update_description" and fitted.fields["description"] not in ((), (before.description,)):
            # A new description that becomes visible later would look like an effect of the next request.
            return kms.pool.read_until(key, lambda now: now.description != before.description)
        if operation in (*_MOVES, "update_description"):
            kms.pool.patience.wait_for_late_effects()
        return kms.pool.read(key)

    @property
    def _spared(self) -> tuple[str, ...]:
        """States accepted after a cancel: all but pending deletion.

        The exact state depends on the history of the key. Only other checks know the history, and they judge the state.
        """
        return tuple(state for state in self.kms.profile.facts["states"] if state != PENDING)

    def _predicted(self, operation: str, before: KeyView) -> Prediction:
        """The oracle's prediction for an operation in the key's state, with a valid window."""
        return self.kms.oracle.predict(KeyModel(before.state), operation, self.kms.time.now(), self.kms.window.minimum)


def broken_by(window: tuple[object, ...], bounds: Window) -> RequirementId | None:
    """The requirement that a target breaks if it accepts a window; None if it may accept the window.

    `window` holds all values of the field. The documents do not forbid a target to accept an absent, empty or repeated
    window, or a spelling that a lenient parser reads as a number within the bounds: with surrounding blanks, a sign,
    leading zeros, or a decimal point without decimals.
    """
    if len(window) != 1 or isinstance(window[0], bool) or not isinstance(window[0], (str, int, float)):
        return None
    text = str(window[0])
    if re.fullmatch(r"[+-]?[0-9]{1,4000}", text):
        return _out_of_range(int(text), bounds)
    if re.fullmatch(r"[0-9]+\.[0-9]*[1-9]", text):
        return "schedule.window.fraction"
    # A text that contains a digit of any script breaks nothing: a target may read an exponent or another base.
    return "schedule.window.text" if text.strip() and not any(character.isdigit() for character in text) else None


def days_in(window: tuple[object, ...], bounds: Window) -> int | None:
    """The number of days, if a window has the documented form and is within the bounds; None for any other window."""
    text = str(window[0]) if len(window) == 1 and not isinstance(window[0], bool) else ""
    written = re.fullmatch(r"[1-9][0-9]{0,3}", text) and isinstance(window[0], (str, int))
    return int(text) if written and bounds.minimum <= int(text) <= bounds.maximum else None


def _out_of_range(days: int, bounds: Window) -> RequirementId | None:
    if bounds.minimum <= days <= bounds.maximum:
        return None
    if days >= _HUGE:
        return "schedule.window.huge"
    if days > bounds.maximum:
        return "schedule.window.above-maximum"
    if days == 0:
        return "schedule.window.zero"
    return "schedule.window.negative" if days < 0 else "schedule.window.below-minimum"


class LostReplies:
    """Counts the generated requests of one check that got no reply. With number `_MOST_LOST`, the check ends."""

    def __init__(self) -> None:
        self._lost = 0

    def take(self, lost: Lost) -> None:
        """Count one request without a reply. Raises `Inconclusive` when the limit is reached."""
        self._lost += 1
        if self._lost >= _MOST_LOST:
            raise Inconclusive(
                f"{self._lost} generated requests got no reply, so no more were sent. The last: {lost.reason}",
                lost.hint,
            ) from None
