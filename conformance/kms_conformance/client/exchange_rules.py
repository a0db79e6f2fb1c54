"""Rules for every exchange: status, media type, encoding, body and request id are judged in all checks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kms_conformance.catalogue.api import ReplySpec, Violation
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.front import SIZE_STATUSES
from kms_conformance.client.judge import ANSWERED, NO_SERVER_ERROR, Judgement
from kms_conformance.client.resending import INTERNAL_ERROR
from kms_conformance.dialects.base import Dialect

# A judgement tells so many violations of one reply; a hostile reply may have any number.
_MOST_VIOLATIONS = 10
# The number of an item in the path of a value.
_ITEM = re.compile(r"/\d+(?:/|$)")
# The operations whose replies may be about keys of others.
_READS_OF_KEYS = frozenset({"describe", "list"})


@dataclass
class ExchangeRules:
    """Judges exchanges by the rules that hold for all replies; remembers the request ids of the run.

    `is_ours`: whether a key, given by its id, is one of the run. Lists of allowed values do not bind what a reply says
    of other keys: their owners may have brought them into states that no page lists.
    """

    dialect: Dialect
    is_ours: Callable[[str], bool] = lambda _: True
    _seen: set[bytes] = field(default_factory=set)

    def judge(self, answer: Answer, *, whole: bool = True) -> Iterator[Judgement]:
        """All judgements of one exchange with a reply; none if the reply was given in front of the service.

        Without `whole`, the fields of a success are not judged: it describes a key of somebody else, which may be of a
        kind, or in a state, that the documents of the lifecycle do not know.
        """
        spec = answer.spec
        if answer.front is not None or answer.status in SIZE_STATUSES:
            return
        yield Judgement(ANSWERED, passed=True, exchanges=(answer.number,))
        yield self._status(answer)
        yield _judged(NO_SERVER_ERROR, answer, "no internal error", answer.summary, answer.status != 500)
        if spec is None or spec.schema is None:
            return
        problem = self.dialect.media_type_problem(answer.reply, answer.request, spec)
        expected, received = problem or ("", "")
        yield _judged("reply.content-type", answer, expected, received, problem is None)
        readable = not answer.problems
        if readable and (root := self.dialect.root_problem(answer.reply, answer.request)) is not None:
            yield _judged("reply.encoding", answer, *root, passed=False)
        yield _judged("reply.encoding", answer, "one well-formed document", "; ".join(answer.problems), readable)
        if readable:
            if whole or answer.status >= 400:
                yield from self._body(answer, spec)
            yield from self._request_id(answer)

    def _status(self, answer: Answer) -> Judgement:
        documented = ", ".join(map(str, answer.documented))
        return _judged(
            "reply.status", answer, f"one of {documented}", str(answer.status), answer.status in answer.documented
        )

    def _body(self, answer: Answer, spec: ReplySpec) -> Iterator[Judgement]:
        of_one = answer.operation is not None and answer.operation.name in _READS_OF_KEYS
        violations = (
            spec.violations(answer.value, self._of_others(answer.value)) if of_one else spec.violations(answer.value)
        )
        broken: dict[RequirementId, list[Violation]] = {}
        for violation in violations:
            broken.setdefault(violation.requirement, []).append(violation)
        for requirement, found in broken.items():
            yield _with_violations(requirement, found, answer.number)
        for requirement in spec.requirements - broken.keys():
            yield Judgement(requirement, passed=True, exchanges=(answer.number,))
        # What stands in front of a service may give an internal error another status.
        told = self.dialect.told_status(answer.value) if 400 <= answer.status < INTERNAL_ERROR else None
        if told is not None:
            expected = f"the HTTP status {answer.status} in the body"
            yield _judged("error.shape", answer, expected, f"{told}", told == answer.status)

    def _of_others(self, value: object) -> Callable[[Sequence[str | int]], bool]:
        """Whether the value at a path in a body belongs to a key that is not ours."""

        def free(path: Sequence[str | int]) -> bool:
            key = self.dialect.described_key(value, path)
            return key is not None and not self.is_ours(key)

        return free

    def _request_id(self, answer: Answer) -> Iterator[Judgement]:
        known = self.dialect.request_id(answer.reply, answer.value)
        if known is None and not self.dialect.profile.request_id.required:
            return
        # A digest of the id is remembered, because an id may be as long as a reply, and a run has thousands of replies.
        digest = hashlib.sha256((known or "").encode("utf-8", "surrogatepass")).digest()
        fresh = bool(known and known.strip()) and digest not in self._seen
        received = "the same as in an earlier reply" if digest in self._seen else repr(known)
        yield _judged("reply.request-id", answer, "an id that no reply had before", received, fresh)
        if known:
            self._seen.add(digest)


def _with_violations(requirement: RequirementId, found: Sequence[Violation], number: int) -> Judgement:
    """The failure of one requirement with all violations in one reply, a line each.

    The number of an item in a list is told with what was received only: what is expected is the same in every run.
    """
    errata = dict.fromkeys(violation.erratum for violation in found if violation.erratum)
    hint = f"The documents contradict each other here. Which reading is followed: {', '.join(errata)}."
    return Judgement(
        requirement,
        passed=False,
        expected=_lines(f"{_ITEM.sub('/', violation.where)}: {violation.expected}" for violation in found),
        received=_lines(f"{violation.where}: {violation.received}" for violation in found),
        exchanges=(number,),
        hint=hint if errata else "",
    )


def _lines(texts: Iterable[str]) -> str:
    """Different texts, a line each, up to a limit."""
    lines = list(dict.fromkeys(texts))
    left = [f"and {len(lines) - _MOST_VIOLATIONS} more"] if len(lines) > _MOST_VIOLATIONS else []
    return "\n".join((*lines[:_MOST_VIOLATIONS], *left))


def _judged(requirement: RequirementId, answer: Answer, expected: str, received: str, passed: bool) -> Judgement:  # noqa: FBT001
    return Judgement(
        requirement, passed, "" if passed else expected, "" if passed else received[:500], (answer.number,)
    )
