"""Shapes of replies: the fields of every reply and error. Most of them are judged in `client/exchange_rules.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Unanswered
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.dialects.base import EVERY_ALIAS, KeyView
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.requests import TAG
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import must_name

_OF_KEY = {
    "describe": {},
    "encrypt": {"plaintext": "text"},
    "generate-data-key": {},
    "generate-data-key-without-plaintext": {},
    "list-tags": {},
}


@requirement("{operation}.reply")
@pytest.mark.parametrize("operation", _OF_KEY)
def test_reply_about_a_key(kms: Scenario, operation: str) -> None:
    key = kms.key(ENABLED)
    kms.accepts(as_id(f"{operation}.reply"), operation.replace("-", "_"), key_id=key, **_OF_KEY[operation])


@requirement("{operation}.reply")
@pytest.mark.parametrize(
    "operation", ["list", "instances", "quotas", "versions", "version", "regions", "account-status"]
)
def test_reply_about_the_account(kms: Scenario, operation: str) -> None:
    kms.accepts(as_id(f"{operation}.reply"), operation.replace("-", "_"))


@requirement("decrypt.reply")
def test_reply_to_decrypt(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    answer = kms.accepts("encrypt.reply", "encrypt", key_id=key, plaintext="text")
    ciphertext = kms.dialect.secret_output("encrypt", answer.value)
    kms.must_echo("decrypt", kms.accepts("decrypt.reply", "decrypt", ciphertext=ciphertext), kms.view(key))


@requirement("update-description.reply")
def test_description_reads_back(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    was = kms.view(key).description or ""
    for description in (f"{was} changed", was):
        answer = kms.accepts("update-description.reply", "update_description", key_id=key, description=description)
        view = kms.pool.read_until(key, _described(description))
        same = view.description == description
        kms.judge.that("update-description.reply", same, repr(description), repr(view.description), (answer.number,))
        told = kms.dialect.key(answer.value).description
        if told is not None:
            told_in = f"the new description in the reply, {description!r}", repr(told)
            kms.judge.that("update-description.reply", told == description, *told_in, (answer.number,))


def _described(description: str) -> Callable[[KeyView], bool]:
    return lambda view: view.description == description


@requirement("set-alias.reply")
def test_alias_names_the_key(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    alias = kms.new_alias().ljust(EVERY_ALIAS, "0")
    # Other checks name the key by its id.
    answer = kms.accepts("set-alias.reply", "set_alias", key_id=kms.arn_or_id("set_alias", key), alias=alias)
    must_name(kms, "set-alias.reply", alias, key, answer)


@requirement("tag.reply")
def test_tag_reads_back(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    value = kms.chance.hex(6)
    answer = kms.accepts("tag.reply", "tag", key_id=key, tags={TAG: value})

    def listed() -> dict[str, str | None]:
        return dict(kms.dialect.tags(kms.ask("list_tags", key_id=key).value))

    told = f"the tag {TAG} with the value {value}", str
    kms.must_show("tag.reply", listed, lambda listed: listed.get(TAG) == value, told, answer, "list_tags")


@requirement("schedule.reply.xml")
def test_reply_in_xml(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    request = kms.dialect.request("schedule", {"key_id": key, "window": kms.days})
    in_xml = kms.dialect.protocol_cases["xml"].change
    answer = kms.client.send(in_xml(request), kms.client.api["schedule"])
    kms.must_be_xml("schedule.reply.xml", answer)
    kms.must_be_accepted("schedule.reply.xml", answer, key)
    kms.must_read_back("schedule.reply.xml", key, [PENDING], answer)


@requirement(
    "error.shape",
    "reply.status",
    "reply.content-type",
    "reply.encoding",
    "reply.request-id",
    "reply.no-server-error",
    "reply.answered",
)
def test_errors_and_successes_have_their_shape(kms: Scenario) -> None:
    """Cause one success and one error. The rules for every exchange (`client/exchange_rules.py`) judge their fields."""
    success = kms.accepts("describe.reply", "describe", key_id=kms.key(ENABLED))
    error = kms.ask("describe", key_id=kms.dialect.unknown_key())
    if error.error is None or error.status == success.status:
        kms.judge.breaks("error.shape", "an error with the documented fields", error.summary, (error.number,))
    if kms.dialect.request_id(error.reply, error.value) is None and not kms.profile.request_id.required:
        # The profile does not demand request ids, and the reply has none, so the requirement is not broken.
        kms.judge.holds("reply.request-id")


@requirement("refused.changes-nothing")
def test_no_refusal_changes_a_key(kms: Scenario) -> None:
    """Send all requests that must be refused for a key in one state; after them, the key must be unchanged."""
    for state in (ENABLED, PENDING):
        key = kms.key(state)
        before = kms.view(key)
        refused = [
            _ask_what_is_refused(kms, operation, key)
            for operation in ("schedule", "cancel", "enable", "disable")
            if operation == "schedule" or kms.profile.refusal_in(operation, state)
        ]
        if any(answer.accepted for answer in refused):
            _must_change_nothing_alone(kms, key, state, [answer for answer in refused if not answer.accepted])
            raise Inconclusive("A request that must be refused was accepted; another check judges that.")
        kms.must_be_unchanged("refused.changes-nothing", before, kms.read(key), refused[-1])


def _ask_what_is_refused(kms: Scenario, operation: str, key: str) -> Answer:
    """Send an operation on a key; scheduling has a window out of range."""
    return kms.ask(operation, **({"window": kms.window.maximum + 1} if operation == "schedule" else {}), key_id=key)


def _must_change_nothing_alone(kms: Scenario, key: str, state: str, refused: Sequence[Answer]) -> None:
    """Send each refused request again, and judge that it leaves the key in its state.

    The key may have left its state by one of them, so that a later request was accepted.
    """
    for first in refused:
        if first.operation is None:
            continue
        kms.pool.bring(key, state)
        before = kms.view(key)
        answer = _ask_what_is_refused(kms, first.operation.name, key)
        if not answer.accepted:
            kms.must_be_unchanged("refused.changes-nothing", before, kms.read(key), answer)


@requirement("reply.no-server-error", "reply.answered")
def test_hostile_bodies_meet_no_server_error(kms: Scenario) -> None:
    """Send bodies that break parsers. Any refusal without an internal error passes; the key must stay unchanged."""
    key = kms.key(ENABLED)
    before = kms.view(key)
    for body in (b"[]", b"null", b"\xff\xfe", b'{"a":' * 2000, b'{"key_id": 1e999}', b"\x00"):
        plain = kms.dialect.request("cancel", {"key_id": key})
        try:
            answer = kms.client.send(kms.dialect.with_body(plain, body), kms.client.api["cancel"])
        except Unanswered:
            # The missing reply is recorded; the other bodies are still sent.
            continue
        if answer.accepted:
            raise Inconclusive(f"A request with the body {body[:20]!r} was accepted.")
        kms.must_be_unchanged("refused.changes-nothing", before, kms.read(key), answer)
