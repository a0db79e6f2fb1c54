"""Entry: the target accepts the credentials, refuses an unknown key, and creates and describes a key."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario

# Requirements that can be judged only when a key is created.
_OF_CREATION: tuple[RequirementId, ...] = ("create.enabled", "create.reply", "create.date")


@requirement("unknown-key.cancel")
def test_key_that_nobody_has_is_not_cancelled(kms: Scenario) -> None:
    answer = kms.ask("cancel", key_id=kms.dialect.unknown_key())
    kms.must_be_refused("unknown-key.cancel", "unknown_key", answer)


@requirement("create.enabled", "create.reply", "create.date", "describe.reply")
def test_new_key_is_enabled(kms: Scenario) -> None:
    """If the run reuses a key and creates none, the ledger recalls the judgements of an earlier creation."""
    ledger = kms.pool.ledger
    known = all(ledger.recalls(name, _demanded(kms, name)) for name in _of_creation(kms))
    asked_at = kms.time.now()
    key = kms.pool.create() if known else kms.pool.create_new()
    view = kms.pool.read_until(key, lambda view: view.state == ENABLED)
    kms.judge.that("describe.reply", view.id == key, f"the key {key}", f"the key {view.id}")
    if key not in kms.pool.new:
        for name in _of_creation(kms):
            kms.judge.recalls(name)
        return
    kms.time.require_moved(view.created_at)
    # Before it has an alias, or anything else that a list may go by: `list.complete` is judged.
    kms.pool.list_keys()
    kms.judge.that("create.enabled", view.state == ENABLED, f"state {ENABLED}", f"state {view.state}")
    expected = f"created at {asked_at:%Y-%m-%dT%H:%M:%SZ}"
    kms.judge.that("create.date", _is_now(kms, view, asked_at), expected, view.created_at)
    if not kms.judge.broken and not kms.judge.unjudged:
        for name in _of_creation(kms):
            ledger.note(name, _demanded(kms, name))


def _of_creation(kms: Scenario) -> tuple[RequirementId, ...]:
    return tuple(name for name in _OF_CREATION if name in kms.judge.applicable)


def _demanded(kms: Scenario, name: str) -> str:
    """A digest of the requirement and the reply schemas of create. If it changes, the requirement is judged again."""
    schemas = {status: reply.schema for status, reply in kms.client.api["create"].replies.items()}
    text = json.dumps([kms.judge.catalogue[name].statement, schemas], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_now(kms: Scenario, view: KeyView, asked_at: datetime) -> bool:
    tolerance = kms.profile.deletion.date_tolerance_seconds
    return view.created_at is not None and abs((view.created_at - asked_at).total_seconds()) <= tolerance


@requirement("auth.token-from-iam")
def test_token_of_the_identity_service_signs_in(kms: Scenario) -> None:
    answer = kms.ask("list")
    if not answer.accepted:
        raise Inconclusive(f"The list of keys could not be read: {answer.summary}.")
    kms.must_be_accepted("auth.token-from-iam", answer)
