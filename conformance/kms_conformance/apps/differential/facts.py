"""What is told of an answer besides its reply: found out from the raw reply, and itself no secret."""

from __future__ import annotations

from collections.abc import Iterator

from kms_conformance.apps.differential.answers import Break
from kms_conformance.apps.differential.preparing import Prepared
from kms_conformance.apps.differential.question import Question
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.keys.target_session import TargetSession

Fact = bool | int | str

REQUEST_ID = "the reply has a request id"
SAME_TEXT = "it is the text that was encrypted"
LISTED = "the key is listed once"
PAGE = "keys on the page"
NEXT_PAGE = "it leads on to a next page"

_IDS: RequirementId = "reply.request-id"
_EXPECTED = {
    SAME_TEXT: "the text that was encrypted",
    LISTED: "each key once over all pages",
}


def facts_of(
    question: Question, target_session: TargetSession, prepared: Prepared, answer: Answer
) -> Iterator[tuple[str, Fact]]:
    """The facts of one answer by name. May ask for the list of keys; raises `Inconclusive` where that fails."""
    dialect = target_session.client.dialect
    yield REQUEST_ID, bool(dialect.request_id(answer.reply, answer.value))
    if not answer.accepted:
        return
    if question.operation == "decrypt":
        yield SAME_TEXT, dialect.secret_output("decrypt", answer.value) == "text"
    if question.operation == "list":
        if "limit" not in question.arguments:
            yield LISTED, target_session.pool.list_keys().count(prepared.key) == 1
            return
        page = dialect.page(answer.value)
        # How many more there are is an accident of the account.
        yield PAGE, len(page.ids) if len(page.ids) <= 1 else "more than one"
        yield NEXT_PAGE, page.cursor is not None


def breaks_of(question: Question, target_session: TargetSession, facts: dict[str, Fact]) -> Iterator[Break]:
    """The facts that the documents do not admit."""
    if (
        target_session.client.profile.request_id.required
        and _IDS in target_session.applicable
        and facts[REQUEST_ID] is False
    ):
        yield Break("fact", _IDS, "an id that no reply had before", REQUEST_ID)
    for name, expected in _EXPECTED.items():
        if facts.get(name) is False:
            yield Break("fact", question.requirement, expected, name)


def judged_of(facts: dict[str, Fact]) -> tuple[str, ...]:
    """The facts, by name, on which the documents have a say."""
    return tuple(name for name in facts if name in _EXPECTED or name == REQUEST_ID)
