"""One target, signed in: abstract operations in, answers out, every exchange recorded and examined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kms_conformance.auth import Signer, SignInFailed, project_of, signer_for
from kms_conformance.catalogue.api import Api, Operation
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.answer import Answer
from kms_conformance.client.backoff import Patience
from kms_conformance.client.exchange_rules import Examiner
from kms_conformance.client.findings import Findings
from kms_conformance.client.gate import Guard, NotOurs
from kms_conformance.client.judge import Inconclusive, Judgement, Lost
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.missing_replies import Sent, Silences
from kms_conformance.core.text import MOST_OF_A_NAME, shortened
from kms_conformance.dialects import adapter
from kms_conformance.dialects.base import ErrorView
from kms_conformance.target import Target
from kms_conformance.wire.messages import Exchange, Failure, Request
from kms_conformance.wire.record import Recorder
from kms_conformance.wire.retry import retry_after
from kms_conformance.wire.secrets.redactor import Redactor
from kms_conformance.wire.session import Session
from kms_conformance.wire.world import World

# The service, or a proxy before it, is not serving at the moment.
_UNAVAILABLE = frozenset({502, 503, 504})
# Statuses that are also a proxy's own: what has no error of the dialect in it is none of the service's replies.
_FROM_BEFORE_THE_SERVICE = _UNAVAILABLE | {429}

# What came was not what HTTP says a reply is. No network does that.
_BROKEN = frozenset({"too_large", "bad_http"})

_NEXT_STEP = {
    "refused": "Is the endpoint running, and is base_url right?",
    "timeout": "Is the endpoint slow or stuck? limits.timeout_seconds sets how long we wait.",
    "tls": "Is the certificate trusted? `verify` in the target file names a CA file.",
    "unsendable": "This is a fault of the suite: please report it.",
}


@dataclass(frozen=True)
class _Line:
    """How a request that got no reply is looked into."""

    again: Callable[[], Sent]
    look: Callable[..., Answer | None]


class Client:
    """Everything that is sent to a target goes through here; `findings` are those of the check that is running."""

    def __init__(self, target: Target, ledger: Ledger, world: World | None = None) -> None:
        """`ledger` says which keys are ours: no others may be changed, whoever asks for it."""
        self.target = target
        self.world = world or World()
        self.profile = Profile.load(target.dialect, target.profile)
        self.api = Api.of(target.dialect, target.profile)
        self.dialect = adapter(self.profile, target.base_url, "")
        self.dialect.chance = self.world.chance
        self.guard = Guard(self.dialect, self.api, ledger)
        self._ledger = ledger
        self.session = Session.for_target(target, self.guard, self.world)
        self.signer: Signer = signer_for(target, self.session)
        self.recorder = Recorder(Redactor.of(target))
        self.findings = self._new_findings(kept=False)
        self.requests = 0
        promised = target.limits.requests_per_second
        self.patience = Patience(
            target.limits.timeout_seconds, self.world.clock, 0.0 if promised is None else 1 / promised
        )
        self.silences = Silences(
            self.dialect,
            self.guard,
            self.profile,
            self.world.clock,
            target.limits.timeout_seconds,
        )
        self._has_answered = False
        self._cut: set[str] = set()
        self._examiner = Examiner(self.dialect)
        self._served: set[str] = set()
        self._by_id = {operation.id: operation for operation in self.api.operations.values()}

    def start_findings(self) -> Findings:
        """Keep findings from now on, for one judge to take; returns them. Those of an earlier call get no more."""
        self.findings = self._new_findings(kept=True)
        return self.findings

    def stop_findings(self) -> None:
        """Examine no more exchanges, and do not insist on replies: no check runs."""
        self.findings = self._new_findings(kept=False)

    def _new_findings(self, *, kept: bool) -> Findings:
        return Findings(self.recorder.redactor.text, lambda: self.recorder.count, kept=kept)

    def sign_in(self) -> None:
        """Learn what the credentials are good for; may ask an identity service. Raises `SignInFailed`."""
        self.dialect.scope = project_of(self.signer) or ""

    def ask(self, operation: str, /, **arguments: object) -> Answer:
        """Ask for an abstract operation with the target's own credentials."""
        answer = self.send(self.dialect.request(operation, arguments), self.api[operation])
        if operation == "describe" and answer.accepted:
            self.silences.was_read(str(arguments.get("key_id")), answer)
        return answer

    def look(self, operation: str, /, **arguments: object) -> Answer | None:
        """Ask once for what changes nothing, and judge nothing; None where the target does not serve."""
        request, described = self.dialect.request(operation, arguments), self.api[operation]
        sent = self._exchange(request, described, self.signer)
        if sent.exchange.reply is None:
            return None
        answer = self._read(sent.exchange, described, sent.number, sent.sent_at)
        if self.is_throttled(answer) or answer.status in _UNAVAILABLE:
            self.silences.throttled()
            return None
        return answer

    def send(self, request: Request, operation: Operation | None, signer: Signer | None = None) -> Answer:
        """Sign and send a request, and examine the reply.

        What was not carried out - it was throttled, or there was no connection - is sent again after a pause, and so is
        what changes nothing. Raises `Lost` where a request that may have changed something got no reply, `Inconclusive`
        when there is no reply to judge for another reason, or when the target goes on refusing to serve, and `NotOurs`
        for a request that could change a key which is not ours.
        """
        self.look_up_unknown(request)
        return self._send(request, operation, signer)

    def send_if_allowed(self, request: Request, operation: Operation) -> Answer | None:
        """As `send`, but None, and nothing sent, where the request could change a key that is not ours."""
        try:
            self.look_up_unknown(request)
        except Inconclusive:
            return None
        try:
            return self._send(request, operation, None)
        except NotOurs:
            return None

    def _send(self, request: Request, operation: Operation | None, signer: Signer | None) -> Answer:
        name = "" if operation is None else operation.name
        since = self.world.clock.monotonic()
        self.patience.check(since, self.requests)
        attempt = 0
        while isinstance(answer := self._once(request, operation, signer or self.signer), Failure) or (
            self._is_to_be_asked_again(name, answer)
        ):
            if isinstance(answer, Failure):
                self.patience.pause(attempt, since, None, answer.text)
            else:
                self.patience.pause(attempt, since, retry_after(answer.reply, self.world.clock.now()), answer.summary)
            attempt += 1
        self.session.pace.served()
        if not name or (answer.accepted and name not in self.api.read_only):
            self.silences.may_have_changed()
        if answer.status in _UNAVAILABLE:
            raise Lost(f"The target is not serving at the moment ({answer.summary}).", "Run again later.")
        if signer is None:
            self._check_own_credentials(name, answer)
        return answer

    def look_up_unknown(self, request: Request) -> None:
        """Look up each id that must be unknown before a request may name it; raises `Inconclusive` unless it is.

        Whether the request may leave is decided once, by the gate in the session.
        """
        for name in self.guard.unknown_ids(request):
            self.look_up_absent(name)

    def look_up_absent(self, key: str) -> None:
        """Ask whether an id is nobody's, so that requests may name it; raises `Inconclusive` unless it is.

        Nothing counts but an answer that the profile lists for an id that no key has.
        """
        answer = self.ask("describe", key_id=key)
        if not self.profile.tells_absent(answer.status, answer.code):
            raise Inconclusive(
                f"A request would name {key!r}, of which the target does not say that there is no such key: "
                f"{answer.summary}.",
                "So it was not sent: it might change a key of somebody else's.",
            )
        self.guard.is_absent(key)

    def _check_own_credentials(self, name: str, answer: Answer) -> None:
        """A refusal of our own credentials says nothing about the target. Raises `Inconclusive` if it is one.

        An operation that was served before in this run is ours to ask: its refusal counts, if the rest is still served.
        """
        if answer.accepted:
            self._served.add(name)
            return
        denied = answer.status == 401 or self.profile.refusal("not_permitted").admits(answer.status, answer.code)
        if not denied:
            return
        if name in self._served:
            listed = self._once(self.dialect.request("list", {}), self.api["list"], self.signer)
            if isinstance(listed, Answer) and listed.accepted:
                return
        raise Inconclusive(
            f"The target refused our own credentials: {answer.summary}.",
            "Are they still valid, and do they permit this operation?",
        )

    def overheard(self, operation: Operation, exchange: Exchange) -> tuple[Answer, tuple[Judgement, ...]]:
        """Record, read and judge an exchange that somebody else had with the target.

        Raises `Inconclusive` where it has no reply.
        """
        self.requests += 1
        number = self.recorder.add(operation.id, exchange)
        answer = self._read(exchange, operation, number, exchange.started)
        return answer, tuple(self._examiner.examine(answer))

    def is_throttled(self, answer: Answer) -> bool:
        """Whether the target says that it was asked too much."""
        return answer.status == 429 or self.profile.refusal("throttled").admits(answer.status, answer.code)

    def operation_of(self, operation_id: str) -> Operation:
        """The operation with this id in the vendor's words."""
        return self._by_id[operation_id]

    def close(self) -> None:
        """Close all connections."""
        self.session.close()

    def _once(self, request: Request, operation: Operation | None, signer: Signer) -> Answer | Failure:
        """The answer to a request that was sent once; a failure where it could not even be sent, and may be again."""
        sent_at, exchange, number = self._sent(request, operation, signer)
        if exchange.failure is not None and exchange.failure.kind == "refused" and self._has_answered:
            return exchange.failure
        answer = self._read(exchange, operation, number, sent_at)
        before_the_service = answer.error is None and answer.status in _FROM_BEFORE_THE_SERVICE
        # What is said of every reply is said of replies of operations.
        if self.findings.kept and operation is not None and not before_the_service:
            self.findings.record(self._examiner.examine(answer))
        return answer

    def _sent(self, request: Request, operation: Operation | None, signer: Signer) -> Sent:
        """A request that was sent; again where there was no reply, and it can do no harm."""
        self.silences.check(request, operation)
        sent = self._exchange(request, operation, signer)
        if sent.exchange.reply is not None:
            self.silences.answered(request, operation)
            return sent
        if self.findings.kept and self.silences.concerns(sent):
            line = _Line(lambda: self._exchange(request, operation, signer), self.look)
            return self.silences.insist(line, request, operation, sent, self.findings)
        if operation is not None and operation.reads:
            # A connection that broke once may have met a restart; one that breaks again is told of.
            return self._exchange(request, operation, signer)
        return sent

    def _exchange(self, request: Request, operation: Operation | None, signer: Signer) -> Sent:
        sent_at = self.world.clock.now()
        try:
            signed = signer.sign(request)
        except SignInFailed as error:
            raise Inconclusive(f"{error.what} {error.why}", error.hint) from error
        exchange = self.session.send(signed, repeatable=operation is not None and operation.reads)
        self._ledger.beat()
        self.requests += 1
        name = "" if operation is None else operation.id
        number = self.recorder.add(name, exchange)
        self.world.witness.named(exchange, number, name)
        self._has_answered |= exchange.reply is not None
        self.silences.heard(exchange)
        if exchange.reply is not None:
            self.patience.heard(None, exchange.reply.seconds)
        elif exchange.failure is not None:
            self.patience.heard(exchange.failure.kind)
        return Sent(sent_at, exchange, number)

    def _read(self, exchange: Exchange, operation: Operation | None, number: int, sent_at: datetime) -> Answer:
        reply = exchange.reply
        if reply is None:
            raise self._no_reply(exchange, operation, number)
        self._cut.discard("" if operation is None else operation.name)
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
            # A success may hold any further field, also one that is called like an error's.
            error=_named(self.dialect.error(decoded.value)) if reply.status >= 400 else None,
            number=number,
            sent_at=sent_at,
            documented=tuple(replies),
        )

    def _no_reply(self, exchange: Exchange, operation: Operation | None, number: int) -> Inconclusive:
        failure = exchange.failure
        assert failure is not None
        name = "" if operation is None else operation.name
        # A body that is cut short may be a connection that broke. One operation whose replies are cut short twice
        # running, while others come whole, cuts them short.
        cut_again = failure.kind == "truncated" and (name in self._cut or name in self.api.read_only)
        if failure.kind == "truncated":
            self._cut.add(name)
        if failure.kind in _BROKEN or cut_again:
            self.findings.breaks("reply.encoding", "one whole HTTP reply", failure.text, (number,))
        reason, hint = f"No reply ({failure.kind}): {failure.text}", _NEXT_STEP.get(failure.kind, "")
        was_sent = failure.kind not in {"refused", "tls", "unsendable"}
        return Lost(reason, hint) if was_sent and name not in self.api.read_only else Inconclusive(reason, hint)

    def _is_to_be_asked_again(self, name: str, answer: Answer) -> bool:
        throttled = self.is_throttled(answer)
        if throttled or answer.status in _UNAVAILABLE:
            self.silences.throttled()
        if throttled:
            self.session.pace.throttled()
        return throttled or (name in self.api.read_only and answer.status in _UNAVAILABLE)


def _named(error: ErrorView | None) -> ErrorView | None:
    """An error with a code and a message that can be repeated: an endpoint may make them as long as a reply."""
    if error is None:
        return None
    code = None if error.code is None else shortened(error.code, MOST_OF_A_NAME)
    return ErrorView(code, None if error.message is None else shortened(error.message))
