"""What a failure says besides expected and received: what is wrong with the request, and what to do next.

Checks are called one by one, at an emulator with a deliberate fault.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from kms_conformance.apps.selftest.deviation import serving
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.reply_mutations import saying, status, where
from kms_conformance.client.judge import Inconclusive, Judge, Judgement, Stop
from kms_conformance.client.ledger import Ledger
from kms_conformance.core.runtime import skipped_pauses
from kms_conformance.core.tier import EFFORTS
from kms_conformance.emulator import Filter
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.suite import test_authentication as authentication
from kms_conformance.suite import test_replies as replies
from kms_conformance.suite import test_use as use
from kms_conformance.suite.scenario import Scenario
from kms_conformance.target import parse_target

Check = Callable[[Scenario], None]


@contextlib.contextmanager
def at(served: Callable[[], contextlib.AbstractContextManager[str]], folder: Path) -> Iterator[Scenario]:
    """What a check has of a target that is served."""
    with skipped_pauses(), served() as text, contextlib.ExitStack() as stack:
        target = parse_target(text, "t")
        session = TargetSession(target, Ledger.of(target, folder), 2)
        stack.callback(session.close)
        session.open()
        judge = Judge(session.catalogue, session.applicable, take=session.client.start_findings().take)
        yield Scenario(session.client, session.pool, session.time, judge, EFFORTS["smoke"], 1, session.others)


def failure_of(name: str, dialect: str, check: Check, requirement: str, folder: Path) -> Judgement:
    """The first failure of a requirement that a check finds at an emulator with the fault of this name."""
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    with at(fault.serving(dialect), folder) as kms:
        with contextlib.suppress(Stop, Inconclusive):
            check(kms)
        return next(failure for failure in kms.judge.failures if failure.requirement == requirement)


def without(operations: Sequence[str]) -> Filter:
    """The target does not have these operations."""
    unknown = {"RequestId": "r", "Code": "InvalidAction.NotFound", "Message": "m", "HostId": "h"}
    return where(lambda inbound, _: inbound.operation in operations, saying(lambda _: unknown), status(404))


@pytest.mark.parametrize(
    ("fault", "dialect", "named", "told"),
    [
        ("rpc-v1-parameters-not-covered", "alibaba", "tampered", "The parameter Tampered=1 was added to the query"),
        ("sigv4-day-unchecked", "aws", "other-scope", "The scope of the signature names another day"),
        ("token-absent-refused-but-done", "huawei", "missing", "The request has no credentials."),
    ],
)
def test_a_failure_of_authentication_says_what_is_wrong_with_the_request(
    fault: str, dialect: str, named: str, told: str, tmp_path: Path
) -> None:
    def check(kms: Scenario) -> None:
        authentication.test_request_is_refused(kms, named)

    assert failure_of(fault, dialect, check, f"auth.{named}", tmp_path).hint.startswith(told)


@pytest.mark.parametrize("fault", ["missing-context-accepted", "other-context-accepted"])
def test_a_wrong_context_is_told_with_that_of_the_ciphertext(fault: str, tmp_path: Path) -> None:
    check = use.test_text_in_a_context_is_decrypted_in_that_context_alone
    hint = failure_of(fault, "aws", check, "decrypt.context", tmp_path).hint
    assert hint.startswith("The ciphertext was made in the context {'purpose': 'conformance', 'Part': '1'};")
    assert hint.endswith("no context." if fault.startswith("missing") else "{'purpose': 'other', 'Part': '1'}.")


def test_an_operation_that_a_target_does_not_have_is_named_as_a_profile_leaves_it_out(tmp_path: Path) -> None:
    with at(serving("alibaba", filters=[without(["update_description", "encrypt"])]), tmp_path) as kms:
        with pytest.raises(Stop):
            replies.test_description_reads_back(kms)
        (failure,) = kms.judge.failures
        assert failure.requirement == "update-description.reply"
        assert "as if UpdateKeyDescription did not exist: serve it." in failure.hint
        assert "put update_description under `lacks` in a profile of your own: docs/certify" in failure.hint
        with pytest.raises(Inconclusive) as raised:
            kms.done("encrypt", key_id=kms.key(), plaintext="text")
        assert "under `lacks` in a profile of your own" in raised.value.hint
