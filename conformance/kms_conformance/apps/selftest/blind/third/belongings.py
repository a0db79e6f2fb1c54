"""The third blind set: aliases, tags and grants."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from kms_conformance.apps.selftest.blind.memory import Memory, changing
from kms_conformance.apps.selftest.blind.second.mixins import RequestMemory, pending
from kms_conformance.apps.selftest.blind.third.mixins import misreading, rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS
from kms_conformance.emulator import Decisions, Key, Rules

_name = rows_of("aliases")
_more = rows_of("tags, grants, policies and rotation")
_NAMED = (ALIBABA, AWS)


def _unresolved(when: Callable[[Memory, Key], bool]) -> type[Decisions]:
    """The aliases of a key for which `when` is true name nothing in requests, but are listed."""

    class Unresolved(Memory):
        def found(
            self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
        ) -> Mapping[str, Key]:
            found = super().found(operation, keys, earlier)
            if operation != "resolve_alias":
                return found
            return {name: replace(key, aliases=()) if when(self, key) else key for name, key in found.items()}

    return Unresolved


class _AliasOfArn(RequestMemory):
    """An alias that was created with the ARN of its key names nothing in requests."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._lost: set[str] = set()

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation in {"set_alias", "update_alias"}:
            alias = str(self.asked.parameters.get("AliasName"))
            self._lost.discard(alias)
            if str(self.asked.parameters.get("TargetKeyId")).startswith("arn:"):
                self._lost.add(alias)
        return super().effects(operation, before, after, keys)

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        found = super().found(operation, keys, earlier)
        if operation != "resolve_alias":
            return found
        kept = {name: tuple(alias for alias in key.aliases if alias not in self._lost) for name, key in found.items()}
        return {name: replace(key, aliases=kept[name]) for name, key in found.items()}


class _AliasTakenOver(RequestMemory):
    """Creating an alias that another key has moves it, with success."""

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        return self.asked.operation != "set_alias" and super().alias_taken(alias, keys)

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        yield from super().effects(operation, before, after, keys)
        if operation != "set_alias":
            return
        new = set(after.aliases) - set(before.aliases)
        for key in keys:
            if key.id != after.id and not key.default and new & set(key.aliases):
                yield replace(key, aliases=tuple(alias for alias in key.aliases if alias not in new))


class _AliasOfPendingFree(Decisions):
    """An alias of a pending key counts as free."""

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        return super().alias_taken(alias, [key for key in keys if not pending(key)])


class _NoMoveFromPending(RequestMemory):
    """An alias cannot be moved away from a pending key."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        alias = self.asked.parameters.get("AliasName")
        held = any(alias in holder.aliases and pending(holder) for holder in self.known.values())
        return "pending_manage" if operation == "update_alias" and held else super().refusal_for(operation, key)


def _lowered(_: Memory, before: Key, after: Key) -> Key:
    new = (alias.lower() if alias not in before.aliases else alias for alias in after.aliases)
    return replace(after, aliases=tuple(new))


def _lowered_at_creation(_: Memory, __: Key, after: Key) -> Key:
    return replace(after, aliases=tuple(alias.lower() for alias in after.aliases))


def _lowered_tags(_: Memory, before: Key, after: Key) -> Key:
    old = dict(before.tags)
    tags = {name if name in old else name.lower(): value for name, value in after.tags}
    return replace(after, tags=tuple(tags.items()))


def _old_values(_: Memory, before: Key, after: Key) -> Key:
    return replace(after, tags=tuple({**dict(after.tags), **dict(before.tags)}.items()))


def _first_untagged(_: Memory, before: Key, after: Key) -> Key:
    gone = [tag for tag in before.tags if tag not in after.tags]
    return replace(after, tags=(*after.tags, *gone[1:]))


def _one_a_grantee(_: Memory, __: Key, after: Key) -> Key:
    return replace(after, grants=tuple({grant.grantee: grant for grant in after.grants}.values()))


def _newest_grant_revoked(_: Memory, before: Key, __: Key) -> Key:
    return replace(before, grants=before.grants[:-1])


def _last_tag(_: Memory, __: Key, after: Key) -> Key:
    return replace(after, tags=after.tags[-1:])


ALIASES = (
    _name(
        "alias-of-cancelled-names-nothing",
        "major",
        "The aliases of a key whose deletion was cancelled are listed, but name nothing in requests.",
        "cancel.keeps.aliases",
        "cancel.usable-again",
        of=_NAMED,
        does=(_unresolved(lambda memory, key: memory.done["cancel", key.id] > 0),),
    ),
    _name(
        "alias-of-pending-names-nothing",
        "major",
        "The description of a pending key by one of its aliases is refused as unknown.",
        "pending.describe",
        "schedule.keeps.aliases",
        of=_NAMED,
        does=(_unresolved(lambda _, key: pending(key)),),
    ),
    _name(
        "alias-of-arn-names-nothing",
        "major",
        "An alias that was created with the ARN of its key names nothing in requests.",
        "set-alias.reply",
        "describe.reply",
        of=(AWS,),
        does=(_AliasOfArn,),
    ),
    _name(
        "aliases-lowered",
        "major",
        "Aliases are stored in small letters.",
        "set-alias.reply",
        "create.reply",
        does=(changing("set_alias", _lowered), changing("create", _lowered_at_creation)),
    ),
    _name(
        "alias-taken-over",
        "critical",
        "Creating an alias that another key has moves it to the new key, with success.",
        "set-alias.reply",
        "isolation.other-keys",
        of=_NAMED,
        does=(_AliasTakenOver,),
    ),
    _name(
        "alias-of-pending-is-free",
        "major",
        "An alias of a pending key can be given to another key as well.",
        "set-alias.reply",
        "pending.set-alias",
        of=_NAMED,
        does=(_AliasOfPendingFree,),
    ),
    _name(
        "no-move-from-pending",
        "major",
        "An alias cannot be moved away from a pending key.",
        "pending.update-alias-away",
        of=(AWS,),
        does=(_NoMoveFromPending,),
    ),
    _name(
        "second-alias-replaces",
        "major",
        "A key has one alias only: a second one replaces the first.",
        "set-alias.reply",
        of=_NAMED,
        does=(changing("set_alias", lambda _m, _old, new: replace(new, aliases=new.aliases[-1:])),),
    ),
)

MORE = (
    _more(
        "tag-names-lowered",
        "minor",
        "Names of tags are stored in small letters.",
        "tag.reply",
        of=_NAMED,
        does=(changing("tag", _lowered_tags),),
    ),
    _more(
        "tag-keeps-old-value",
        "minor",
        "A tag that the key has keeps its old value, although the new one is answered with success.",
        "tag.reply",
        of=(AWS,),
        does=(changing("tag", _old_values),),
    ),
    _more(
        "untag-first-alone",
        "minor",
        "Of several tags that are to be removed, only the first one is.",
        "untag.reply",
        "tag.reply",
        of=_NAMED,
        does=(changing("untag", _first_untagged),),
    ),
    _more(
        "tagging-keeps-last-alone",
        "major",
        "A key keeps only the last of its tags.",
        "tag.reply",
        of=_NAMED,
        does=(changing("tag", _last_tag),),
    ),
    _more(
        "created-tags-lost",
        "minor",
        "Tags that are given with a new key are lost.",
        "create.reply",
        "list-tags.reply",
        of=_NAMED,
        does=(changing("create", lambda _m, _old, new: replace(new, tags=())),),
    ),
    _more(
        "one-grant-a-principal",
        "major",
        "A second grant to the same principal replaces the first.",
        "create-grant.reply",
        "list-grants.reply",
        of=(AWS,),
        does=(changing("create_grant", _one_a_grantee),),
    ),
    _more(
        "newest-grant-revoked",
        "critical",
        "Revoking a grant revokes the newest grant of the key, whichever was named.",
        "revoke-grant.reply",
        "pending.revoke-grant",
        of=(AWS,),
        does=(changing("revoke_grant", _newest_grant_revoked),),
    ),
    _more(
        "grants-not-selected",
        "minor",
        "Listing grants ignores the grant id and the principal by which they are to be selected.",
        "list-grants.reply",
        of=(AWS,),
        does=(
            misreading(
                {"list_grants"},
                lambda sent: {n: v for n, v in sent.items() if n not in {"GrantId", "GranteePrincipal"}},
            ),
        ),
    ),
)
