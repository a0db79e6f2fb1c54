"""Generated faults: each is one deviation, drawn by its seed; what is left out has a computed reason."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from kms_conformance.apps.selftest.generated.draw import OPERATORS, composed, drawn
from kms_conformance.apps.selftest.generated.facts import Facts, in_state
from kms_conformance.apps.selftest.plan import Task, generated
from kms_conformance.core import specs
from kms_conformance.emulator import Key, State

DIALECTS = specs.emulated()
FEWEST = 300


@pytest.mark.parametrize("dialect", DIALECTS)
def test_some_hundreds_are_composed_and_none_is_equal_to_another(dialect: str) -> None:
    found = composed(dialect)
    assert len(found.rows) >= FEWEST
    assert Counter((row.operator, row.parts) for row in found.rows.values()).most_common(1)[0][1] == 1
    titles = Counter(row.title for row in found.rows.values())
    assert [title for title, count in titles.items() if count > 1] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_draw_repeats_itself_and_a_larger_one_adds_to_it(dialect: str) -> None:
    names = [row.name for row in drawn(dialect, 1, 60)]
    assert len(set(names)) == 60
    assert [row.name for row in drawn(dialect, 1, 20)] == names[:20]
    assert [row.name for row in drawn(dialect, 2, 60)] != names
    operators = Counter(composed(dialect).rows[name].operator for name in names)
    assert len(operators) == len(OPERATORS)
    assert max(operators.values()) - min(operators.values()) <= 1
    assert [row.name for row in drawn(dialect, 1, 10**9)][:60] == names
    assert len(drawn(dialect, 1, 10**9)) == len(composed(dialect).rows)


def test_every_dialect_is_tried() -> None:
    tasks = list(generated(1, 5))
    assert Counter(task.dialect for task in tasks) == dict.fromkeys(DIALECTS, 5)
    assert {task.kind for task in tasks} == {"generated"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_deviation_can_be_made_and_combined(dialect: str) -> None:
    for row in drawn(dialect, 3, 150):
        fault = row.fault(dialect)
        assert fault.decisions or fault.filters, row.name
        assert not fault.requirements


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_the_profile_admits_is_left_out(dialect: str) -> None:
    found = composed(dialect)
    facts = Facts.of(dialect)
    for row in found.rows.values():
        if row.operator == "answers":
            operation, state, written, _ = row.parts
            status, _, code = written.partition(" ")
            refusal = facts.refusal(operation, State(state))
            assert refusal is not None
            assert not facts.profile.refusal(refusal).admits(int(status), code), row.name
    assert found.reasons()["the profile admits this answer"] >= 10


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("dialect", "loss", "seen"),
    [
        ("huawei", "tags-dropped", False),
        ("huawei", "aliases-dropped", True),
        ("alibaba", "aliases-dropped", True),
        ("alibaba", "grants-dropped", False),
        ("aws", "grants-dropped", True),
        ("aws", "rotation-on", True),
        ("aws", "material-changed", True),
        ("aws", "protection-off", False),
    ],
)
def test_a_loss_that_no_read_tells_is_left_out(dialect: str, loss: str, seen: bool) -> None:
    assert (Facts.of(dialect).unseen(loss, State.ENABLED) == "") is seen


def test_names_and_parameters_are_those_that_the_emulator_knows() -> None:
    aws, huawei = Facts.of("aws"), Facts.of("huawei")
    assert aws.takes("schedule", "arn")
    assert not aws.takes("schedule", "alias")
    assert aws.takes("encrypt", "alias")
    assert not huawei.takes("encrypt", "alias")
    assert aws.heeds("create", "Tags")
    assert not huawei.heeds("create", "sequence")
    assert huawei.open_operations == {"version", "versions"}


def test_a_key_in_a_state_has_a_date_only_while_it_waits() -> None:
    row = drawn("aws", 1, 1)[0]
    assert row.name.startswith("gen-")
    now = datetime.now(UTC)
    key = Key(id="1", state=State.ENABLED, created=now, spec="", usage="")
    pending = in_state(key, State.PENDING_DELETION, now)
    assert pending.deletion is not None
    assert in_state(pending, State.DISABLED, now).deletion is None


def test_a_trial_finds_a_fault() -> None:
    trial = Task("generated", "gen-accepts-encrypt-pending-deletion-always", "huawei", final=True).run()
    assert trial.problem == ""
    assert trial.subject.kind == "generated"
