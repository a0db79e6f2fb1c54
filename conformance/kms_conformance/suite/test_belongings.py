"""Belongings of a key, which are its tags, aliases, grants, policy and rotation.

Values that are set read back, and values that are removed do not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.client.oracle import ENABLED
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario

_TAG = "kms-conformance"
# The number of names that a failure quotes.
_MOST_NAMES = 10


@requirement("untag.reply")
def test_tag_that_is_taken_off_is_gone(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    kms.accepts("tag.reply", "tag", key_id=key, tags={_TAG: "1"})
    answer = kms.accepts("untag.reply", "untag", key_id=key, tag_keys=[_TAG])
    listed = _told(kms, "list_tags", key)
    kms.judge.that("untag.reply", f'"{_TAG}"' not in listed, f"no tag {_TAG}", listed, (answer.number,))


@requirement("update-alias.reply", "list-aliases.reply")
def test_alias_goes_to_another_key(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    alias = kms.dialect.alias(f"{MARKER_PREFIX}{kms.chance.hex(6)}")
    kms.accepts("set-alias.reply", "set_alias", key_id=key, alias=alias)
    answer = kms.accepts("update-alias.reply", "update_alias", key_id=other, alias=alias)
    for owner, owns in ((other, True), (key, False)):
        listing = kms.accepts("list-aliases.reply", "list_aliases", key_id=owner)
        listed = kms.dialect.aliases(listing.value)
        foreign = [f"{name} of {named}" for name, named in listed.items() if named not in (None, owner)]
        kms.judge.that("list-aliases.reply", not foreign, f"aliases of {owner} only", _some(foreign), (listing.number,))
        # An alias that the list gives to another key is not counted twice.
        own = sorted((name for name, named in listed.items() if named in (None, owner)), key=lambda name: name != alias)
        expected = f"{alias} {'' if owns else 'not '}among the aliases of {owner}"
        kms.judge.that("update-alias.reply", (alias in own) is owns, expected, _some(own), (answer.number,))
    kms.accepts("delete-alias.reply", "delete_alias", alias=alias)


@requirement("{operation}.reply", "rotation-status.reply")
@pytest.mark.parametrize(
    ("operation", "on"), [("enable-rotation", True), ("disable-rotation", False)], ids=["on", "off"]
)
def test_rotation_reads_back(kms: Scenario, operation: str, on: bool) -> None:  # noqa: FBT001 - a column of the table
    key = kms.key(ENABLED)
    answer = kms.accepts(as_id(f"{operation}.reply"), operation.replace("-", "_"), key_id=key)
    told = kms.dialect.result(
        "rotation_status", kms.accepts("rotation-status.reply", "rotation_status", key_id=key).value
    )
    kms.judge.that(as_id(f"{operation}.reply"), told is on, on, told, (answer.number,))


@requirement("create-grant.reply", "list-grants.reply", "revoke-grant.reply")
def test_grant_is_listed_until_it_is_revoked(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    principal = kms.dialect.principal(kms.view(key).arn or "")
    answer = kms.accepts(
        "create-grant.reply", "create_grant", key_id=key, grantee=principal, grant_operations=["DescribeKey"]
    )
    grant = kms.dialect.result("create_grant", answer.value)
    if not isinstance(grant, str):
        raise Inconclusive("The reply names no grant.")
    listed = _told(kms, "list_grants", key)
    kms.judge.that("create-grant.reply", grant in listed, f"the grant {grant}", listed, (answer.number,))
    answer = kms.accepts("revoke-grant.reply", "revoke_grant", key_id=key, grant_id=grant)
    listed = _told(kms, "list_grants", key)
    kms.judge.that("revoke-grant.reply", grant not in listed, f"no grant {grant}", listed, (answer.number,))


@requirement("get-policy.reply", "put-policy.reply", "list-policies.reply")
def test_policy_reads_back(kms: Scenario) -> None:
    """Write the key's own policy with another `Id`, which changes no permissions, and then the original policy."""
    key = kms.key(ENABLED)
    was = kms.dialect.result("get_policy", kms.accepts("get-policy.reply", "get_policy", key_id=key).value)
    kms.accepts("list-policies.reply", "list_policies", key_id=key)
    try:
        meant = json.loads(str(was))
    except ValueError:
        raise Inconclusive(f"The policy is no JSON, so it is not written back: {str(was)[:100]!r}.") from None
    if not isinstance(meant, dict):
        raise Inconclusive(f"The policy is no JSON object, so it is not written back: {str(was)[:100]!r}.")
    for policy in (meant | {"Id": "kms-conformance"}, meant):
        answer = kms.accepts("put-policy.reply", "put_policy", key_id=key, policy=json.dumps(policy))
        now = kms.dialect.result("get_policy", kms.accepts("get-policy.reply", "get_policy", key_id=key).value)
        same = _means(now, policy)
        kms.judge.that("put-policy.reply", same, "the policy that was put", str(now), (answer.number,))


@requirement("re-encrypt.reply")
def test_re_encrypted_text_is_the_same(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    answer = kms.accepts("re-encrypt.reply", "re_encrypt", ciphertext=kms.encrypted(key), key_id=other)
    again = kms.dialect.secret_output("re_encrypt", answer.value)
    plain = kms.dialect.secret_output("decrypt", kms.accepts("re-encrypt.reply", "decrypt", ciphertext=again).value)
    kms.judge.that("re-encrypt.reply", plain == "text", "what was encrypted", "other text", (answer.number,))


def _some(names: Sequence[str]) -> str:
    """The first names, and the number of the others."""
    further = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{', '.join(names[:_MOST_NAMES]) or 'none'}{further}"


def _told(kms: Scenario, operation: str, key: str) -> str:
    """Send an operation that lists belongings of a key, such as `list_grants`; returns the list as JSON text."""
    answer = kms.accepts(as_id(f"{operation.replace('_', '-')}.reply"), operation, key_id=key)
    return json.dumps(kms.dialect.result(operation, answer.value), ensure_ascii=False)


def _means(policy: object, meant: object) -> bool:
    try:
        return bool(json.loads(str(policy)) == meant)
    except ValueError:
        return False
