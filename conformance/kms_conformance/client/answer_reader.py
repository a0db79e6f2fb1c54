"""Turns exchanges into answers: decodes replies, and says what a missing or broken reply means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from kms_conformance.catalogue.api import Api, Operation
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lost
from kms_conformance.core.text import MOST_OF_A_NAME, shortened
from kms_conformance.dialects.base import Dialect, ErrorView
from kms_conformance.wire.failures import NO_TLS, ONLY_TLS
from kms_conformance.wire.messages import Exchange

# Failures caused by malformed HTTP. No network problem causes them.
_BROKEN = frozenset({"too_large", "bad_http"})

_NEXT_STEP = {
    "refused": "Is the endpoint running, and is base_url right?",
    "timeout": "Is the endpoint slow or stuck? The time limit is limits.timeout_seconds.",
    "tls": "Is the certificate trusted? `verify` in the target file names a CA file.",
    NO_TLS: "Write http:// in place of https:// in `base_url`, or the port that speaks TLS.",
    ONLY_TLS: "Write https:// in place of http:// in `base_url`.",
    "unsendable": "This is a fault of the suite: please report it.",
}
# Further questions for a target that has answered nothing yet, by the kind of the failure and the scheme of the URL.
_NEXT_STEP_AT_FIRST = {
    ("reset", "http"): "If the port speaks TLS, write https:// in place of http:// in `base_url`.",
    ("timeout", "https"): "If the port does not speak TLS, write http:// in place of https:// in `base_url`.",
}


@dataclass
class AnswerReader:
    """Reads the exchanges of one target.

    - breaks: records a failure: the requirement, what was expected and received, and the number of the exchange.
    - seen: notes each answer.
    - has_answered: whether the target has sent any reply in this run.
    """

    dialect: Dialect
    api: Api
    breaks: Callable[[RequirementId, str, str, int], None]
    seen: Callable[[Answer], None] = lambda _: None
    has_answered: bool = False
    _served: set[str] = field(default_factory=set)
    _cut: set[str] = field(default_factory=set)

    def note(self, exchange: Exchange) -> None:
        """Note that an exchange has ended."""
        self.has_answered |= exchange.reply is not None

    def read(self, exchange: Exchange, operation: Operation | None, number: int, sent_at: datetime) -> Answer:
        """Decode the reply of an exchange. Raises `Inconclusive` if there is none, `Lost` if it may have been sent."""
        reply = exchange.reply
        if reply is None:
            raise self._no_reply(exchange, operation, number)
        name = "" if operation is None else operation.name
        self._cut.discard(name)
        replies = operation.replies if operation is not None else self.api["describe"].replies
        spec = replies.get(reply.status)
        decoded = self.dialect.decode(reply, spec)
        if operation is not None and reply.status in operation.success:
            self._served.add(exchange.request.path)
        answer = Answer(
            operation=operation,
            request=exchange.request,
            reply=reply,
            spec=spec,
            value=decoded.value,
            problems=decoded.problems,
            # A successful reply may have a further field that is named like that of an error.
            error=_named(self.dialect.error(decoded.value)) if reply.status >= 400 else None,
            number=number,
            sent_at=sent_at,
            documented=tuple(replies),
            served_before=exchange.request.path in self._served,
        )
        self.seen(answer)
        return answer

    def _no_reply(self, exchange: Exchange, operation: Operation | None, number: int) -> Inconclusive:
        failure = exchange.failure
        assert failure is not None
        name = "" if operation is None else operation.name
        # A single truncated body may be due to a broken connection. If two replies of one operation in a row are
        # truncated, the target truncates them.
        cut_again = failure.kind == "truncated" and (name in self._cut or name in self.api.read_only)
        if failure.kind == "truncated":
            self._cut.add(name)
        if failure.kind in _BROKEN or cut_again:
            self.breaks("reply.encoding", "one whole HTTP reply", failure.text, number)
        reason = f"No reply ({failure.kind}): {failure.text}"
        hint = _NEXT_STEP.get(failure.text) or _NEXT_STEP.get(failure.kind, "")
        if not self.has_answered:
            scheme = exchange.request.url.partition(":")[0]
            hint = f"{hint} {_NEXT_STEP_AT_FIRST.get((failure.kind, scheme), '')}".strip()
        was_sent = failure.kind not in {"refused", "tls", "unsendable"}
        return Lost(reason, hint) if was_sent and name not in self.api.read_only else Inconclusive(reason, hint)


def _named(error: ErrorView | None) -> ErrorView | None:
    """The error with texts of bounded length, because an endpoint may send texts as long as a whole reply."""
    if error is None:
        return None
    code = None if error.code is None else shortened(error.code, MOST_OF_A_NAME)
    return replace(error, code=code, message=None if error.message is None else shortened(error.message))
