"""Authentication: a request with one thing wrong about its credentials is refused and changes nothing."""

from __future__ import annotations

import pytest

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED
from kms_conformance.suite.credentials import FAULTS, all_sabotages, found_sabotages
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


@requirement("auth.{fault}")
@pytest.mark.parametrize("fault", FAULTS)
def test_request_is_refused(kms: Scenario, fault: str) -> None:
    found = found_sabotages(kms, fault)
    key = kms.key(ENABLED)
    before = kms.view(key)
    request = kms.dialect.request("schedule", {"key_id": key, "window": kms.days})
    for sabotage in found:
        answer = kms.client.send(request, kms.client.api["schedule"], sabotage.signer)
        kms.must_be_refused(as_id(f"auth.{fault}"), sabotage.refusal, answer, {key: before})


@requirement("auth.replayed-nonce")
def test_replayed_request_is_refused(kms: Scenario) -> None:
    sabotage = next(sabotage for sabotage in all_sabotages(kms) if sabotage.name == "replayed_nonce")
    request = kms.dialect.request("describe", {"key_id": kms.key(ENABLED)})
    first = kms.client.send(request, kms.client.api["describe"], sabotage.signer)
    if not first.accepted:
        raise Inconclusive(f"The first request, which is to be replayed, was refused: {first.summary}.")
    second = kms.client.send(request, kms.client.api["describe"], sabotage.signer)
    kms.must_be_refused("auth.replayed-nonce", sabotage.refusal, second)
