"""Internal errors: one that is gone when the request is sent again is an observation, one that repeats is a failure.

Vendors document internal errors and ask their callers to send the request again. So a request that was answered with
one is sent again where that cannot change its meaning. The state of the keys that it names shows whether it was carried
out (`resending.py`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kms_conformance.client.front import UNAVAILABLE
from kms_conformance.client.judge import NO_SERVER_ERROR, Undecided
from kms_conformance.client.resending import INTERNAL_ERROR, Looker
from kms_conformance.wire.messages import Failure

if TYPE_CHECKING:
    from kms_conformance.catalogue.api import Operation
    from kms_conformance.catalogue.profile import Profile
    from kms_conformance.client.answer import Answer
    from kms_conformance.client.findings import Findings
    from kms_conformance.client.resending import Asked, Effect, Effects, Kind
    from kms_conformance.wire.messages import Request

_GATEWAY_TIMED_OUT = 504
# The name in the profile of the documented internal errors.
_DOCUMENTED = "internal_error"

#: How many errors in a row, in answer to one request, are a failure of the target. AWS clients report an error to their
# user after 3 attempts ("AWS SDKs and Tools Reference Guide", Retry behavior, mode `standard`); Huawei Cloud asks for 3
# to 5 (KMS FAQ on 504, 502 and 500). A service that fails once in 50 requests fails three times in a row once in
# 125,000 requests, which is once in 25 runs of 5,000 requests; one that fails once in 700, once in 68,000 runs.
ENOUGH = 3
#: Seconds before the second and the third attempt.
PAUSES = (0.25, 1.0)
# Errors that are gone when the request is sent again are a failure of the target if there are at least `_SEVERAL` and
# more than one in `_RARE` requests of one operation, or of all. The service level agreement of AWS KMS gives back the
# whole price below 95 % of requests served, which is one error in 20. The smallest number keeps chance away from
# operations with few requests: of a service that fails once in 700 requests, five of the first 99 requests of an
# operation fail once in two million.
_SEVERAL = 5
_RARE = 20
_ALL = "all operations"
# Operations that add something each time they are carried out.
_ADDING = frozenset({"create", "create_grant"})
_LATER = "Run again later."


class Repeater(Looker, Protocol):
    """Functions of the client that send requests without judging internal errors."""

    def again(self) -> Answer | Failure:
        """Send the request once more."""
        ...


@dataclass
class InternalErrors:
    """Statistics of a run on internal errors."""

    effects: Effects
    profile: Profile
    _streaks: dict[Kind, list[int]] = field(default_factory=dict)
    # Kinds of requests that fail each time, and whether such a failed request has no effect.
    _proved: dict[Kind, bool] = field(default_factory=dict)
    _requests: Counter[str] = field(default_factory=Counter)
    _transient: dict[str, list[int]] = field(default_factory=dict)
    _hurried: bool = False

    def concerns(self, answer: Answer) -> bool:
        """Whether the answer is an internal error, or says of a request that is no read that it was not served."""
        if answer.status in UNAVAILABLE:
            return answer.operation is None or not answer.operation.reads
        return answer.status == INTERNAL_ERROR or self._documented(answer)

    def note_answer(self, request: Request, operation: Operation | None) -> None:
        """Note that a request got another answer than an internal error at its first attempt."""
        self._count(f"{request.method} {request.path}" if operation is None else operation.id)
        if self._streaks:
            self._streaks.pop(self.effects.asked(request, operation).kind, None)

    def ask_again(self, repeater: Repeater, request: Request, first: Answer, findings: Findings) -> Answer | Failure:
        """Send a failed request again where that cannot change its meaning; returns the last answer.

        Records a failure if the error repeats while other requests are served, or if such errors are frequent. Raises
        `Undecided` if the answer shows nothing: the request may have been carried out, or the target does not serve.
        """
        asked = self.effects.asked(request, first.operation)
        self._count(asked.called)
        if asked.kind in self._proved and first.status == INTERNAL_ERROR:
            return self._failed_again(asked, first, findings)
        streak = self._streaks.setdefault(asked.kind, [])
        answer = first
        for pause in (*PAUSES, None):
            if answer.status == INTERNAL_ERROR:
                streak.append(answer.number)
            effect = self._effect(repeater, asked, answer)
            if len(streak) >= ENOUGH and answer.status == INTERNAL_ERROR:
                return self._repeated(repeater, asked, streak, answer, effect, findings)
            if pause is None or not self._may_be_sent_again(asked, answer, effect):
                break
            self.effects.clock.sleep(0.0 if self._hurried else pause)
            following = repeater.again()
            if isinstance(following, Failure):
                return following
            if not self.concerns(following):
                return self._gone(asked, first, following, effect, findings)
            answer = following
        if answer.status not in UNAVAILABLE and answer.status != INTERNAL_ERROR:
            # The profile names an error of another status. The check judges it like any other answer.
            return answer
        self._note(asked, first, findings, "the target is not blamed for it")
        raise self._undecided(asked, answer)

    # --- what follows -------------------------------------------------------------------------------------------------

    def _failed_again(self, asked: Asked, answer: Answer, findings: Findings) -> Answer:
        if asked.operation is not None:
            findings.breaks(NO_SERVER_ERROR, "no internal error", answer.summary, (answer.number,))
        if self._proved[asked.kind]:
            return answer
        raise self._undecided(asked, answer)

    def _repeated(
        self, repeater: Repeater, asked: Asked, streak: list[int], answer: Answer, effect: Effect, findings: Findings
    ) -> Answer:
        if not self.effects.others_are_served(repeater, asked):
            self._hurried = True
            self._note(asked, answer, findings, "other requests are not served either")
            raise Undecided(
                f"The target does not serve: {asked.called} and others got {answer.summary}.", _LATER, answer
            )
        self._streaks.pop(asked.kind, None)
        self._proved[asked.kind] = effect == "none"
        # The verdict is no longer changed by how long the next error lasts.
        self._hurried = True
        if asked.operation is not None:
            received = f"{answer.summary}, {len(streak)} times in a row; other requests were served meanwhile"
            findings.breaks(NO_SERVER_ERROR, "no internal error", received, tuple(streak))
        if effect == "none":
            return answer
        raise self._undecided(asked, answer)

    def _gone(self, asked: Asked, first: Answer, answer: Answer, effect: Effect, findings: Findings) -> Answer:
        self._hurried = bool(self._proved)
        self._note(asked, first, findings, "answered when it was sent again")
        if effect != "none" and not answer.accepted and self.effects.is_for_state(answer):
            # The first attempt may have been carried out, so that the second one had to be refused.
            raise self._undecided(asked, first)
        self._streaks.pop(asked.kind, None)
        return answer

    def _note(self, asked: Asked, answer: Answer, findings: Findings, then: str) -> None:
        """Observe an error that is no failure by itself, or record a failure if there are too many of them."""
        if answer.status == INTERNAL_ERROR and asked.operation is not None:
            for scope in (asked.called, _ALL):
                numbers = self._transient.setdefault(scope, [])
                numbers.append(answer.number)
                if len(numbers) >= _SEVERAL and len(numbers) * _RARE > self._requests[scope]:
                    received = f"{len(numbers)} of {self._requests[scope]} requests of {scope}: {answer.summary}"
                    expected = f"no internal error, or at most one in {_RARE} requests that is gone when asked again"
                    findings.breaks(NO_SERVER_ERROR, expected, received, tuple(numbers[-_SEVERAL:]))
                    return
        findings.observe(f"{asked.called}: {answer.summary}; {then}")

    def _undecided(self, asked: Asked, answer: Answer) -> Undecided:
        self.effects.forget_descriptions()
        if answer.status in UNAVAILABLE:
            return Undecided(f"The target is not serving at the moment ({answer.summary}).", _LATER, answer)
        return Undecided(f"{asked.called} got {answer.summary}, and may have been carried out.", _LATER, answer)

    # --- facts about a failed request ---------------------------------------------------------------------------------

    def _documented(self, answer: Answer) -> bool:
        return self.profile.admits(_DOCUMENTED, answer.status, answer.code)

    def _count(self, called: str) -> None:
        self._requests[called] += 1
        self._requests[_ALL] += 1

    def _effect(self, repeater: Repeater, asked: Asked, answer: Answer) -> Effect:
        return self.effects.of(repeater, asked, answer.sent_at, timed_out=answer.status == _GATEWAY_TIMED_OUT)

    def _may_be_sent_again(self, asked: Asked, answer: Answer, effect: Effect) -> bool:
        """Whether a second attempt has the meaning of the first.

        If it is unknown whether the first attempt was carried out, the second one has this meaning if it is accepted:
        the first was not carried out, or both set the same value. Otherwise `_gone` raises `Undecided`. This does not
        hold for the reply of a proxy, behind which the service may still be at work.
        """
        if effect != "unknown" or (answer.status in UNAVAILABLE and answer.error is None):
            return effect == "none"
        over = self.effects.is_over(answer.sent_at, timed_out=answer.status == _GATEWAY_TIMED_OUT)
        return over and asked.operation is not None and asked.name not in _ADDING and not asked.creates
