"""Documented answers and those that came: seen, never seen, and not documented, without a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sample_runs as samples
from click.testing import CliRunner

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.cli import cli
from kms_conformance.client.answers_seen import NO_KEY, NOT_OURS, UNREAD, SeenAnswer
from kms_conformance.core.errors import UserMistake
from kms_conformance.report.answer_changes import answer_changes
from kms_conformance.report.answers import LISTED, AnswersOfTarget, Contract
from kms_conformance.report.change import RunSide
from kms_conformance.report.compare import compared
from kms_conformance.report.model import TargetReport
from kms_conformance.report.schemas import validate
from kms_conformance.report.text import answers as text
from kms_conformance.report.text import changes
from kms_conformance.report.why_never import matching, why_never
from kms_conformance.verdict.results import CheckResult

CANCEL = "cancel-key-deletion"
REFUSED = "cancel::test_key_that_is_not_pending_is_refused[enabled]"


def contract(dialect: str = "huawei", profile: str = "documents") -> Contract:
    return Contract(Profile.load(dialect, profile), frozenset(Catalogue.load(dialect).requirements))


def seen(operation: str, status: int, code: str = "", state: str = "enabled") -> SeenAnswer:
    return SeenAnswer(operation, status, code, state)


def noted(*answers: SeenAnswer, name: str = REFUSED, **fields) -> CheckResult:
    raw = tuple(each._asdict() | {"count": 2, "first": number} for number, each in enumerate(answers, 7))
    return samples.check(samples.OTC, name, answers=raw, **fields)


def report(*checks: CheckResult) -> TargetReport:
    return TargetReport.of(*samples.decided(samples.OTC, list(checks)))


@pytest.mark.parametrize(
    ("dialect", "answer", "documented"),
    [
        ("huawei", seen(CANCEL, 400, "KMS.1501"), True),
        ("huawei", seen(CANCEL, 400, "KMS.1501", "pending_deletion"), False),
        ("huawei", seen(CANCEL, 400, "KMS.1402"), False),
        ("huawei", seen(CANCEL, 200), False),
        ("huawei", seen(CANCEL, 200, state="pending_deletion"), True),
        ("huawei", seen(CANCEL, 404, "KMS.0207", NOT_OURS), True),
        ("huawei", seen(CANCEL, 403, "KMS.0303"), True),
        ("huawei", seen(CANCEL, 400, "KMS.1501", UNREAD), True),
        ("huawei", seen(CANCEL, 418, "KMS.0303"), False),
        ("huawei", seen("list-keys", 200, state=NO_KEY), True),
        ("huawei", seen("no-operation", 418), True),
        ("aws", seen("Encrypt", 400, "KMSInvalidStateException", "pending_deletion"), True),
        ("aws", seen("Encrypt", 400, "KMSInvalidStateException"), False),
        ("aws", seen("Encrypt", 500, "KMSInternalException"), True),
    ],
)
def test_documents_have_an_answer_or_not(dialect: str, answer: SeenAnswer, documented: bool) -> None:
    assert contract(dialect).documents(answer) is documented


@pytest.mark.parametrize(
    ("dialect", "profile"), [(d, p) for d in ("huawei", "alibaba", "aws") for p in ("documents", None)]
)
def test_documented_cells_are_documented_by_their_own_rule(dialect: str, profile: str | None) -> None:
    from kms_conformance.core import specs  # noqa: PLC0415 - only here

    for name in [profile] if profile else specs.profile_names(dialect):
        found = contract(dialect, name)
        assert len({(c.operation, c.state, c.refusal, c.answers) for c in found.cells}) == len(found.cells)
        for cell in found.cells:
            for answer in cell.answers if cell.operation else ():
                came = SeenAnswer(cell.operation, *answer, cell.state or NO_KEY)
                assert cell.holds(came)
                assert found.documents(came), (name, str(cell))


def test_cells_are_seen_never_seen_or_not_documented() -> None:
    target = report(noted(seen(CANCEL, 400, "KMS.1402"), seen(CANCEL, 400, "KMS.1501", "disabled")))
    found = AnswersOfTarget.of(target, Profile.load("huawei"))
    never = {str(cell) for cell in found.never}
    assert f"{CANCEL} · enabled · 400 KMS.1501" in never
    assert f"{CANCEL} · disabled · 400 KMS.1501" not in never
    assert [each.answer for each in found.undocumented] == [seen(CANCEL, 400, "KMS.1402")]
    assert (found.undocumented[0].count, found.undocumented[0].first, found.undocumented[0].check) == (2, 7, REFUSED)
    validate_answers(found)
    listed = "\n".join(text.lines(found, 80, everything=True))
    assert "seen and not documented (1)" in listed
    assert f"{CANCEL} · disabled · 400 KMS.1501 (2)" in listed
    shown = text.markdown(found)
    assert "Seen and not documented: 1" in shown
    assert "This decides nothing." in shown


def validate_answers(found: AnswersOfTarget) -> None:
    validate(found.to_json(), "answers", "answers.json")


def test_codes_that_are_only_listed_are_counted_apart() -> None:
    found = AnswersOfTarget("aws", contract("aws"))
    assert all(cell.refusal == LISTED for cell in found.never_listed)
    assert "further codes that the documents list and no requirement demands" in " ".join(text.lines(found, 200))
    validate_answers(found)


def test_never_seen_answer_names_what_would_bring_it() -> None:
    target = report(noted(seen(CANCEL, 400, "KMS.1402"), seen(CANCEL, 403, "KMS.0303"), outcome="failed"))
    found = AnswersOfTarget.of(target, Profile.load("huawei"))
    cells = {cell.state: cell for cell in matching("kms.1501", found) if cell.name == "cancel"}
    why = why_never(cells["enabled"], found, target)
    assert why.reason == "A check asked for it, and another answer came, or the check could not be finished."
    assert why.requirements == ("cancel.not-pending.enabled",)
    assert (why.bringers[0].check, why.bringers[0].outcome) == (REFUSED, "failed")
    assert [each.answer.code for each in why.instead] == ["KMS.1402"], "the answer to wrong credentials is none"
    assert "it is not in the plan of this target" in why_never(cells["disabled"], found, target).bringers[0].outcome
    assert why_never(cells["disabled"], found, target).reason == "The checks that would bring it did not run."
    assert why_never(cells["pending_import"], found, target).reason.startswith("No requirement demands this refusal")
    assert why.to_json()["checks"][0] == {"check": REFUSED, "outcome": "failed"}
    success = next(cell for cell in matching("enable-key", found) if cell.state == "disabled")
    assert why_never(success, found, target).reason.startswith("No request of the run was carried out")


def test_two_runs_are_compared_by_the_checks_of_both() -> None:
    old = noted(seen(CANCEL, 400, "KMS.1501"), seen(CANCEL, 400, "KMS.1501", UNREAD))
    new = noted(seen(CANCEL, 400, "KMS.1402"))
    other = noted(seen("list-keys", 500), name="use::test_x")
    first, second = (RunSide(*samples.decided(samples.OTC, checks)) for checks in ([old], [new, other]))
    found = answer_changes(first, second)
    assert found.came == (seen(CANCEL, 400, "KMS.1402"),)
    assert found.gone == (seen(CANCEL, 400, "KMS.1501"),)
    assert not answer_changes(first, first)
    assert not answer_changes(first, RunSide(second.verdict))
    comparison = compared("a", {"otc": first}, "b", {"otc": second})
    validate(comparison.to_json(), "changes", "changes.json")
    shown = "\n".join(str(line) for line in changes.lines(comparison, 80))
    assert f"answers that came only in the second run (1)\n  {CANCEL} · enabled · 400 KMS.1402" in shown
    assert "#### Answers that came only in the first run (1)" in changes.markdown(comparison)
    assert comparison.exit_code() == 0
    drawn = replace(second.verdict, seed=1)
    fuzzed = [replace(each, family="fuzzing") for each in (old, new)]
    assert not answer_changes(RunSide(first.verdict, fuzzed[:1]), RunSide(drawn, fuzzed[1:]))


def test_run_that_noted_no_answers_is_told(written: Path) -> None:
    result = CliRunner().invoke(cli, ["answers", str(written / "conformant")], standalone_mode=False)
    assert isinstance(result.exception, UserMistake)
    assert "Run again with this version." in str(result.exception)
