"""Limits and permissions of an account: they leave requirements open with advice, and accuse nobody."""

from __future__ import annotations

import json
import re
from pathlib import Path

from kms_conformance.apps.selftest.deviation import AWS, only, serving
from kms_conformance.apps.selftest.reply_mutations import on, on_refusal, saying, status
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.catalogue.api import Api

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"


def test_a_limit_is_told_as_one() -> None:
    full = on("set_alias", saying(lambda _: {"__type": "LimitExceededException", "message": "50 aliases"}), status(400))
    outcome = run_suite(
        serving(AWS, filters=[full], profile="aws-kms"), arguments=only(["replies", "belongings"]), in_real_time=False
    )
    verdicts = {entry["id"]: entry for entry in outcome.verdict["requirements"]}
    assert outcome.failed == set()
    for name in ("set-alias.reply", "update-alias.reply"):
        assert verdicts[name]["verdict"] == "inconclusive"
        assert "limit" in verdicts[name]["reason"]
    hints = {check.hint for check in outcome.checks if check.outcome == "inconclusive"}
    assert any("kms-conformance sweep" in hint for hint in hints)


def test_a_limit_that_the_operation_does_not_have_is_no_excuse() -> None:
    full = on("schedule", saying(lambda _: {"__type": "LimitExceededException", "message": "none"}), status(400))
    outcome = run_suite(serving(AWS, filters=[full]), arguments=only(["schedule"]), in_real_time=False)
    assert "schedule.state-after" in outcome.failed


def test_an_unknown_id_outside_of_the_policy_is_inconclusive_with_advice() -> None:
    denied = on_refusal(
        "unknown_key", saying(lambda _: {"__type": "AccessDeniedException", "message": "m"}), status(400)
    )
    outcome = run_suite(
        serving(AWS, filters=[denied], profile="aws-kms"), arguments=only(["unknown_keys"]), in_real_time=False
    )
    verdicts = {entry["id"]: entry for entry in outcome.verdict["requirements"]}
    assert outcome.failed == set()
    assert verdicts["unknown-key.describe"]["verdict"] == "inconclusive"
    hints = {check.hint for check in outcome.checks if check.outcome == "inconclusive"}
    assert any("docs/permissions.md" in hint for hint in hints)


def test_the_documents_give_an_unknown_id_one_answer() -> None:
    denied = on_refusal(
        "unknown_key", saying(lambda _: {"__type": "AccessDeniedException", "message": "m"}), status(400)
    )
    outcome = run_suite(serving(AWS, filters=[denied]), arguments=only(["unknown_keys"]), in_real_time=False)
    assert "unknown-key.describe" in outcome.failed


def test_the_policy_permits_what_a_run_sends_and_no_more() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## AWS KMS")[1].split("\n## ")[0]
    policy = json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[0])
    permitted = {action for statement in policy["Statement"] for action in _listed(statement["Action"])}
    sent = {f"kms:{operation.id}" for operation in Api.of("aws", "aws-kms").operations.values()}
    # ReEncrypt needs one permission on each of its two keys.
    assert permitted == sent - {"kms:ReEncrypt"} | {"kms:ReEncryptFrom", "kms:ReEncryptTo"}
    told = set(re.findall(r"`(kms:[A-Za-z]+)`", section))
    assert permitted <= told


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
