"""Runs in the dialect `alibaba` whose credentials are too few, or end in between, accuse nobody and say what to do."""

from __future__ import annotations

import pytest

from kms_conformance.apps.selftest.deviation import ALIBABA, serving
from kms_conformance.apps.selftest.runner import Outcome, run_suite
from kms_conformance.emulator import Decisions, Inbound


class Expiring(Decisions):
    """The security token of the caller expires after 200 requests."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return "expired_token" if inbound.number > 200 else super().signature_problem(found, inbound)


class PolicyOfNamedKeys(Decisions):
    """The caller may name existing keys only."""

    def answer(self, refusal):
        return super().answer("not_permitted" if refusal in {"unknown_key", "malformed_key"} else refusal)


class InInstancesOnly(Decisions):
    """Keys are created in an instance only."""

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        outside = inbound.operation == "create" and not inbound.parameters.get("DKMSInstanceId")
        return "instance_needed" if outside else super().signature_problem(found, inbound)


class Unavailable(Decisions):
    """Keys cannot be used at the moment."""

    def refusal_for(self, operation, key):
        busy = operation in {"encrypt", "decrypt", "generate_data_key"}
        return "key_unavailable" if busy else super().refusal_for(operation, key)


def _run(decisions: type[Decisions], auth: str = "v3") -> tuple[Outcome, dict[str, str]]:
    outcome = run_suite(serving(ALIBABA, decisions=[decisions], auth=auth, profile="alibaba-cloud"), in_real_time=False)
    hints = {check.reason: check.hint for check in outcome.checks if check.outcome == "inconclusive"}
    return outcome, hints


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("decisions", "auth", "reason", "hint"),
    [
        (Expiring, "sts", "The token of the credentials has expired", "Get new temporary credentials"),
        (PolicyOfNamedKeys, "v3", "The permissions of the credentials do not cover", "docs/permissions.md"),
        (InInstancesOnly, "v3", "No key could be created", "set `instance_id` in the target file"),
        (Unavailable, "v3", "The key cannot be used at the moment", "Run again later"),
    ],
    ids=["token expires", "policy of named keys", "instance needed", "keys unavailable"],
)
def test_nobody_is_accused_and_the_next_step_is_named(
    decisions: type[Decisions], auth: str, reason: str, hint: str
) -> None:
    outcome, hints = _run(decisions, auth)
    assert (outcome.exit_code, outcome.failed) == (3, frozenset())
    found = [told for why, told in hints.items() if reason in why]
    assert found
    assert all(hint in told for told in found)


def test_without_an_instance_one_request_is_refused_and_one_reason_is_told() -> None:
    outcome, hints = _run(InInstancesOnly)
    assert len({hint for hint in hints.values() if hint}) == 1
    assert outcome.verdict["keys_created"] == 0
