"""The client of a target: signs and sends abstract operations, records every exchange, and judges every reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from kms_conformance.auth import Signer, project_of, signer_for
from kms_conformance.catalogue.api import KEEPS_STATE, Api, Operation
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.answer_reader import AnswerReader
from kms_conformance.client.answers_seen import AnswersSeen
from kms_conformance.client.backoff import Backoff, retry_after
from kms_conformance.client.belongings import GivenBelongings
from kms_conformance.client.exchange_rules import ExchangeRules
from kms_conformance.client.findings import Findings
from kms_conformance.client.front import UNAVAILABLE, NotReached
from kms_conformance.client.gate import Gate, NotOurs
from kms_conformance.client.internal_errors import InternalErrors
from kms_conformance.client.joint_limits import JointLimits
from kms_conformance.client.judge import NO_SERVER_ERROR, Denied, Inconclusive, Judgement, Lost
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.missing_replies import MissingReplies
from kms_conformance.client.patience import Patience
from kms_conformance.client.resending import INTERNAL_ERROR, Effects, Sent
from kms_conformance.client.sending import Sending
from kms_conformance.client.signature_lock import SignatureLock
from kms_conformance.client.together import Together
from kms_conformance.core.disk import relative_path
from kms_conformance.dialects import adapter
from kms_conformance.target import Target
from kms_conformance.wire.exchange_log import ExchangeLog
from kms_conformance.wire.messages import Exchange, Failure, Request
from kms_conformance.wire.secrets.redactor import Redactor
from kms_conformance.wire.session import Session
from kms_conformance.wire.world import World

_OUTSIDE_THE_POLICY = (
    "The permissions of these credentials may be limited to certain keys, so that any other id is forbidden and none "
    "is unknown. Allow the operation on all keys (docs/permissions.md)."
)

_Again = TypeVar("_Again", Sent, Answer | Failure)


@dataclass(frozen=True)
class _Resender(Generic[_Again]):
    """The client functions behind `missing_replies.Resender` and `internal_errors.Repeater`."""

    again: Callable[[], _Again]
    look: Callable[..., Answer | None]


class Client:
    """The client through which all requests to a target are sent; `findings` belong to the check that is running."""

    def __init__(
        self, target: Target, ledger: Ledger, world: World | None = None, joint: JointLimits | None = None
    ) -> None:
        """`ledger` decides which keys are ours. Requests that could change other keys are not sent.

        `joint`: the limits that this process keeps together with others; None if it is alone.
        """
        self.target = target
        self.world = world or World()
        self.profile = Profile.load(target.dialect, target.profile)
        self.api = Api.of(target.dialect, target.profile)
        self.dialect = adapter(self.profile, target.base_url, "")
        self.dialect.chance = self.world.chance
        self.dialect.instance_id = target.instance_id
        self.gate = Gate(self.dialect, self.api, ledger)
        redactor = Redactor.of(target)
        self.belongings = GivenBelongings(self.dialect, self.gate, ledger, redactor.text)
        self.signature_lock = SignatureLock(self.dialect, self.world.clock.monotonic)
        self.session = Session.for_target(target, self.gate, self.world)
        self.signer: Signer = signer_for(target, self.session)
        if joint is not None:
            self.session.pace.reserve = joint.turn
        before = 0 if joint is None else joint.exchanges_before
        ca_file = "" if target.verify is True else relative_path(target.verify)
        self.exchange_log = ExchangeLog(redactor, before=before, ca_file=ca_file)
        self.findings = self._new_findings(kept=False)
        promised = target.limits.requests_per_second
        self.backoff = Backoff(
            target.limits.timeout_seconds,
            self.world.clock,
            # Every process waits for the turns of the others too.
            0.0 if promised is None else (1 if joint is None else joint.of) / promised,
        )
        self.effects = Effects(self.dialect, self.gate, self.profile, self.world.clock)
        self.missing_replies = MissingReplies(self.effects, target.limits.timeout_seconds)
        self.internal_errors = InternalErrors(self.effects, self.profile)
        self.patience = Patience(
            self.profile.settle_seconds,
            self.profile.settle_equal_looks,
            target.limits.wait_minutes * 60,
            self.world.clock,
            self._observe,
            None if joint is None else joint.waited,
            slowest_seconds=self.profile.settle_most_seconds,
        )
        self.answers_seen = AnswersSeen(self.dialect, self.gate, self.profile, redactor.text)
        self._reader = AnswerReader(self.dialect, self.api, self._breaks, self.answers_seen.note)
        self._rules = ExchangeRules(self.dialect, ledger.holds)
        self.sending = Sending(
            self.session,
            ledger,
            self.belongings,
            self.signature_lock,
            self.exchange_log,
            self.missing_replies,
            self.backoff,
            self._reader.note,
            self.look,
            self._observe,
        )
        self.together = Together(self, self._reader, self._judge)
        self._served: set[str] = set()
        self._by_id = {operation.id: operation for operation in self.api.operations.values()}

    @property
    def requests(self) -> int:
        """The number of requests so far."""
        return self.sending.requests

    def start_findings(self) -> Findings:
        """Begin the findings of a check; returns them for its judge. Findings of earlier checks get no more entries."""
        self.findings = self._new_findings(kept=True)
        return self.findings

    def stop_findings(self) -> None:
        """Stop judging exchanges, and repeating requests to prove that a reply is missing, because no check runs."""
        self.findings = self._new_findings(kept=False)

    def _new_findings(self, *, kept: bool) -> Findings:
        return Findings(self.exchange_log.redactor.text, lambda: self.exchange_log.count, kept=kept)

    def _breaks(self, requirement: RequirementId, expected: str, received: str, number: int) -> None:
        self.findings.breaks(requirement, expected, received, (number,))

    def _observe(self, text: str) -> None:
        self.findings.observe(text)

    def sign_in(self) -> None:
        """Sign in; may send a request to an identity service. Raises `SignInFailed`."""
        self.dialect.scope = project_of(self.signer) or ""

    def ask(self, operation: str, /, **arguments: object) -> Answer:
        """Send an abstract operation with the credentials of the target. Raises as `send` does.

        Raises `NotReached` if the reply was given in front of the service.
        """
        answer = self.send(self.dialect.request(operation, arguments), self.api[operation])
        if answer.front is not None:
            raise NotReached(answer)
        if operation == "describe" and answer.accepted:
            self.effects.note_description(str(arguments.get("key_id")), answer)
        return answer

    def look(self, operation: str, /, **arguments: object) -> Answer | None:
        """Send an operation that only reads, twice after an internal error, unjudged; None if it is not served."""
        request, described = self.dialect.request(operation, arguments), self.api[operation]
        for _ in range(2):
            sent = self._exchange(request, described, self.signer)
            if sent.exchange.reply is None:
                return None
            answer = self._reader.read(sent.exchange, described, sent.number, sent.sent_at)
            if answer.status != INTERNAL_ERROR:
                break
        if self.is_throttled(answer) or answer.status in UNAVAILABLE:
            self.missing_replies.note_throttled()
            return None
        return None if answer.front is not None else answer

    def send(self, request: Request, operation: Operation | None, signer: Signer | None = None) -> Answer:
        """Sign and send a request, and judge the reply.

        A request is sent again after a pause if it was throttled or found no connection, so that it was not carried
        out, or if it only reads and the target is unavailable. After an internal error, see `InternalErrors`. Raises:

        - `Lost` if a request that may have changed something got no reply; `Undecided` if it got an internal error.
        - `Inconclusive` if there is no reply to judge for another reason, or if the target keeps refusing to serve.
        - `NotOurs` if the request could change a key that is not ours.
        """
        self.look_up_unknown(request)
        return self._send(request, operation, signer)

    def send_if_allowed(self, request: Request, operation: Operation) -> Answer | None:
        """Send a request as `send` does; None if it was not sent, because it could change a key that is not ours."""
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
        self.backoff.check(since, self.requests)
        attempt = 0
        while isinstance(answer := self._attempt(request, operation, signer or self.signer), Failure) or (
            self._must_be_repeated(name, answer)
        ):
            if isinstance(answer, Failure):
                self.backoff.pause(attempt, since, None, answer.text)
            else:
                self.backoff.pause(
                    attempt, since, retry_after(answer.reply, self.session.endpoint_now()), answer.summary
                )
            attempt += 1
        self.session.pace.speed_up()
        if not name or answer.status < 400:
            self.effects.note_carried_out(request, operation)
        if answer.front is not None:
            self.findings.observe(f"{name or request.method}: {answer.front.text}")
        if name not in self.api.harmless:
            moves = name not in KEEPS_STATE
            self.patience.note_request(self.gate.named(request)[0], accepted=answer.accepted, moves=moves)
        if self.profile.admits("key_unavailable", answer.status, answer.code):
            raise Inconclusive(f"The key cannot be used at the moment ({answer.summary}).", "Run again later.")
        if signer is None:
            self._check_own_credentials(name, answer)
        return answer

    def look_up_unknown(self, request: Request) -> None:
        """Look up all ids in a request that must be unknown to the target. Raises `Inconclusive` if one is not.

        Whether the request itself may be sent is decided only by the gate in the session.
        """
        for name in self.gate.unknown_ids(request):
            self.look_up_absent(name)

    def look_up_absent(self, key: str) -> None:
        """Confirm that no key has this id, so that requests may name it. Raises `Inconclusive` otherwise.

        Only an answer that the profile lists for unknown ids confirms this.
        """
        answer = self.ask("describe", key_id=key)
        if not self.gate.confirms_absent(key, answer.status, answer.code):
            raise Inconclusive(
                f"Not sent: a request would name {key!r}, and the target did not confirm that no key has this id: "
                f"{answer.summary}.",
                "The request might have changed a key of somebody else.",
            )

    def _check_own_credentials(self, name: str, answer: Answer) -> None:
        """Raise `Denied` if our own credentials were refused, which says nothing about the target.

        If the operation was served before in this run, and the target still serves `list`, the refusal is an answer
        like any other. In a cloud that grants permissions key by key, it never is: an id that no key has, or has any
        longer, is outside of the permissions.
        """
        if answer.accepted:
            self._served.add(name)
            return
        forbidden = self.profile.admits("not_permitted", answer.status, answer.code)
        expired = self.profile.admits("expired_token", answer.status, answer.code)
        if not (answer.status == 401 or forbidden or expired):
            return
        if forbidden and self.profile.facts.get("permissions_by_key", False):
            raise Denied(
                f"The permissions of the credentials do not cover this request: {answer.summary}.",
                _OUTSIDE_THE_POLICY,
                answer,
            )
        if name in self._served:
            listed = self._once(self.dialect.request("list", {}), self.api["list"], self.signer)
            if isinstance(listed, Answer) and listed.accepted:
                return
        if expired and answer.status != 401:
            raise Denied(
                f"The token of the credentials has expired: {answer.summary}.",
                "Get new temporary credentials that are valid for longer than the run takes, and run again.",
            )
        raise Denied(
            f"The target refused our own credentials: {answer.summary}.",
            "Are they still valid, and do they permit this operation?",
        )

    def judge_exchange(self, operation: Operation, exchange: Exchange) -> tuple[Answer, tuple[Judgement, ...]]:
        """Record, decode and judge an exchange of another client with the target.

        Raises `Inconclusive` if it has no reply.
        """
        self.sending.requests += 1
        number = self.exchange_log.add(operation.id, exchange)
        answer = self._reader.read(exchange, operation, number, exchange.started)
        return answer, tuple(self._rules.judge(answer))

    def note_sent(self, request: Request, operation: Operation, answer: Answer | None) -> None:
        """Note that another client has sent a request, which may have changed keys; None: it got no reply."""
        if operation.name in self.api.harmless:
            return
        self.effects.forget_descriptions()
        if answer is None:
            self.patience.note_request()
        else:
            done = answer.accepted or self.internal_errors.concerns(answer)
            self.patience.note_request(self.gate.named(request)[0], accepted=done)

    def may_be_late(self, answer: Answer) -> bool:
        """Whether the answer may follow the state before the last change, so that another moment may give another one.

        This holds for a refusal that the profile lists for some state of a key, or for an unknown key or alias; and for
        an accepted request that changes nothing.
        """
        if answer.operation is None:
            return False
        return answer.operation.name in self.api.harmless if answer.accepted else self.effects.is_for_state(answer)

    def is_throttled(self, answer: Answer) -> bool:
        """Whether the answer says that requests were too frequent."""
        return answer.status == 429 or self.profile.refusal("throttled").admits(answer.status, answer.code)

    def operation_of(self, operation_id: str) -> Operation:
        """The operation with this vendor id."""
        return self._by_id[operation_id]

    def close(self) -> None:
        """Close all connections."""
        self.session.close()

    def _attempt(self, request: Request, operation: Operation | None, signer: Signer) -> Answer | Failure:
        """As `_once`; notes that a request without a reply may have changed keys."""
        try:
            return self._once(request, operation, signer)
        except Lost:
            self.patience.note_request()
            raise

    def _once(self, request: Request, operation: Operation | None, signer: Signer) -> Answer | Failure:
        """The answer to a request, or the failure if no connection was made and the request may be sent again.

        After an internal error, the request is sent again where that cannot change its meaning.
        """
        answer = self._answered(request, operation, signer)
        if isinstance(answer, Failure):
            return answer
        if not self.internal_errors.concerns(answer):
            self.internal_errors.note_answer(request, operation)
            return answer
        if answer.status in UNAVAILABLE:
            self.missing_replies.note_throttled()
        resender = _Resender(lambda: self._answered(request, operation, signer), self.look)
        last = self.internal_errors.ask_again(resender, request, answer, self.findings)
        if isinstance(last, Answer) and last.status == INTERNAL_ERROR and last.error is None:
            self._judge(request, last)
        return last

    def _answered(self, request: Request, operation: Operation | None, signer: Signer) -> Answer | Failure:
        """The answer to one attempt, judged by the rules of all replies unless it may be one of a proxy."""
        sent_at, exchange, number = self._sent(request, operation, signer)
        if exchange.failure is not None and exchange.failure.kind == "refused" and self._reader.has_answered:
            return exchange.failure
        answer = self._reader.read(exchange, operation, number, sent_at)
        if answer.error is not None or answer.status != INTERNAL_ERROR:
            # An internal error without an error of the dialect is judged if it repeats.
            self._judge(request, answer)
        return answer

    def _judge(self, request: Request, answer: Answer) -> None:
        # The rules for replies are applied only to replies to documented operations. `internal_errors` records those
        # internal errors that are failures.
        if self.findings.kept and answer.operation is not None:
            whole = not (answer.operation.name == "describe" and self.gate.names_stranger(request))
            judged = self._rules.judge(answer, whole=whole)
            self.findings.record(each for each in judged if each.passed or each.requirement != NO_SERVER_ERROR)

    def _sent(self, request: Request, operation: Operation | None, signer: Signer) -> Sent:
        """Send a request; if it gets no reply, send it again if a repetition is harmless. Returns the last attempt."""
        self.missing_replies.check(request, operation)
        sent = self._exchange(request, operation, signer)
        if sent.exchange.reply is not None:
            self.missing_replies.note_reply(request, operation)
            return sent
        if self.findings.kept and self.missing_replies.is_due(sent):
            resender = _Resender(lambda: self._exchange(request, operation, signer), self.look)
            return self.missing_replies.resend(resender, request, operation, sent, self.findings)
        if operation is not None and operation.reads:
            # A first broken connection may be due to a restart; a second one is reported.
            return self._exchange(request, operation, signer)
        return sent

    def _exchange(self, request: Request, operation: Operation | None, signer: Signer) -> Sent:
        return self.sending.one(request, operation, signer, on_purpose=signer is not self.signer)

    def _must_be_repeated(self, name: str, answer: Answer) -> bool:
        throttled = self.is_throttled(answer)
        if throttled or answer.status in UNAVAILABLE:
            self.missing_replies.note_throttled()
        if throttled:
            self.session.pace.slow_down()
        return throttled or (name in self.api.read_only and answer.status in UNAVAILABLE)
