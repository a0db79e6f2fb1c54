"""Wrong signatures stay below the number in a row after which a service locks an access key for all its users."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from conftest import Scene

from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.auth import SignerFactory, sabotages
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.judge import Inconclusive
from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.target import parse_target

# The way to sign in by signatures, of each dialect.
WAYS = {"huawei": "aksk", "alibaba": "v3", "aws": "permanent"}
FAILURES = 5
# Refusals after which a service may count a failure.
WRONG = {"wrong_signature", "stale_signature", "unknown_access_key", "incomplete_signature", "other_region"} | {
    "no_credentials",
    "replayed_nonce",
}


class Streaks:
    """A filter that counts refused signatures in a row."""

    def __init__(self) -> None:
        self.now = self.longest = self.all = 0

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        wrong = outbound.refusal in WRONG
        self.now = self.now + 1 if wrong else 0
        self.all += wrong
        self.longest = max(self.longest, self.now)
        return outbound


def test_the_smallest_documented_lock_is_the_one_assumed_elsewhere() -> None:
    locks = [Profile.load(dialect).facts.get("signature_lock") for dialect in specs.dialects()]
    assert min(lock["failures"] for lock in locks if lock) == FAILURES


# A run at standard takes a minute: tox run -e safety.
TIERS = ["smoke", *(["standard"] if os.environ.get("KMS_CONFORMANCE_SAFETY") == "all" else [])]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_no_run_sends_wrong_signatures_in_a_row(dialect: str, tier: str) -> None:
    streaks = Streaks()
    with Emulator(dialect, filters=[streaks]) as emulator:
        text = emulator.target_yaml(WAYS[dialect])
        outcome = run_suite(lambda: contextlib.nullcontext(text), tier=tier, timeout_seconds=400)
    assert outcome.failed == frozenset()
    assert streaks.all >= 4, "the run has sent wrong signatures"
    assert streaks.longest <= FAILURES // 2


@pytest.mark.parametrize("dialect", specs.dialects())
def test_wrong_signatures_are_interrupted_by_good_ones(scene: Callable[..., Scene], dialect: str) -> None:
    streaks = Streaks()
    at = scene(dialect, filters=[streaks])
    target = parse_target(at.emulator.target_yaml(WAYS[dialect]), "t")
    client = at.target_session.client
    wrong = next(
        each.signer for each in sabotages(target, SignerFactory(client.session)) if each.name == "wrong_secret"
    )
    request = client.dialect.request("describe", {"key_id": at.kms.key()})
    before = len(at.received)
    for _ in range(12):
        client.send(request, client.api["describe"], wrong)
    assert streaks.longest == FAILURES // 2
    assert len(at.received) - before == 12 + 5, "one good request after every two wrong ones"


@pytest.mark.parametrize("dialect", specs.dialects())
def test_where_good_signatures_are_refused_requests_end(scene: Callable[..., Scene], dialect: str) -> None:
    refusing = [False]
    refusal = Profile.load(dialect).refusal("wrong_signature").answers[0]

    def refuse(inbound: Inbound, outbound: Outbound) -> Outbound:
        if not refusing[0]:
            return outbound
        value = {"error_code": refusal.code, "Code": refusal.code, "__type": refusal.code}
        return replace(outbound, status=refusal.status, refusal="wrong_signature").with_value(value)

    at = scene(dialect, filters=[refuse])
    client = at.target_session.client
    key = at.kms.key()
    refusing[0] = True
    before = len(at.received)
    for _ in range(20):
        with contextlib.suppress(Inconclusive):
            client.ask("describe", key_id=key)
    assert len(at.received) - before == FAILURES - 1
    # The end of a run tries once more, and a target that serves again is served by.
    refusing[0] = False
    assert at.target_session.end() == ()
