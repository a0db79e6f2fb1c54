"""Generated requests that get no reply: they are told of, and the others go on. What was never asked proves nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from kms_conformance.client.judge import Inconclusive
from kms_conformance.emulator import Inbound, Outbound
from kms_conformance.suite.fuzz import chains
from kms_conformance.suite.fuzz.chains import walk_chains
from kms_conformance.suite.fuzz.operations import fuzz_operation


class Hanging:
    """Closes the connection on what is picked, and counts what it was asked."""

    def __init__(self, operation: str, most: int | None = None) -> None:
        self._operation = operation
        self._left = most
        self.silent = 0
        self.asked: Counter[str | None] = Counter()

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        self.asked[inbound.operation] += 1
        odd = inbound.operation == self._operation and outbound.refusal is not None
        if not odd or self._left == self.silent:
            return outbound
        self.silent += 1
        return replace(outbound, silence="closed")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kms_conformance.client.missing_replies._PAUSES", (0.01,) * 5)


def test_fuzzing_ends_after_a_few_requests_without_a_reply_and_says_so(scene) -> None:
    hanging = Hanging("cancel")
    at = scene("huawei", filters=[hanging])
    with pytest.raises(Inconclusive, match="3 generated requests got no reply, so no more were sent"):
        fuzz_operation(at.kms, "cancel")
    assert "reply.answered" in {failure.requirement for failure in at.kms.judge.failures}


def test_fuzzing_goes_on_after_a_request_that_was_not_answered_once(scene) -> None:
    hanging = Hanging("cancel", most=1)
    at = scene("huawei", filters=[hanging])
    fuzz_operation(at.kms, "cancel")
    assert hanging.silent == 1
    assert hanging.asked["cancel"] > 20
    assert at.kms.judge.failures == []


def test_chains_go_on_after_a_request_without_a_reply(scene) -> None:
    hanging = Hanging("cancel", most=1)
    at = scene("huawei", filters=[hanging])
    walk_chains(at.kms)
    assert "reply.answered" in at.kms.judge.passes


def test_chains_that_were_never_asked_are_no_pass(scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "drawn_chains", lambda *_: [None, None])
    with pytest.raises(Inconclusive, match="No chain was tested"):
        walk_chains(scene("huawei").kms)
