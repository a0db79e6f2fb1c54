"""Belongings of a key, which are its tags, aliases, grants, policy and rotation.

Values that are set read back, and values that are removed do not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial

import pytest

from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Stop
from kms_conformance.client.oracle import ENABLED
from kms_conformance.suite.marks import asks, requirement
from kms_conformance.suite.requests import TAG
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import CONTEXT, must_name

# The number of names that a failure quotes.
_MOST_NAMES = 10
# Names of tags have 128 characters at most.
_TOO_LONG = 129
# At most so many pages are read of a list of what a key has.
_MOST_PAGES = 8


@requirement("tag.reply", "untag.reply")
@asks("tag", "list_tags")
def test_tags_of_a_key_do_not_disturb_each_other(kms: Scenario) -> None:
    """More tags leave the first one there, and taking one off leaves the others; each is on this key alone.

    Two of three tags are given, and taken off, in one request. A refused request gives none of its tags.
    """
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    # Capitals count in names.
    beside = f"{TAG}-Z{kms.chance.hex(6)}"
    third, fourth = f"{beside}-3", f"{beside}-4"
    # The second request gives this tag once more. Where no document says that it is replaced, its value is the same.
    second = kms.dialect.tag_value
    earlier = "1" if kms.dialect.replaces_tags else second
    kms.accepts("tag.reply", "tag", key_id=key, tags={TAG: "1", beside: earlier})
    value = "" if kms.dialect.empty_tag_values else "3"
    answer = kms.accepts("tag.reply", "tag", key_id=key, tags={beside: second, third: value})
    _must_have_tags(kms, "tag.reply", key, answer, {TAG: "1", beside: second, third: value})
    _must_come_in_pages(kms, "list_tags", key, answer, (f'"{TAG}"', f'"{beside}"', f'"{third}"'))
    refused = kms.ask("tag", key_id=key, tags={fourth: "4", "n" * _TOO_LONG: "5"})
    if not refused.accepted:
        _must_have_tags(kms, "refused.changes-nothing", key, refused, {fourth: None})
    _must_list(kms, "tag.reply", "list_tags", other, answer, (f'"{beside}"', False, f"no tag {beside}"))
    if "untag" in kms.client.api:
        answer = kms.accepts("untag.reply", "untag", key_id=key, tag_keys=[TAG])
        _must_have_tags(kms, "untag.reply", key, answer, {TAG: None, beside: second, third: value})
        answer = kms.accepts("untag.reply", "untag", key_id=key, tag_keys=[beside, third])
        _must_have_tags(kms, "untag.reply", key, answer, {beside: None, third: None})


@requirement("update-alias.reply", "list-aliases.reply")
def test_alias_goes_to_another_key(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    alias = kms.new_alias()
    given = kms.accepts("set-alias.reply", "set_alias", key_id=key, alias=alias)
    # Some targets may remember by this request what the alias names.
    if not must_name(kms, "set-alias.reply", alias, key, given):
        raise Stop
    kms.refuses("update-alias.reply", "unknown_alias", "update_alias", key_id=key, alias=kms.new_alias())
    # A refused move leaves the alias where it is.
    kms.ask("update_alias", key_id=kms.dialect.unknown_key(), alias=alias)
    answer = kms.accepts("update-alias.reply", "update_alias", key_id=other, alias=alias)
    must_name(kms, "update-alias.reply", alias, other, answer)
    for owner, owns in ((other, True), (key, False)):
        _must_list_alias(kms, owner, alias, answer, owned=owns)
    # A longer alias stays when the alias with which it begins is deleted.
    longer = f"{alias}-0"
    given = kms.done("set_alias", key_id=other, alias=longer)
    _must_come_in_pages(kms, "list_aliases", other, given, (f'"{alias}"', f'"{longer}"'))
    answer = kms.accepts("delete-alias.reply", "delete_alias", alias=alias)
    kms.must_show(
        "delete-alias.reply",
        partial(_aliases, kms, other),
        lambda listed: longer in listed and alias not in listed,
        (f"{longer}, and not {alias}, among the aliases of {other}", lambda listed: _some(sorted(listed))),
        answer,
        "list_aliases",
    )
    kms.ask("delete_alias", alias=longer)


@requirement("{operation}.reply", "rotation-status.reply")
@pytest.mark.parametrize(
    ("operation", "on"), [("enable-rotation", True), ("disable-rotation", False)], ids=["on", "off"]
)
def test_rotation_reads_back(kms: Scenario, operation: str, on: bool) -> None:  # noqa: FBT001 - a column of the table
    key = kms.key(ENABLED)
    answer = kms.accepts(as_id(f"{operation}.reply"), operation.replace("-", "_"), key_id=key)
    told = partial(kms.told, "rotation_status", key)
    kms.must_show(as_id(f"{operation}.reply"), told, lambda told: told is on, (str(on), str), answer, "rotation_status")


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
    again = kms.done("create_grant", key_id=key, grantee=principal, grant_operations=["DescribeKey", "RetireGrant"])
    second = str(kms.dialect.result("create_grant", again.value))
    _must_list(kms, "create-grant.reply", "list_grants", key, answer, (grant, True, f"the grant {grant}"))
    _must_come_in_pages(kms, "list_grants", key, again, (grant, second))
    other = _other_grants(kms, key, second)
    told = f"the grant {second} alone, which was asked for", f"{other} more"
    kms.judge.that("list-grants.reply", not other, *told)
    answer = kms.accepts("revoke-grant.reply", "revoke_grant", key_id=key, grant_id=grant)
    _must_list(kms, "revoke-grant.reply", "list_grants", key, answer, (grant, False, f"no grant {grant}"))
    _must_list(kms, "revoke-grant.reply", "list_grants", key, answer, (second, True, f"the second grant, {second}"))
    kms.ask("revoke_grant", key_id=key, grant_id=second)


@requirement("get-policy.reply", "put-policy.reply", "list-policies.reply")
def test_policy_reads_back(kms: Scenario) -> None:
    """Write the key's own policy with another `Id`, which changes no permissions, and then the original policy."""
    key = kms.key(ENABLED)
    was = kms.told("get_policy", key)
    kms.accepts("list-policies.reply", "list_policies", key_id=key)
    try:
        meant = json.loads(str(was))
    except ValueError:
        raise Inconclusive(f"The policy is no JSON, so it is not written back: {str(was)[:100]!r}.") from None
    if not isinstance(meant, dict):
        raise Inconclusive(f"The policy is no JSON object, so it is not written back: {str(was)[:100]!r}.")
    for policy in (meant | {"Id": "kms-conformance"}, meant):
        answer = kms.accepts("put-policy.reply", "put_policy", key_id=key, policy=json.dumps(policy))
        told = "the policy that was put", str
        kms.must_show(
            "put-policy.reply",
            partial(kms.told, "get_policy", key),
            partial(_means, meant=policy),
            told,
            answer,
            "get_policy",
        )


@requirement("re-encrypt.reply")
def test_re_encrypted_text_is_the_same(kms: Scenario) -> None:
    """The new ciphertext is bound to the new context, and no longer to the old one."""
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    answer = kms.accepts(
        "re-encrypt.reply", "re_encrypt", ciphertext=kms.encrypted(key), key_id=other, new_context=CONTEXT
    )
    again = kms.dialect.secret_output("re_encrypt", answer.value)
    decrypted = kms.accepts("re-encrypt.reply", "decrypt", ciphertext=again, context=CONTEXT)
    plain = kms.dialect.secret_output("decrypt", decrypted.value)
    kms.judge.that("re-encrypt.reply", plain == "text", "what was encrypted", "other text", (answer.number,))


def _must_list_alias(kms: Scenario, key: str, alias: str, answer: Answer, *, owned: bool) -> None:
    """Judge that the aliases of a key are its own, and that the alias is among them or is not."""
    listed = partial(_aliases, kms, key)
    foreign = kms.must_show(
        "list-aliases.reply",
        listed,
        lambda listed: not _of_others(listed, key),
        (f"aliases of {key} only", lambda listed: _some(_of_others(listed, key))),
        answer,
        "list_aliases",
    )
    if owned:
        # Only aliases that belong to no key are listed without one.
        kms.must_show(
            "list-aliases.reply",
            listed,
            lambda listed: listed.get(alias, key) is not None,
            (f"the key of {alias}", lambda _: "no key"),
            answer,
            "list_aliases",
        )
    # An alias that the list gives to another key is not counted twice.
    skipped = frozenset(name for name, named in foreign.items() if named not in (None, key))
    expected = f"{alias} {'' if owned else 'not '}among the aliases of {key}"
    kms.must_show(
        "update-alias.reply",
        listed,
        lambda listed: (alias in listed.keys() - skipped) is owned,
        (expected, lambda listed: _some(sorted(listed.keys() - skipped, key=lambda name: name != alias))),
        answer,
        "list_aliases",
    )


def _aliases(kms: Scenario, key: str) -> Mapping[str, str | None]:
    return kms.dialect.aliases(kms.accepts("list-aliases.reply", "list_aliases", key_id=key).value)


def _of_others(listed: Mapping[str, str | None], key: str) -> list[str]:
    return [f"{name} of {named}" for name, named in listed.items() if named not in (None, key)]


def _some(names: Sequence[str]) -> str:
    """The first names, and the number of the others."""
    further = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{', '.join(names[:_MOST_NAMES]) or 'none'}{further}"


def _must_list(
    kms: Scenario, requirement: RequirementId, operation: str, key: str, answer: Answer, wanted: tuple[str, bool, str]
) -> None:
    """Judge that a list of belongings names a text, or does not; `wanted`: the text, whether it is named, in words."""
    text, named, expected = wanted
    kms.must_show(
        requirement,
        lambda: _told(kms, operation, key),
        lambda listed: (text in listed) is named,
        (expected, str),
        answer,
        operation,
    )


def _must_have_tags(
    kms: Scenario, requirement: RequirementId, key: str, answer: Answer, wanted: Mapping[str, str | None]
) -> None:
    """Judge the values of some tags of a key; None for a tag that it must not have."""
    kms.must_show(
        requirement,
        lambda: kms.dialect.tags(kms.accepts("list-tags.reply", "list_tags", key_id=key).value),
        lambda tags: all(tags.get(name) == value for name, value in wanted.items()),
        (f"these tags: {dict(wanted)}", lambda tags: {name: tags.get(name) for name in wanted}),
        answer,
        "list_tags",
    )


def _must_come_in_pages(kms: Scenario, operation: str, key: str, answer: Answer, wanted: Sequence[str]) -> None:
    """Judge the pages of one entry of a list that has at least two; `answer`: the request that gave one.

    `wanted` are texts of entries that the list must have. A page may have fewer entries than its limit, and says
    whether another page follows.
    """
    if not kms.dialect.pages_belongings:
        return

    def pages() -> list[list[str]]:
        page = kms.done(operation, key_id=key, limit=1)
        found = [_entries(kms, operation, page)]
        while (cursor := kms.dialect.cursor(page.value)) is not None and len(found) < _MOST_PAGES:
            page = kms.done(operation, key_id=key, limit=1, cursor=cursor)
            found.append(_entries(kms, operation, page))
        return found

    def fits(found: list[list[str]]) -> bool:
        told = [entry for page in found for entry in page]
        complete = len(found) == _MOST_PAGES or all(any(text in entry for entry in told) for text in wanted)
        return len(found) > 1 and all(len(page) <= 1 for page in found) and len({*told}) == len(told) and complete

    kms.must_show(
        as_id(f"{operation.replace('_', '-')}.reply"),
        pages,
        fits,
        (f"pages of at most one entry each, each entry once, {', '.join(wanted)} among them", str),
        answer,
        operation,
    )


def _other_grants(kms: Scenario, key: str, grant: str) -> int:
    """The number of other grants in a list of the one grant with this id."""
    listed = kms.result("list_grants", key_id=key, grant_id=grant)
    found = [entry.get("GrantId") for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    return sum(named != grant for named in found)


def _entries(kms: Scenario, operation: str, answer: Answer) -> list[str]:
    """The entries of one page of a list of what a key has, as JSON texts."""
    found = kms.dialect.result(operation, answer.value)
    return [json.dumps(entry, sort_keys=True) for entry in found] if isinstance(found, list) else []


def _told(kms: Scenario, operation: str, key: str) -> str:
    """Send an operation that lists belongings of a key, such as `list_grants`; returns the list as JSON text."""
    if operation != "list_tags":
        return json.dumps(kms.told(operation, key), ensure_ascii=False)
    answer = kms.accepts("list-tags.reply", operation, key_id=key)
    return json.dumps(kms.dialect.tags(answer.value), ensure_ascii=False)


def _means(policy: object, meant: object) -> bool:
    try:
        return bool(json.loads(str(policy)) == meant)
    except ValueError:
        return False
