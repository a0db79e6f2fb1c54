"""Facts of an answer: values that are derived from the raw reply, contain no secrets and are compared by name."""

from __future__ import annotations

from collections.abc import Iterator

from kms_conformance.apps.differential.answers import BrokenRequirement
from kms_conformance.apps.differential.preparation import PreparedKey
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
    question: Question, target_session: TargetSession, prepared: PreparedKey, answer: Answer
) -> Iterator[tuple[str, Fact]]:
    """The facts of one answer, as (name, value).

    For an answer to `list`, all keys of the account may be listed. Raises `Inconclusive` if they cannot be listed.
    """
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
        # If a page has more than one key, their number depends on the account, so it is not compared.
        yield PAGE, len(page.ids) if len(page.ids) <= 1 else "more than one"
        yield NEXT_PAGE, page.cursor is not None


def breaks_of(question: Question, target_session: TargetSession, facts: dict[str, Fact]) -> Iterator[BrokenRequirement]:
    """The requirements that the facts break."""
    if (
        target_session.client.profile.request_id.required
        and _IDS in target_session.applicable
        and facts[REQUEST_ID] is False
    ):
        yield BrokenRequirement("fact", _IDS, "an id that no reply had before", REQUEST_ID)
    for name, expected in _EXPECTED.items():
        if facts.get(name) is False:
            yield BrokenRequirement("fact", question.requirement, expected, name)


def judged_of(facts: dict[str, Fact]) -> tuple[str, ...]:
    """The names of the facts that the documents decide."""
    return tuple(name for name in facts if name in _EXPECTED or name == REQUEST_ID)
