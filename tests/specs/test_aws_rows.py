"""Every row of AWS's table of key states is asked or excluded, and every choice of answers is in the errata."""

from __future__ import annotations

import pytest

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue

PROFILE = Profile.load("aws")
CATALOGUE = Catalogue.load("aws")
LIFECYCLE = PROFILE.facts["lifecycle"]
PREFIXES = {"pending_deletion": "pending", "disabled": "disabled", "pending_import": "pending-import"}
# Rows whose requirement has a name of its own.
NAMED = {
    ("schedule", "pending_deletion"): ("schedule.twice",),
    ("cancel", "enabled"): ("cancel.not-pending.enabled",),
    ("cancel", "disabled"): ("cancel.not-pending.disabled",),
    ("encrypt", "disabled"): ("state.disabled",),
    ("decrypt", "disabled"): ("state.disabled",),
    ("generate_data_key", "disabled"): ("state.disabled",),
    ("re_encrypt", "pending_deletion"): ("pending.re-encrypt-from", "pending.re-encrypt-to"),
    ("re_encrypt", "disabled"): ("disabled.re-encrypt-from", "disabled.re-encrypt-to"),
    ("re_encrypt", "pending_import"): ("pending-import.re-encrypt-to",),
}
# Rows that no request can reach.
EXCLUDED = {("decrypt", "pending_import"): "Decrypt and ReEncrypt of what a key that waits for import encrypted"}
ROWS = [(operation, state) for operation, by_state in LIFECYCLE.items() for state in by_state]


@pytest.mark.parametrize(("operation", "state"), ROWS, ids=map("-".join, ROWS))
def test_every_refusal_of_the_table_is_required_or_excluded(operation: str, state: str) -> None:
    excluded = EXCLUDED.get((operation, state))
    if excluded is not None:
        assert excluded in {source.row for source, _ in CATALOGUE.exclusions}
        return
    usual = (f"{PREFIXES.get(state)}.{operation.replace('_', '-')}",)
    for name in NAMED.get((operation, state), usual):
        assert name in CATALOGUE.requirements


@pytest.mark.parametrize("operation", LIFECYCLE)
def test_every_operation_that_the_table_allows_on_a_pending_key_is_asked_of_one(operation: str) -> None:
    if "pending_deletion" in LIFECYCLE[operation]:
        return
    name = "cancel.effect" if operation == "cancel" else f"pending.{operation.replace('_', '-')}"
    assert name in CATALOGUE.requirements


@pytest.mark.parametrize("profile", ["documents", "aws-kms"])
def test_every_choice_of_answers_is_in_the_register_of_errata(profile: str) -> None:
    refusals = Profile.load("aws", profile).facts["refusals"]
    registered = {(erratum.id, refusal) for erratum in CATALOGUE.errata for refusal in erratum.refusals}
    chosen = {name: entry for name, entry in refusals.items() if len(entry["answers"]) > 1 or entry.get("or_accepted")}
    for name, entry in chosen.items():
        assert entry.get("reason"), name
        assert entry.get("erratum"), name
        # Refusals that only the profile of a cloud has are registered under its question.
        if name in PROFILE.facts["refusals"]:
            assert (entry["erratum"], name) in registered, name


def test_operations_that_the_lifecycle_does_not_need_may_be_missing() -> None:
    needed = {name for name, operation in Api.load(PROFILE).operations.items() if not operation.beside}
    lifecycle = {"create", "describe", "list", "enable", "disable", "schedule", "cancel"}
    assert needed == lifecycle | {"encrypt", "decrypt", "generate_data_key"}


def test_every_document_is_dated() -> None:
    assert {document.dated for document in CATALOGUE.documents.values()} == {"undated"}
