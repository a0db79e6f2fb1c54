"""Belongings of a pending or disabled key, which are its aliases, tags, grants, policy and rotation.

The checks cover each row on them in the vendor's key-state table.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.belongings import same_value
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.client.patience import ALIAS
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.requests import TAG
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import must_name

# The number of characters of a policy that a failure quotes.
_MOST_SHOWN = 300
Arguments = dict[str, Any]
Prepare = Callable[[Scenario, str], Arguments]


def _key(kms: Scenario, key: str) -> Arguments:
    return {"key_id": key}


def _encrypted_by_it(kms: Scenario, key: str) -> Arguments:
    return {"ciphertext": kms.encrypted(key), "key_id": kms.key(ENABLED, key)}


def _encrypted_by_another(kms: Scenario, key: str) -> Arguments:
    return {"ciphertext": kms.encrypted(kms.key(ENABLED, key)), "key_id": key}


def _tag(kms: Scenario, key: str) -> Arguments:
    return {"key_id": key, "tags": {TAG: kms.chance.hex(6)}}


def _tagged(kms: Scenario, key: str) -> Arguments:
    _done(kms, "tag", **_tag(kms, key))
    return {"key_id": key, "tag_keys": [TAG]}


def _alias_of_another(kms: Scenario, key: str) -> Arguments:
    alias = kms.new_alias()
    _done(kms, "set_alias", key_id=kms.key(ENABLED, key), alias=alias)
    return {"key_id": key, "alias": alias}


def _grant(kms: Scenario, key: str) -> Arguments:
    principal = kms.dialect.principal(kms.view(key).arn or "")
    return {"key_id": key, "grantee": principal, "grant_operations": ["DescribeKey"]}


def _granted(kms: Scenario, key: str) -> Arguments:
    return {"key_id": key, "grant_id": _done(kms, "create_grant", **_grant(kms, key))}


def _policy(kms: Scenario, key: str) -> Arguments:
    """The key's own policy with another `Id`, which changes no permissions; as it is if it is no JSON object."""
    text = str(_done(kms, "get_policy", key_id=key))
    with suppress(ValueError):
        policy = json.loads(text)
        if isinstance(policy, dict):
            text = json.dumps(policy | {"Id": f"{TAG}-{kms.chance.hex(3)}"})
    return {"key_id": key, "policy": text}


def _done(kms: Scenario, operation: str, **arguments: object) -> object:
    """Send an operation to prepare a check; returns a value from its reply. Raises `Inconclusive` if it is refused."""
    answer = kms.done(operation, **arguments)
    return kms.dialect.result(operation, answer.value) if operation in ("create_grant", "get_policy") else None


# name of the requirement -> (operation, its arguments, the operation that shows whether anything changed)
_REFUSED: dict[str, tuple[str, Prepare, str | None]] = {
    "generate-data-key-without-plaintext": ("generate_data_key_without_plaintext", _key, None),
    "re-encrypt-from": ("re_encrypt", _encrypted_by_it, None),
    "re-encrypt-to": ("re_encrypt", _encrypted_by_another, None),
    "tag": ("tag", _tag, "list_tags"),
    "untag": ("untag", _tagged, "list_tags"),
    "update-alias": ("update_alias", _alias_of_another, "list_aliases"),
    "create-grant": ("create_grant", _grant, "list_grants"),
    "enable-rotation": ("enable_rotation", _key, "rotation_status"),
    "disable-rotation": ("disable_rotation", _key, "rotation_status"),
}
# The rows that the table refuses for disabled keys too. Other uses are in `test_use.py`.
_REFUSED_WHEN_DISABLED = (
    "generate-data-key-without-plaintext",
    "re-encrypt-from",
    "re-encrypt-to",
    "create-grant",
    "enable-rotation",
    "disable-rotation",
)
_ALLOWED: dict[str, tuple[str, Prepare]] = {
    "get-policy": ("get_policy", _key),
    "put-policy": ("put_policy", _policy),
    "list-policies": ("list_policies", _key),
    "rotation-status": ("rotation_status", _key),
    "list-tags": ("list_tags", _key),
    "list-aliases": ("list_aliases", _key),
    "list-grants": ("list_grants", _key),
    "revoke-grant": ("revoke_grant", _granted),
}


@requirement("pending.{use}")
@pytest.mark.parametrize("use", _REFUSED)
def test_pending_key_refuses(kms: Scenario, use: str) -> None:
    _must_refuse(kms, as_id(f"pending.{use}"), use, PENDING)


@requirement("disabled.{use}")
@pytest.mark.parametrize("use", _REFUSED_WHEN_DISABLED)
def test_disabled_key_refuses(kms: Scenario, use: str) -> None:
    _must_refuse(kms, as_id(f"disabled.{use}"), use, DISABLED)


def _must_refuse(kms: Scenario, requirement_id: RequirementId, use: str, state: str) -> None:
    """The same request must be accepted for the enabled key first: a request that is always refused proves nothing."""
    operation, prepare, shows = _REFUSED[use]
    key = kms.key(ENABLED)
    _done(kms, operation, **prepare(kms, key))
    arguments = prepare(kms, key)
    kms.pool.bring(key, state)
    # On a target that was seen to lag, what the preparation did to the key may show late.
    kms.pool.patience.wait_for_late_effects()
    before = kms.ask(shows, key_id=key) if shows else None
    refusal = kms.profile.refusal_in(operation, state)
    assert refusal is not None
    answer = kms.refuses(requirement_id, refusal, operation, unchanged=[key], **arguments)
    if operation == "update_alias":
        _must_stay_named(kms, str(arguments["alias"]), key, answer)
    if shows and before is not None:
        was = kms.dialect.result(shows, before.value)
        kms.must_still_show(
            requirement_id,
            lambda: kms.dialect.result(shows, kms.ask(shows, key_id=key).value),
            lambda now: now == was,
            (f"{was}, as before the refused request", str),
            answer,
            shows,
        )


def _must_stay_named(kms: Scenario, alias: str, key: str, answer: Answer) -> None:
    """Judge that an alias, which could not be moved to a key, still names another key."""
    if answer.accepted:
        return
    told = f"{alias} still names another key", lambda named: f"it names {named or 'no key'}"
    named = partial(kms.key_named, alias, key)
    kms.must_show("refused.changes-nothing", named, lambda named: named not in (None, key), told, answer, ALIAS)


@requirement("pending.{use}")
@pytest.mark.parametrize("use", _ALLOWED)
def test_pending_key_allows(kms: Scenario, use: str) -> None:
    """The same request must be accepted for the enabled key first: otherwise a refusal has another reason."""
    operation, prepare = _ALLOWED[use]
    key = kms.key(ENABLED)
    _done(kms, operation, **prepare(kms, key))
    arguments = prepare(kms, key)
    kms.pool.bring(key, PENDING)
    before = kms.view(key)
    answer = kms.accepts(as_id(f"pending.{use}"), operation, **arguments)
    kms.must_be_unchanged(as_id(f"pending.{use}"), before, kms.read(key), answer)
    if use == "revoke-grant":
        _must_be_revoked(kms, key, str(arguments["grant_id"]), answer)
    if use == "put-policy":
        kms.must_show(
            "pending.put-policy",
            lambda: str(kms.result("get_policy", key_id=key)),
            lambda text: same_value(text, arguments["policy"]),
            ("the policy that was put", lambda text: text[:_MOST_SHOWN]),
            answer,
            "get_policy",
        )


def _must_be_revoked(kms: Scenario, key: str, grant: str, answer: Answer) -> None:
    """Judge that a grant is no longer listed."""
    kms.must_show(
        "pending.revoke-grant",
        lambda: str(kms.result("list_grants", key_id=key)),
        lambda listed: grant not in listed,
        (f"no grant {grant}", str),
        answer,
        "list_grants",
    )


@requirement("pending.update-alias-away")
def test_alias_of_a_pending_key_can_be_moved_away(kms: Scenario) -> None:
    """Only the state of the key that gets the alias counts."""
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    alias = kms.new_alias()
    _done(kms, "set_alias", key_id=key, alias=alias)
    kms.pool.bring(key, PENDING)
    before = kms.view(key)
    answer = kms.accepts("pending.update-alias-away", "update_alias", key_id=other, alias=alias)
    must_name(kms, "pending.update-alias-away", alias, other, answer)
    kms.must_be_unchanged("pending.update-alias-away", before, kms.read(key), answer)
    _done(kms, "delete_alias", alias=alias)
