"""One target, signed in: abstract operations in, answers out, every exchange recorded and examined."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from conformance.answer import Answer
from conformance.auth import Signer, project_of, signer_for
from conformance.catalogue.api import Api, Operation
from conformance.catalogue.profile import Profile
from conformance.dialects import adapter
from conformance.examine import Examiner
from conformance.judge import Inconclusive, Judge, Judgement
from conformance.target import Target
from conformance.wire.messages import Exchange, Request
from conformance.wire.record import Recorder
from conformance.wire.redact import Redactor
from conformance.wire.session import Session

# How often, and how long in all, a throttled or unavailable target is asked again before the run gives up on it.
_RETRIES = 6
_FIRST_WAIT_SECONDS = 0.5

# The service, or a proxy before it, is not serving at the moment.
_UNAVAILABLE = frozenset({502, 503, 504})

_NEXT_STEP = {
    "refused": "Is the endpoint running, and is base_url right?",
    "timeout": "Is the endpoint slow or stuck? limits.timeout_seconds sets how long we wait.",
    "tls": "Is the certificate trusted? `verify` in the target file names a CA file.",
    "unsendable": "This is a fault of the suite: please report it.",
}


class Client:
    """Everything that is sent to a target goes through here; `judge` is that of the check that is running."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.profile = Profile.load(target.dialect, target.profile)
        self.api = Api.load(self.profile)
        self.session = Session.for_target(target)
        self.signer: Signer = signer_for(target, self.session)
        self.recorder = Recorder(Redactor(target.secrets, target.labels))
        self.dialect = adapter(self.profile, target.base_url, "")
        self.judge: Judge | None = None
        self.requests = 0
        self._examiner = Examiner(self.dialect)
        self._by_id = {operation.id: operation for operation in self.api.operations.values()}

    def sign_in(self) -> None:
        """Learn what the credentials are good for; may ask an identity service. Raises `SignInFailed`."""
        self.dialect.scope = project_of(self.signer) or ""

    def ask(self, operation: str, /, **arguments: object) -> Answer:
        """Ask for an abstract operation with the target's own credentials."""
        return self.send(self.dialect.request(operation, arguments), self.api[operation])

    def send(self, request: Request, operation: Operation | None, signer: Signer | None = None) -> Answer:
        """Sign and send a request, and examine the reply.

        A throttled request was not carried out, so it is sent again after a pause. Raises `Inconclusive` when there is
        no reply to judge, or when the target goes on refusing to serve.
        """
        wait = _FIRST_WAIT_SECONDS
        for _ in range(_RETRIES):
            answer = self._once(request, operation, signer or self.signer)
            if not self._throttled(answer):
                break
            time.sleep(wait)
            wait *= 2
        else:
            raise Inconclusive(
                f"The target throttled us {_RETRIES} times in a row ({answer.summary}).",
                "Lower limits.requests_per_second in the target file.",
            )
        if answer.status in _UNAVAILABLE:
            raise Inconclusive(f"The target is not serving at the moment ({answer.summary}).", "Run again later.")
        return answer

    def operation_of(self, operation_id: str) -> Operation:
        """The operation with this id in the vendor's words."""
        return self._by_id[operation_id]

    def close(self) -> None:
        """Close all connections."""
        self.session.close()

    def _once(self, request: Request, operation: Operation | None, signer: Signer) -> Answer:
        sent_at = datetime.now(UTC)
        exchange = self.session.send(signer.sign(request))
        self.requests += 1
        number = self.recorder.add("" if operation is None else operation.id, exchange)
        answer = self._read(exchange, operation, number, sent_at)
        if self.judge is not None:
            self.judge.record(self._examiner.examine(answer))
        return answer

    def _read(self, exchange: Exchange, operation: Operation | None, number: int, sent_at: datetime) -> Answer:
        reply = exchange.reply
        if reply is None:
            raise self._no_reply(exchange, number)
        replies = operation.replies if operation is not None else self.api["describe"].replies
        spec = replies.get(reply.status)
        decoded = self.dialect.decode(reply, spec)
        return Answer(
            operation=operation,
            request=exchange.request,
            reply=reply,
            spec=spec,
            value=decoded.value,
            problems=decoded.problems,
            error=self.dialect.error(decoded.value),
            number=number,
            sent_at=sent_at,
            documented=tuple(replies),
        )

    def _no_reply(self, exchange: Exchange, number: int) -> Inconclusive:
        failure = exchange.failure
        assert failure is not None
        if failure.kind in {"truncated", "too_large", "bad_http"} and self.judge is not None:
            found = Judgement("reply.encoding", passed=False, expected="one whole HTTP reply", received=failure.text)
            self.judge.record([Judgement(**(vars(found) | {"exchanges": (number,)}))])
        return Inconclusive(f"No reply ({failure.kind}): {failure.text}", _NEXT_STEP.get(failure.kind, ""))

    def _throttled(self, answer: Answer) -> bool:
        return answer.status == 429 or self.profile.refusal("throttled").admits(answer.status, answer.code)
