"""A look-up of an id before a change may name it: which answers say that the id is nobody's, and which do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.judge import Inconclusive
from kms_conformance.core import specs
from kms_conformance.emulator import Inbound, Outbound

PROXY = ""
DENIED = {
    "huawei": (403, "KMS.0306"),
    "alibaba": (403, "Forbidden.NoPermission"),
    "aws": (400, "AccessDeniedException"),
}
# A status each that says nothing of keys, and a page of a proxy that has never heard of the service.
ELSE = [(400, "X.Other"), (401, "X.Other"), (403, "X.Other"), (404, "X.Other"), (405, "X.Other"), (409, "X.Other")]
ELSE += [(400, PROXY), (401, PROXY), (403, PROXY), (404, PROXY), (405, PROXY), (409, PROXY), (410, PROXY)]
UNTOLD = [(dialect, *answer) for dialect in specs.dialects() for answer in (DENIED[dialect], *ELSE)]
TOLD = [
    (dialect, answer.status, answer.code)
    for dialect in specs.dialects()
    for name in ("unknown_key", "malformed_key")
    for answer in Profile.load(dialect).refusal(name).answers
    if Profile.load(dialect).tells_absent(answer.status, answer.code, may_be_malformed=False)
]


def answering(dialect: str, status: int, code: str) -> Callable[[Inbound, Outbound], Outbound]:
    """A filter: whoever looks up a key that is not there is answered so."""
    profile = Profile.load(dialect)
    known = {answer.code for name in ("unknown_key", "malformed_key") for answer in profile.refusal(name).answers}

    def changed(inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != "describe" or outbound.refusal is None:
            return outbound
        if code == PROXY:
            page = replace(outbound, body=b"<html><title>Nothing here</title></html>")
            return replace(page.with_header("Content-Type", "text/html"), status=status)
        said = json.dumps(outbound.value)
        for other in known:
            said = said.replace(f'"{other}"', f'"{code}"')
        return replace(outbound.with_value(json.loads(said)), status=status)

    return changed


@pytest.mark.parametrize(("dialect", "status", "code"), UNTOLD)
def test_what_does_not_say_that_there_is_no_such_key_keeps_the_change_here(
    scene, dialect: str, status: int, code: str
) -> None:
    at = scene(dialect, filters=[answering(dialect, status, code)])
    key = at.kms.dialect.unknown_key()
    before = len(at.received)
    with pytest.raises(Inconclusive):
        at.kms.ask("schedule", key_id=key, window=at.kms.window.minimum)
    client = at.target_session.client
    assert client.send_if_allowed(at.kms.dialect.request("cancel", {"key_id": key}), client.api["cancel"]) is None
    assert {inbound.operation for inbound in at.received[before:]} <= {"describe", "list"}


@pytest.mark.parametrize(("dialect", "status", "code"), TOLD)
def test_what_the_profile_lists_for_an_id_that_no_key_has_lets_the_change_leave(
    scene, dialect: str, status: int, code: str
) -> None:
    at = scene(dialect, filters=[answering(dialect, status, code)])
    before = len(at.received)
    at.kms.ask("schedule", key_id=at.kms.dialect.unknown_key(), window=at.kms.window.minimum)
    assert [inbound.operation for inbound in at.received[before:]] == ["describe", "schedule"]
