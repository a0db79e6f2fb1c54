"""Questions: the same for the same seed, judged by existing requirements, covering every state."""

from __future__ import annotations

import pytest

from kms_conformance.apps.differential import questions
from kms_conformance.apps.differential.question import digest
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs

ALL = [(dialect, name) for dialect in specs.dialects() for name in specs.profile_names(dialect)]
# Questions that no page of the dialect documents.
SILENT = {
    "huawei": {"describe.number", "describe.no-key", "schedule.number"},
    "alibaba": {"describe.number", "describe.no-key", "schedule.number", "cancel.number"},
    "aws": {"describe.number", "describe.no-key", "schedule.number"},
}


@pytest.mark.parametrize(("dialect", "name"), ALL)
def test_a_seed_makes_the_same_questions(dialect: str, name: str) -> None:
    profile = Profile.load(dialect, name)
    first, again, other = (questions(profile, seed) for seed in (1, 1, 2))
    assert first == again
    assert digest(q.asked for q in first) != digest(q.asked for q in other)
    assert len({question.id for question in first}) == len(first)
    assert [question.id for question in first] == [question.id for question in other]
    assert first[0].operation == "create"


@pytest.mark.parametrize("dialect", specs.dialects())
def test_the_documents_speak_of_nearly_every_question(dialect: str) -> None:
    known = Catalogue.load(dialect)
    silent = {q.id for q in questions(Profile.load(dialect), 0) if q.requirement not in known}
    assert silent <= SILENT[dialect] | {"schedule.empty", "schedule.fraction", "schedule.huge", "schedule.number"}


@pytest.mark.parametrize("dialect", specs.dialects())
def test_every_state_is_asked_about(dialect: str) -> None:
    states = {question.state for question in questions(Profile.load(dialect), 0)}
    assert {"enabled", "disabled", "pending_deletion", "cancelled", "last_minute", "gone"} <= states
