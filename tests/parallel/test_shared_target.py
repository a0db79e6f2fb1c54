"""When the checks of one target are divided: only after isolation has passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kms_conformance.run.parallel.assignment import Assignment
from kms_conformance.run.parallel.joining import join_belongings, join_results
from kms_conformance.run.parallel.shared_target import SharedTarget, new_joint_file
from kms_conformance.verdict.results import CheckOutcome, CheckResult

EMPTY = Assignment(
    frozenset(), (frozenset(), frozenset()), frozenset({"afterwards::a"}), frozenset({"afterwards::a"}), ()
)


def result(outcome: CheckOutcome, family: str = "isolation", **further: object) -> CheckResult:
    return CheckResult("t", family, f"{family}::a", "a", outcome, 1.0, **further)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcomes", "apart"),
    [(["passed"], True), (["passed", "failed"], False), (["inconclusive"], False), ([], False)],
)
def test_isolation_must_pass_first(
    outcomes: list[CheckOutcome], apart: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = SharedTarget("t", EMPTY, tmp_path / "joint.json")
    results = [result("failed", "entry"), *map(result, outcomes)]
    scheduler = shared.scheduler(lambda item: item, lambda _: results)
    assert scheduler._keeps_apart() is apart  # noqa: SLF001 - no worker is started here
    assert ("One process runs all checks" in capsys.readouterr().err) is not apart


def test_a_check_that_each_process_runs_has_the_worse_outcome_and_the_requests_of_both(tmp_path: Path) -> None:
    shared = SharedTarget("t", EMPTY, tmp_path / "joint.json")
    first, second = (result(outcome, "afterwards", requests=2) for outcome in ("failed", "passed"))
    assert shared.joined(None, first) is None
    assert shared.joined(result("passed"), result("failed")) is None
    for both in ((first, second), (second, first)):
        joined = shared.joined(*both)
        assert joined is not None
        assert (joined.outcome, joined.requests, joined.seconds) == ("failed", 4, 2.0)
    assert join_results(result("inconclusive"), result("passed")).outcome == "inconclusive"


def test_what_both_gave_back_is_added() -> None:
    one = {"made": {"alias": 2}, "returned": {"alias": 2}, "earlier": {}, "left": []}
    other = {"made": {"alias": 1, "tag": 1}, "returned": {"alias": 1}, "earlier": {}, "left": [{"kind": "tag"}]}
    assert join_belongings([one, other]) == {
        "made": {"alias": 3, "tag": 1},
        "returned": {"alias": 3},
        "earlier": {},
        "left": [{"kind": "tag"}],
    }


def test_the_file_of_an_earlier_run_is_removed(tmp_path: Path) -> None:
    path = Path(new_joint_file(tmp_path))
    path.write_text('{"next": 1e9}')
    assert Path(new_joint_file(tmp_path)) == path
    assert not path.exists()
