"""Answers are noted with the state in which the key was last read, or what the request named instead."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kms_conformance.catalogue.api import Api
from kms_conformance.client.answer import Answer
from kms_conformance.client.answers_seen import NO_KEY, NOT_OURS, OTHER_NAME, UNREAD, AnswersSeen
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.target_client import Client
from kms_conformance.dialects.base import ErrorView
from kms_conformance.target import parse_target
from kms_conformance.wire.messages import Reply

KEY = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
OTHER = "11111111-e727-4d9c-b35d-f84bb474a37f"
TARGET = """\
name: mine
dialect: huawei
base_url: http://127.0.0.1:1
auth: {token: tttttttttttttttttttt, project_id: "00000000000000000000000000000000"}
"""


class Noting:
    """The notes of a client without a network; each call adds one answer."""

    def __init__(self, folder: Path) -> None:
        target = parse_target(TARGET, "t.yaml")
        ledger = Ledger.of(target, folder)
        ledger._held.update({KEY, OTHER})  # noqa: SLF001 - the keys of the run, without lines on disk
        self.client = Client(target, ledger)
        self.seen: AnswersSeen = self.client.answers_seen
        self.api: Api = self.client.api

    def note(
        self, name: str, status: int = 200, code: str | None = None, body: Any = None, **arguments: object
    ) -> None:
        operation = self.api[name]
        value = body if code is None else {"error": {"error_code": code, "error_msg": "m"}}
        self.seen.note(
            Answer(
                operation=operation,
                request=self.client.dialect.request(name, arguments),
                reply=Reply(status, "", (), json.dumps(value).encode(), 0.0),
                spec=operation.replies.get(status),
                value=value,
                problems=(),
                error=None if code is None else ErrorView(code, "m"),
                number=1,
                sent_at=datetime.now(UTC),
                documented=tuple(operation.replies),
            )
        )

    def described(self, state: str, key: str = KEY) -> None:
        body = {"key_info": {"key_id": key, "key_state": state}}
        self.note("describe", body=body, key_id=key)

    def states(self) -> list[object]:
        return [each["state"] for each in self.seen.take()]


@pytest.fixture
def noting(tmp_path: Path) -> Noting:
    return Noting(tmp_path)


def test_state_is_that_of_the_last_description(noting: Noting) -> None:
    noting.note("cancel", 400, "KMS.1501", key_id=KEY)
    assert noting.states() == [UNREAD]
    noting.described("3")
    assert noting.states() == [UNREAD], "before the reply, nothing was known"
    noting.note("cancel", 400, "KMS.1501", key_id=KEY)
    assert noting.states() == ["disabled"]


def test_accepted_changes_lead_to_a_state_and_refused_ones_do_not(noting: Noting) -> None:
    noting.described("2")
    noting.note("schedule", key_id=KEY, window=7)
    noting.note("schedule", 400, "KMS.1402", key_id=KEY, window=7)
    noting.note("cancel", 400, "KMS.0301", key_id=KEY)
    noting.note("cancel", key_id=KEY)
    noting.note("enable", 400, "KMS.1201", key_id=KEY)
    found = {(each["operation"], each["status"]): each["state"] for each in noting.seen.take()}
    assert found["schedule-key-deletion", 200] == "enabled"
    assert found["schedule-key-deletion", 400] == "pending_deletion"
    assert found["cancel-key-deletion", 400] == "pending_deletion"
    assert found["enable-key", 400] == UNREAD, "only a reply shows the state after a cancelled deletion"


def test_pending_key_that_is_not_found_is_gone(noting: Noting) -> None:
    noting.described("4")
    noting.note("enable", 404, "KMS.0207", key_id=KEY)
    assert "gone" in noting.states()


def test_what_is_named_in_place_of_a_key(noting: Noting) -> None:
    noting.note("list")
    noting.note("create", alias="kms-conformance-x")
    assert noting.states() == [NO_KEY, NO_KEY]
    noting.note("describe", 404, "KMS.0207", key_id="22222222-e727-4d9c-b35d-f84bb474a37f")
    assert noting.states() == [NOT_OURS]
    noting.note("describe", key_id="alias/kms-conformance-x")
    assert noting.states() in ([NOT_OURS], [OTHER_NAME])


def test_ciphertext_names_the_key_that_made_it(noting: Noting) -> None:
    noting.described("2")
    noting.note("encrypt", body={"key_id": KEY, "cipher_text": "c1"}, key_id=KEY, plaintext="x")
    noting.described("3")
    noting.seen.take()
    noting.note("decrypt", 400, "KMS.0209", ciphertext="c1")
    assert noting.states() == ["disabled"]
    noting.note("decrypt", 400, "KMS.0205", ciphertext="c2")
    assert noting.states() == [UNREAD]


def test_equal_answers_are_counted_and_codes_are_cleaned(noting: Noting) -> None:
    noting.seen.clean = lambda text: text.replace("secret", "[redacted]")
    for _ in range(3):
        noting.note("list", 403, "secret")
    (found,) = noting.seen.take()
    assert (found["count"], found["code"]) == (3, "[redacted]")
    assert noting.seen.take() == ()
