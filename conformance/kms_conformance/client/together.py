"""Two requests at once: sends them at the same moment, and says when what came back can be judged.

If one of the two got no reply, or one that says nothing of the service, nothing is judged: the key is brought back into
its state, and both are sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kms_conformance.client.answer import Answer
from kms_conformance.client.answer_reader import AnswerReader
from kms_conformance.client.backoff import retry_after
from kms_conformance.client.front import UNAVAILABLE, NotReached
from kms_conformance.client.judge import Denied, Inconclusive, Lacking
from kms_conformance.client.resending import INTERNAL_ERROR, Sent

if TYPE_CHECKING:
    from kms_conformance.catalogue.api import Operation
    from kms_conformance.client.target_client import Client
    from kms_conformance.wire.messages import Request

#: A target of which the user allows fewer requests a second gets no two at once.
FEWEST_A_SECOND = 2.0
# How often two requests are sent at once until both get a reply that can be judged.
_TRIES = 3


@dataclass(frozen=True)
class Call:
    """A request to be sent together with another one: the abstract operation and its arguments."""

    operation: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class _Unusable:
    """What came of a request if it cannot be judged; `declined`: the target takes fewer requests or connections."""

    text: str
    declined: bool = False
    retry_after: float | None = None


@dataclass
class Together:
    """Sends two requests of one check at once.

    `judge` judges an answer by the rules of all replies.
    """

    client: Client
    reader: AnswerReader
    judge: Callable[[Request, Answer], None]

    def ask(self, prepare: Callable[[], tuple[Call, Call]]) -> tuple[Answer, Answer]:
        """Send two requests at the same moment; returns their answers in the order of the requests.

        `prepare` brings the key into its state and gives the requests. It is called before each attempt.

        Raises `Lacking` if the target file allows too few requests a second, or if the target throttles each attempt or
        takes no second connection; `Inconclusive` if it gives no two replies for another reason; and what `prepare`
        raises.
        """
        client = self.client
        allowed = client.target.limits.requests_per_second
        if allowed is not None and allowed < FEWEST_A_SECOND:
            raise Lacking(
                f"Two requests at once are more than limits.requests_per_second ({allowed:g}) allows.",
                f"Set it to {FEWEST_A_SECOND:g} or more in the target file to have them tested.",
            )
        failed: list[_Unusable] = []
        for _ in range(_TRIES):
            client.backoff.check(client.world.clock.monotonic(), client.requests)
            found = self._attempt(*prepare())
            if not isinstance(found, _Unusable):
                client.session.pace.speed_up()
                return found
            client.findings.observe(f"Two requests at once: {found.text}; they are not judged")
            client.backoff.pause(0, client.world.clock.monotonic(), found.retry_after, found.text)
            failed.append(found)
        if all(each.declined for each in failed):
            raise Lacking(f"The target does not take two requests at once: {failed[-1].text}.")
        raise Inconclusive(
            f"Two requests at once did not both get a reply that shows something: {failed[-1].text}.",
            "Run again later, or see the log of the endpoint at this time.",
        )

    def _attempt(self, *calls: Call) -> tuple[Answer, Answer] | _Unusable:
        client = self.client
        first, second = (
            (client.dialect.request(call.operation, call.arguments), client.api[call.operation]) for call in calls
        )
        sent = client.sending.two((first, second), client.signer)
        for (request, operation), each in zip((first, second), sent, strict=True):
            self._note(request, operation, each)
        found = [
            self._answer(request, operation, each)
            for (request, operation), each in zip((first, second), sent, strict=True)
        ]
        client.answers_seen.forget(key for request, _ in (first, second) for key in client.gate.named(request)[0])
        answers = [each for each in found if isinstance(each, Answer)]
        if len(answers) == len(found):
            return answers[0], answers[1]
        unusable = [each for each in found if isinstance(each, _Unusable)]
        # If one request was declined and the other one is without a reply, the missing reply decides.
        return min(unusable, key=lambda each: each.declined)

    def _note(self, request: Request, operation: Operation, sent: Sent) -> None:
        """Note that a request may have changed the keys that it names."""
        reply, failure = sent.exchange.reply, sent.exchange.failure
        never_sent = failure is not None and failure.kind in {"refused", "unsendable"}
        if never_sent or operation.name in self.client.api.harmless:
            return
        self.client.effects.forget_descriptions()
        if reply is None:
            self.client.patience.note_request()
        else:
            done = reply.status in operation.success or reply.status >= INTERNAL_ERROR
            self.client.patience.note_request(self.client.gate.named(request)[0], accepted=done)

    def _answer(self, request: Request, operation: Operation, sent: Sent) -> Answer | _Unusable:
        client = self.client
        client.answers_seen.forget(client.gate.named(request)[0])
        try:
            answer = self.reader.read(sent.exchange, operation, sent.number, sent.sent_at)
        except Inconclusive:
            return _Unusable(f"{operation.id} got no reply ({sent.why})", declined=sent.ended_as("refused"))
        told = f"{operation.id} got {answer.summary}"
        if client.is_throttled(answer):
            client.missing_replies.note_throttled()
            client.session.pace.slow_down()
            return _Unusable(told, declined=True, retry_after=retry_after(answer.reply, client.world.clock.now()))
        if answer.status in UNAVAILABLE:
            client.missing_replies.note_throttled()
            return _Unusable(told, retry_after=retry_after(answer.reply, client.world.clock.now()))
        if answer.status == INTERNAL_ERROR or client.internal_errors.concerns(answer):
            return _Unusable(told)
        self.judge(request, answer)
        if answer.front is not None:
            raise NotReached(answer)
        profile = client.profile
        if profile.admits("key_unavailable", answer.status, answer.code):
            raise Inconclusive(f"The key cannot be used at the moment ({answer.summary}).", "Run again later.")
        denials = ("not_permitted", "expired_token")
        if answer.status == 401 or any(profile.admits(name, answer.status, answer.code) for name in denials):
            raise Denied(
                f"The target refused our own credentials: {answer.summary}.",
                "Are they still valid, and do they permit this operation?",
            )
        return answer
